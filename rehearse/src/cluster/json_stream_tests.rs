use std::collections::BTreeMap;

use super::*;

/// As kubectl printed it for a pod of `hello` that was deleted: four events, shortened to what
/// matters, in its own layout.
const LEAVING: &str = include_str!("samples/leaving.json");

fn events(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<Event> {
    let mut splitter = Splitter::default();
    pieces
        .flat_map(|piece| splitter.push(&piece).unwrap())
        .collect()
}

#[test]
fn events_come_out_whole_however_the_stream_is_cut() {
    let bytes = LEAVING.as_bytes();
    let whole = events(std::iter::once(bytes.to_vec()));
    let changes: Vec<Change> = whole.iter().map(|event| event.change).collect();
    let expected = [
        Change::Added,
        Change::Modified,
        Change::Modified,
        Change::Deleted,
    ];
    assert_eq!(changes, expected);
    for size in [1, 7, 4_096] {
        let cut = events(bytes.chunks(size).map(<[u8]>::to_vec));
        assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "{size}");
    }
}

#[test]
fn a_pod_goes_from_ready_to_leaving_to_its_last_words() {
    let events = events(std::iter::once(LEAVING.as_bytes().to_vec()));
    let [serving, leaving, ended, gone] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(serving.pod.is_ready() && !serving.pod.is_leaving());
    assert!(leaving.pod.is_ready() && leaving.pod.is_leaving());
    assert_eq!(leaving.pod.end(), None);
    for event in [ended, gone] {
        let end = event.pod.end().unwrap();
        assert_eq!((end.exit_code, end.reason.as_str()), (0, "Completed"));
        assert!(end.message.contains(r#""phase":"stopped""#), "{end:?}");
        assert!(!event.pod.is_ready());
    }
    assert_eq!(serving.pod.node(), Some("lastcall-worker2"));
    let label = |value: &str| BTreeMap::from([("app.kubernetes.io/name".into(), value.into())]);
    assert!(serving.pod.matches(&label("hello")) && !serving.pod.matches(&label("slow")));
    assert!(
        !serving.pod.matches(&BTreeMap::new()),
        "no selector means none"
    );
}

#[test]
fn what_keeps_a_pod_from_starting_is_said() {
    let pod = |status: &str| -> Pod {
        let pod = format!(r#"{{"metadata":{{"name":"hello-1"}},"status":{status}}}"#);
        serde_json::from_str(&pod).unwrap()
    };
    let waiting = r#"{"containerStatuses":[{"state":{"waiting":
        {"reason":"ImagePullBackOff","message":"Back-off pulling image"}}}]}"#;
    assert!(pod(waiting).fails_to_pull());
    let words = "hello-1: ImagePullBackOff Back-off pulling image";
    assert_eq!(pod(waiting).trouble().unwrap(), words);
    let pending = r#"{"conditions":[{"type":"PodScheduled","status":"False",
        "message":"0/3 nodes are available"}]}"#;
    let words = "hello-1: 0/3 nodes are available";
    assert_eq!(pod(pending).trouble().unwrap(), words);
    let crashed = r#"{"containerStatuses":[{"restartCount":2,"state":{"running":{}},
        "lastState":{"terminated":{"exitCode":69}}}]}"#;
    assert_eq!(pod(crashed).trouble().unwrap(), "hello-1: exit 69");
    assert_eq!(pod("{}").trouble(), None);
}

#[test]
fn what_is_no_json_is_an_error_and_what_is_no_pod_is_passed_over() {
    assert!(
        Splitter::default()
            .push(b"error: you must be logged in")
            .is_err()
    );
    let bookmark =
        br#"{"type":"BOOKMARK","object":{"kind":"Pod","metadata":{}}} {"kind":"Status"}"#;
    let events = Splitter::default().push(bookmark).unwrap();
    assert!(events.iter().all(|event| event.change == Change::Other));
}
