use super::*;
use rehearse_kubernetes::Pod;

const NODES: &str = include_str!("samples/nodes.json");

fn nodes() -> Vec<Node> {
    let nodes: List<Node> = serde_json::from_str(NODES).unwrap();
    nodes.items
}

#[test]
fn load_goes_to_every_nodes_first_internal_address() {
    let addresses = internal(&nodes());
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
    let on_nodes = Addresses::on_nodes(&addresses, 31_000).current();
    assert_eq!(on_nodes.len(), 3);
    assert!(on_nodes.contains(&"172.18.0.3:31000".parse().unwrap()));
}

#[test]
fn tainted_and_cordoned_nodes_take_no_pods() {
    let nodes = nodes();
    let open = nodes.iter().filter(|node| node.is_schedulable());
    let names: Vec<&str> = open.map(|node| &*node.metadata.name).collect();
    assert_eq!(names, ["lastcall-worker"]);
}

/// A pod on the node of its name, ready since so many seconds before `now`.
fn pod(node: &str, ready_for: u64, leaving: bool, now: Instant) -> Seen {
    let deleted = leaving.then_some("2026-11-22T12:05:30Z");
    let pod: Pod = serde_json::from_value(serde_json::json!({
        "metadata": {"name": node, "deletionTimestamp": deleted},
        "spec": {"nodeName": node},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }))
    .unwrap();
    Seen::new(pod, now - Duration::from_secs(ready_for))
}

#[test]
fn with_a_local_policy_only_nodes_that_know_of_a_ready_pod_are_sent_to() {
    let now = Instant::now() + Duration::from_secs(60);
    let old = pod("old", 60, false, now);
    let (new, leaving) = (pod("new", 1, false, now), pod("leaving", 60, true, now));
    assert_eq!(nodes_with_endpoints(&[&old, &new, &leaving], now), ["old"]);
    assert_eq!(
        nodes_with_endpoints(&[&leaving, &new], now),
        ["leaving", "new"],
        "rather a node that serves still than none"
    );
    assert!(nodes_with_endpoints(&[], now).is_empty());
}
