//! `kubectl drain`: everything that runs on a node is evicted, and the node takes nothing new.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::arm::{Arm, Connected, LIMIT};
use super::journal::Journal;
use super::pods::Pods;
use rehearse_kubernetes::{List, Node, Pod};

/// Of the nodes that can be done without, the one with most pods of all arms; every arm must have
/// one there. `None`: there is no such node, or no other that could take its pods.
fn choose<'a>(nodes: &'a [Node], arms: &[BTreeSet<String>], pods: &Pods) -> Option<&'a str> {
    let workers: Vec<&Node> = nodes.iter().filter(|node| node.is_schedulable()).collect();
    let pods_on = |node: &Node, arm: &BTreeSet<String>| {
        let there = |name: &&String| {
            let node_of = pods.present.get(*name).and_then(|seen| seen.pod.node());
            node_of == Some(&node.metadata.name)
        };
        arm.iter().filter(there).count()
    };
    let least = |node: &Node| arms.iter().map(|arm| pods_on(node, arm)).min().unwrap_or(0);
    let most = workers.iter().copied().max_by_key(|node| least(node))?;
    (workers.len() > 1 && least(most) > 0).then_some(&most.metadata.name)
}

/// Drains a node under all arms, waits until their pods run elsewhere, and gives it back. `None`:
/// no node can be drained.
///
/// # Errors
/// If kubectl fails, or something takes too long.
pub(super) async fn drain_node(
    cluster: &Connected,
    journal: &Journal,
    arms: &[Arm],
    replicas: u32,
) -> anyhow::Result<Option<String>> {
    let nodes: List<Node> = cluster.kubectl.get(&["nodes"]).await?;
    let own: Vec<BTreeSet<String>> = arms.iter().map(|arm| arm.pods(|_| true)).collect();
    let Some(node) = cluster.pods.read(|pods| choose(&nodes.items, &own, pods)) else {
        return Ok(None);
    };
    let there = |pod: &Pod| pod.node() == Some(node);
    let moved: Vec<BTreeSet<String>> = arms.iter().map(|arm| arm.pods(there)).collect();
    journal.note(&["uncordon", node]);
    let drain = [
        "drain",
        node,
        "--ignore-daemonsets",
        "--delete-emptydir-data",
    ];
    cluster.kubectl.wait(&drain, LIMIT).await?;
    let parts = arms.iter().zip(&moved);
    try_join_all(parts.map(|(arm, gone)| arm.settled(replicas, gone))).await?;
    cluster.kubectl.run(&["uncordon", node]).await?;
    Ok(Some(node.to_owned()))
}

#[cfg(test)]
#[path = "drain_node_tests.rs"]
mod tests;
