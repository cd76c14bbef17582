use super::*;
use crate::cluster::pod::Pod;
use crate::cluster::watch::Seen;

fn nodes(count: usize) -> Nodes {
    let node = |n| serde_json::json!({"metadata": {"name": format!("w{n}")}, "status": {}});
    let items: Vec<serde_json::Value> = (0..count).map(node).collect();
    serde_json::from_value(serde_json::json!({"items": items})).unwrap()
}

/// Two arms with so many pods on each node.
fn arms(on: [[usize; 2]; 2]) -> (Roster, Vec<BTreeSet<String>>) {
    let (mut roster, mut arms) = (Roster::new(), Vec::new());
    for (arm, counts) in on.iter().enumerate() {
        let mut names = BTreeSet::new();
        for (node, count) in counts.iter().enumerate() {
            for n in 0..*count {
                let name = format!("{arm}-{node}-{n}");
                let pod = serde_json::json!({
                    "metadata": {"name": name},
                    "spec": {"nodeName": format!("w{node}")},
                });
                let pod: Pod = serde_json::from_value(pod).unwrap();
                roster.insert(name.clone(), Seen::new(pod, None));
                names.insert(name);
            }
        }
        arms.push(names);
    }
    (roster, arms)
}

#[test]
fn the_node_is_one_that_hurts_every_arm() {
    let (roster, pods) = arms([[5, 1], [0, 6]]);
    assert_eq!(choose(&nodes(2), &pods, &roster), Some("w1"));
    let (roster, pods) = arms([[6, 0], [0, 6]]);
    assert_eq!(choose(&nodes(2), &pods, &roster), None);
}

#[test]
fn the_only_worker_is_never_drained() {
    let (roster, pods) = arms([[6, 0], [6, 0]]);
    assert_eq!(choose(&nodes(2), &pods, &roster), Some("w0"));
    assert_eq!(choose(&nodes(1), &pods, &roster), None);
}
