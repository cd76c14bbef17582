use std::time::Duration;

use super::super::watch_events::{Splitter, WatchEvent};
use super::*;

const LEAVING: &str = include_str!("../../kubernetes/src/samples/leaving.json");

/// What happened to a pod that was deleted, in four steps.
fn leaving() -> Vec<Change<Pod>> {
    let events = Splitter::default().push(LEAVING.as_bytes()).unwrap();
    let changes = events.into_iter().map(|event| match event {
        WatchEvent::Applied(pod) => Change::Applied(pod),
        WatchEvent::Deleted(pod) => Change::Deleted(pod),
        other => panic!("{other:?}"),
    });
    changes.collect()
}

fn pod(name: &str, state: &str) -> Pod {
    let status = format!(r#"{{"containerStatuses":[{{"name":"hello","state":{state}}}]}}"#);
    let pod = format!(r#"{{"metadata":{{"name":"{name}"}},"status":{status}}}"#);
    serde_json::from_str(&pod).unwrap()
}

const RUNNING: &str = r#"{"running":{"startedAt":"2026-11-22T12:00:01Z"}}"#;

#[test]
fn a_pods_report_is_kept_until_it_is_gone() {
    let (mut pods, now) = (Pods::default(), Instant::now());
    let mut changes = leaving();
    // The last state of a pod may come without the state of its container.
    let bare = r#"{"metadata":{"name":"hello-7c9f6d5b8-x2kqp"}}"#;
    *changes.last_mut().unwrap() = Change::Deleted(serde_json::from_str(bare).unwrap());
    changes
        .into_iter()
        .for_each(|change| pods.apply(change, now));
    assert!(pods.present.is_empty());
    let (_, ended) = pods.gone[0].seen.ended.as_ref().unwrap();
    let message = &ended.end("hello").unwrap().message;
    assert!(message.contains("last_connection_ms"), "{message}");
}

#[test]
fn a_pods_moments_are_when_they_were_first_seen() {
    let (mut pods, start) = (Pods::default(), Instant::now());
    let at = |second| start + Duration::from_secs(second);
    for (second, change) in (0..).zip(leaving()) {
        pods.apply(change, at(second));
    }
    let seen = &pods.gone[0].seen;
    let expected = [
        (at(0), PodChange::Created),
        (at(0), PodChange::Ready),
        (at(1), PodChange::Deleted),
        (at(2), PodChange::Unready),
    ];
    assert_eq!(seen.moments, expected);
    assert_eq!(seen.ended.as_ref().unwrap().0, at(2));
    assert_eq!(pods.gone[0].at, at(3));
}

#[test]
fn a_pod_that_never_ran_leaves_nothing_to_report() {
    let (mut pods, now) = (Pods::default(), Instant::now());
    let waiting = r#"{"waiting":{"reason":"ImagePullBackOff"}}"#;
    let made_up = r#"{"terminated":{"exitCode":137,"reason":"ContainerStatusUnknown"}}"#;
    for state in [waiting, made_up] {
        pods.apply(Change::Deleted(pod("hello-1", state)), now);
    }
    assert!(pods.gone.is_empty());
    pods.apply(Change::Deleted(pod("hello-1", RUNNING)), now);
    assert!(
        pods.gone[0].seen.ended.is_none(),
        "it ran, and its end was not seen"
    );
    let seen = &pods.gone[0].seen;
    assert!(seen.has_run("hello") && !seen.has_run("sidecar"));
}

#[test]
fn a_pod_that_is_missing_from_a_new_list_has_gone_unseen() {
    let (mut pods, now) = (Pods::default(), Instant::now());
    let all = ["a", "b"].map(|name| pod(name, RUNNING)).to_vec();
    pods.apply(Change::Listed(all), now);
    pods.apply(Change::Listed(vec![pod("b", RUNNING)]), now);
    assert_eq!(Vec::from_iter(pods.present.keys()), ["b"]);
    let [gone] = &pods.gone[..] else {
        panic!("{:?}", pods.gone)
    };
    assert_eq!(
        (gone.seen.pod.name(), gone.seen.ended.is_none()),
        ("a", true)
    );
}
