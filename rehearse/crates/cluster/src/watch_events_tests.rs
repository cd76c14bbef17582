use super::*;
use rehearse_kubernetes::Pod;

/// As kubectl printed it for a pod of `hello` that was deleted: four events, shortened to what
/// matters, in its own layout.
const LEAVING: &str = include_str!("../../kubernetes/src/samples/leaving.json");

fn events(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<WatchEvent<Pod>> {
    let mut splitter = Splitter::default();
    pieces
        .flat_map(|piece| splitter.push(&piece).unwrap())
        .collect()
}

#[test]
fn events_come_out_whole_however_the_stream_is_cut() {
    let bytes = LEAVING.as_bytes();
    let whole = events(std::iter::once(bytes.to_vec()));
    use WatchEvent::{Applied, Deleted};
    let [Applied(_), Applied(_), Applied(_), Deleted(_)] = &whole[..] else {
        panic!("{whole:?}")
    };
    for size in [1, 7, 4_096] {
        let cut = events(bytes.chunks(size).map(<[u8]>::to_vec));
        assert_eq!(format!("{cut:?}"), format!("{whole:?}"), "{size}");
    }
}

#[test]
fn what_is_no_json_or_no_pod_is_an_error() {
    let push = |text: &str| Splitter::default().push::<Pod>(text.as_bytes());
    assert!(push("error: you must be logged in").is_err());
    assert!(push(r#"{"type": "ADDED", "object": {"metadata": 1}}"#).is_err());
}

#[test]
fn bookmarks_move_the_watch_along_and_errors_end_it() {
    let stream = concat!(
        r#"{"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "7"}}}"#,
        r#"{"type": "ERROR", "object": {"kind": "Status", "code": 410}}"#,
    );
    let events = events(std::iter::once(stream.into()));
    let [WatchEvent::Bookmark(version), WatchEvent::Failed] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(version, "7");
}
