//! `kubectl drain`: everything that runs on a node is evicted, and the node takes nothing new.

use std::collections::BTreeSet;

use tokio::sync::OnceCell;

use super::arm::{Arm, Connected, LIMIT};
use super::journal::Journal;
use super::pods::Pods;
use rehearse_kubernetes::{List, Node};

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

/// A node that is drained under all arms at once.
pub(super) struct DrainedNode<'a> {
    /// Its name.
    pub(super) name: String,
    cluster: &'a Connected,
    journal: &'a Journal,
    drained: OnceCell<()>,
}

impl<'a> DrainedNode<'a> {
    /// The node to drain. `None`: there is none that can be drained.
    ///
    /// # Errors
    /// If kubectl fails.
    pub(super) async fn choose(
        cluster: &'a Connected,
        journal: &'a Journal,
        arms: &[Arm],
    ) -> anyhow::Result<Option<Self>> {
        let nodes: List<Node> = cluster.kubectl.get(&["nodes"]).await?;
        let own: Vec<BTreeSet<String>> = arms.iter().map(|arm| arm.pods(|_| true)).collect();
        let node = cluster.pods.read(|pods| choose(&nodes.items, &own, pods));
        Ok(node.map(|name| Self {
            name: name.to_owned(),
            cluster,
            journal,
            drained: OnceCell::new(),
        }))
    }

    /// Drains it: the first arm that comes here does, and all wait until it is done.
    ///
    /// # Errors
    /// If kubectl fails, or that takes too long.
    pub(super) async fn drain(&self) -> anyhow::Result<()> {
        let drain = || async {
            self.journal.note(&["uncordon", &self.name]);
            let node = self.name.as_str();
            let drain = [
                "drain",
                node,
                "--ignore-daemonsets",
                "--delete-emptydir-data",
            ];
            self.cluster.kubectl.wait(&drain, LIMIT).await?;
            anyhow::Ok(())
        };
        self.drained.get_or_try_init(drain).await.copied()
    }

    /// Lets it take pods again.
    ///
    /// # Errors
    /// If kubectl fails.
    pub(super) async fn give_back(&self) -> anyhow::Result<()> {
        self.cluster.kubectl.run(&["uncordon", &self.name]).await?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "drain_node_tests.rs"]
mod tests;
