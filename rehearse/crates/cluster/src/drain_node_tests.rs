use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::pods::Seen;
use rehearse_kubernetes::Pod;

fn nodes(count: usize) -> Vec<Node> {
    let node = |n| serde_json::from_value(json!({"metadata": {"name": format!("w{n}")}})).unwrap();
    (0..count).map(node).collect()
}

/// Two arms with so many pods on each node.
fn arms(on: [[usize; 2]; 2]) -> (Pods, Vec<BTreeSet<String>>) {
    let (mut pods, mut arms) = (Pods::default(), Vec::new());
    for (arm, counts) in on.iter().enumerate() {
        let mut names = BTreeSet::new();
        for (node, count) in counts.iter().enumerate() {
            for n in 0..*count {
                let name = format!("{arm}-{node}-{n}");
                let spec = json!({"nodeName": format!("w{node}")});
                let pod = json!({"metadata": {"name": name}, "spec": spec});
                let pod: Pod = serde_json::from_value(pod).unwrap();
                let seen = Seen::new(pod, Instant::now());
                pods.present.insert(name.clone(), seen);
                names.insert(name);
            }
        }
        arms.push(names);
    }
    (pods, arms)
}

#[test]
fn the_node_is_one_that_hurts_every_arm() {
    let (pods, own) = arms([[5, 1], [0, 6]]);
    assert_eq!(choose(&nodes(2), &own, &pods), Some("w1"));
    let (pods, own) = arms([[6, 0], [0, 6]]);
    assert_eq!(choose(&nodes(2), &own, &pods), None);
}

#[test]
fn the_only_worker_is_never_drained() {
    let (pods, own) = arms([[6, 0], [6, 0]]);
    assert_eq!(choose(&nodes(2), &own, &pods), Some("w0"));
    assert_eq!(choose(&nodes(1), &own, &pods), None);
}
