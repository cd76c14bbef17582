use super::*;

const LEAVING: &str = include_str!("samples/leaving.json");

#[test]
fn a_pods_last_words_are_kept_until_it_is_gone() {
    let (mut roster, now) = (Roster::new(), Instant::now());
    let mut events = Splitter::default().push(LEAVING.as_bytes()).unwrap();
    // The last state of a pod may come without the state of its container.
    let bare = r#"{"type":"DELETED","object":{"metadata":{"name":"hello-7c9f6d5b8-x2kqp"}}}"#;
    *events.last_mut().unwrap() = serde_json::from_str(bare).unwrap();
    let mut gone = events
        .into_iter()
        .filter_map(|event| enter(&mut roster, event, now));
    let gone = gone.next().unwrap();
    assert!(roster.is_empty());
    assert!(gone.end.unwrap().message.contains("last_connection_ms"));
}

#[test]
fn a_pod_is_ready_since_it_became_so_and_not_since_it_was_last_seen() {
    let (mut roster, start) = (Roster::new(), Instant::now());
    let events = Splitter::default().push(LEAVING.as_bytes()).unwrap();
    let mut since = Vec::new();
    for (second, event) in events.into_iter().enumerate().take(3) {
        let now = start + Duration::from_secs(second as u64);
        assert!(enter(&mut roster, event, now).is_none());
        since.push(roster.values().next().unwrap().ready_since);
    }
    assert_eq!(since, [Some(start), Some(start), None]);
}

#[test]
fn a_pod_that_never_ran_leaves_nothing_to_report() {
    let (mut roster, now) = (Roster::new(), Instant::now());
    let event = |state: &str| -> Event {
        let status = format!(r#"{{"containerStatuses":[{{"state":{state}}}]}}"#);
        let object = format!(r#"{{"metadata":{{"name":"hello-1"}},"status":{status}}}"#);
        serde_json::from_str(&format!(r#"{{"type":"DELETED","object":{object}}}"#)).unwrap()
    };
    let waiting = r#"{"waiting":{"reason":"ImagePullBackOff"}}"#;
    assert!(enter(&mut roster, event(waiting), now).is_none());
    let made_up = r#"{"terminated":{"exitCode":137,"reason":"ContainerStatusUnknown"}}"#;
    assert!(enter(&mut roster, event(made_up), now).is_none());
    let killed_unseen = r#"{"running":{"startedAt":"2026-11-22T12:00:01Z"}}"#;
    let gone = enter(&mut roster, event(killed_unseen), now).unwrap();
    assert_eq!(gone.end, None);
}

/// A watch whose child prints a sample, and then does what the script says.
fn watch(script: &str) -> Watch {
    let sample = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/cluster/samples/leaving.json"
    );
    Watch::start(&Kubectl::faked(&format!("cat '{sample}'; {script}"))).unwrap()
}

#[tokio::test]
async fn a_pods_report_is_caught_though_the_pod_is_gone() {
    let watch = watch("exec sleep 600");
    let gone = loop {
        if let Some(gone) = watch.take_gone().pop() {
            break gone;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(gone.end.unwrap().message.contains(r#""phase":"stopped""#));
    assert_eq!(watch.gaps(), 0);
}

#[tokio::test]
async fn a_watch_that_ends_is_begun_anew_and_counted() {
    let watch = watch("exit 1");
    let mut seen = 0;
    while seen < 2 {
        seen += watch.take_gone().len();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(watch.gaps() > 0);
}
