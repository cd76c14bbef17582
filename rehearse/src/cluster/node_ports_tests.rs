use super::super::json_stream::{Event, Splitter};
use super::super::watch::Seen;
use super::*;

const NODES: &str = include_str!("samples/nodes.json");

fn nodes() -> Nodes {
    serde_json::from_str(NODES).unwrap()
}

#[test]
fn load_goes_to_every_nodes_first_internal_address() {
    let addresses = nodes().addresses();
    let shown: Vec<String> = addresses
        .iter()
        .map(|(n, ip)| format!("{n} {ip}"))
        .collect();
    let expected = [
        "lastcall-control-plane 172.18.0.4",
        "lastcall-worker 172.18.0.3",
        "lastcall-worker2 172.18.0.2",
    ];
    assert_eq!(shown, expected);
    let doors = Doors::new(&addresses, 31_000);
    assert_eq!(doors.open().len(), 3);
    assert!(doors.open().contains(&"172.18.0.3:31000".parse().unwrap()));
}

#[test]
fn tainted_and_cordoned_nodes_take_no_pods() {
    assert_eq!(nodes().workers(), ["lastcall-worker"]);
}

/// A pod of `hello` on a node, ready since so many seconds before `now`.
fn pod(roster: &mut Roster, node: &str, ready_for: u64, leaving: bool, now: Instant) {
    let deleted = leaving.then_some("2026-11-22T12:05:30Z");
    let event = serde_json::json!({"type": "ADDED", "object": {
        "metadata": {"name": node, "labels": {"app": "hello"}, "deletionTimestamp": deleted},
        "spec": {"nodeName": node},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }});
    let events: Vec<Event> = Splitter::default()
        .push(event.to_string().as_bytes())
        .unwrap();
    let [event] = <[Event; 1]>::try_from(events).unwrap();
    let ready_since = now.checked_sub(Duration::from_secs(ready_for));
    let seen = Seen::new(event.pod, ready_since);
    roster.insert(node.to_owned(), seen);
}

#[test]
fn with_a_local_policy_only_nodes_that_know_of_a_ready_pod_are_sent_to() {
    let (now, mut roster) = (Instant::now(), Roster::new());
    let selector = BTreeMap::from([("app".to_owned(), "hello".to_owned())]);
    pod(&mut roster, "old", 60, false, now);
    pod(&mut roster, "new", 1, false, now);
    pod(&mut roster, "leaving", 60, true, now);
    assert_eq!(nodes_with_endpoints(&roster, &selector, now), ["old"]);
    roster.remove("old");
    let all = nodes_with_endpoints(&roster, &selector, now);
    assert_eq!(
        all,
        ["leaving", "new"],
        "rather a node that serves still than none"
    );
    let others = BTreeMap::from([("app".to_owned(), "slow".to_owned())]);
    assert!(nodes_with_endpoints(&roster, &others, now).is_empty());
}
