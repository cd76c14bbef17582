//! `kubectl drain`: everything that runs on a node is evicted, and the node takes nothing new.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;

use super::arm::{Arm, LIMIT};
use super::journal::Journal;
use super::kubectl::Kubectl;
use super::node_ports::Nodes;
use super::pod::Pod;
use super::watch::Roster;

/// Of the nodes that can be done without, the one with most pods of all arms; every arm must have
/// one there. `None`: there is no such node, or no other that could take its pods.
fn choose<'a>(nodes: &'a Nodes, arms: &[BTreeSet<String>], roster: &Roster) -> Option<&'a str> {
    let workers = nodes.workers();
    let pods_on = |node: &str, arm: &BTreeSet<String>| {
        let there = |name: &&String| {
            let node_of = roster.get(*name).and_then(|seen| seen.pod.node());
            node_of == Some(node)
        };
        arm.iter().filter(there).count()
    };
    let least = |node: &str| arms.iter().map(|arm| pods_on(node, arm)).min().unwrap_or(0);
    let most = workers.iter().copied().max_by_key(|node| least(node))?;
    (workers.len() > 1 && least(most) > 0).then_some(most)
}

/// Drains a node under all arms, waits until their pods run elsewhere, and gives it back. `None`:
/// no node can be drained.
///
/// # Errors
/// If kubectl fails, or something takes too long.
pub(super) async fn drain_node(
    kubectl: &Kubectl,
    journal: &Journal,
    arms: &[Arm],
    replicas: u32,
) -> anyhow::Result<Option<String>> {
    let nodes: Nodes = kubectl.get(&["nodes"]).await?;
    let pods: Vec<BTreeSet<String>> = arms.iter().map(|arm| arm.pods(|_| true)).collect();
    let roster = match arms.first() {
        Some(arm) => arm.watch.pods().borrow().clone(),
        None => return Ok(None),
    };
    let Some(node) = choose(&nodes, &pods, &roster) else {
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
    kubectl.wait(&drain, LIMIT).await?;
    let parts = arms.iter().zip(&moved);
    try_join_all(parts.map(|(arm, gone)| arm.settled(replicas, gone))).await?;
    kubectl.run(&["uncordon", node]).await?;
    Ok(Some(node.to_owned()))
}

#[cfg(test)]
#[path = "drain_node_tests.rs"]
mod tests;
