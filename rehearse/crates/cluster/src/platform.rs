//! An arm on a cluster as a [`Platform`]: what is done to it, step by step.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::addresses::Addresses;
use super::arm::{Arm, LIMIT};
use super::drain_node::DrainedNode;
use super::kubectl::KubectlError;
use super::pod_ends::ArmPods;
use super::pods::Pods;
use super::scenario::{Scenario, Variation};
use rehearse_client::Endpoints;
use rehearse_platform::{Happened, Platform, Step};

/// Between two attempts at an eviction that a disruption budget forbids for now.
const EVICTION_PAUSE: Duration = Duration::from_secs(1);

/// An arm while its steps are taken. It has been set up.
pub(super) struct ArmOnCluster<'a> {
    arm: &'a Arm,
    addresses: Arc<Addresses>,
    node: Option<&'a DrainedNode<'a>>,
    variation: Variation,
    /// How many it is to have.
    replicas: u32,
    /// The pods that are to go, or have gone.
    replaced: BTreeSet<String>,
}

impl<'a> ArmOnCluster<'a> {
    /// The arm as a scenario begins. `node`: the one that is drained, if one is.
    pub(super) fn new(
        arm: &'a Arm,
        scenario: &Scenario,
        addresses: Arc<Addresses>,
        node: Option<&'a DrainedNode<'a>>,
    ) -> Self {
        Self {
            arm,
            addresses,
            node,
            variation: scenario.variation,
            replicas: scenario.replicas,
            replaced: BTreeSet::new(),
        }
    }

    async fn roll_out(&mut self) -> anyhow::Result<()> {
        let arm = self.arm;
        self.replaced.extend(arm.pods(|_| true));
        arm.run(&["rollout", "restart", &arm.path()]).await?;
        arm.rolled_out().await
    }

    async fn scale(&mut self, to: usize) -> anyhow::Result<()> {
        self.replicas = u32::try_from(to)?;
        let replicas = format!("--replicas={to}");
        let arm = self.arm;
        arm.run(&["scale", &arm.path(), &replicas]).await?;
        arm.settled(self.replicas, &self.replaced).await
    }

    /// One pod, by this way; everything settles before the next.
    async fn remove_one(&mut self, step: Step) -> anyhow::Result<()> {
        let arm = self.arm;
        let pods = arm.pods(|_| true);
        let pod = pods.first().context("there is no pod to delete")?;
        self.replaced.insert(pod.clone());
        match step {
            Step::Evict => evict(arm, pod).await?,
            _ => arm.run(&["delete", "pod", pod, "--wait=false"]).await?,
        }
        arm.settled(self.replicas, &self.replaced).await
    }

    async fn drain_node(&mut self) -> anyhow::Result<()> {
        let node = self.node.context("no node was chosen")?;
        let there = self.arm.pods(|pod| pod.node() == Some(&node.name));
        self.replaced.extend(there);
        node.drain().await
    }

    /// An update that cannot work must leave the old pods serving.
    async fn break_image(&mut self) -> anyhow::Result<()> {
        let arm = self.arm;
        let (path, patch) = (arm.path(), arm.deployed.broken_image().to_string());
        arm.run(&["patch", &path, "--type=json", "-p", &patch])
            .await?;
        let failed = |pods: &Pods| {
            arm.own(pods)
                .any(|seen| !seen.pod.is_leaving() && seen.pod.fails_to_pull())
        };
        if !arm.cluster.pods.until(failed, LIMIT).await {
            let name = arm.deployed.name();
            bail!("the broken image of {name} was not noticed");
        }
        arm.vary(&self.variation, self.replicas).await?;
        arm.rolled_out().await
    }
}

impl Platform for ArmOnCluster<'_> {
    type Error = anyhow::Error;

    async fn ready(&mut self) -> anyhow::Result<()> {
        Ok(())
    }

    fn endpoints(&self) -> Arc<dyn Endpoints> {
        Arc::<Addresses>::clone(&self.addresses)
    }

    async fn take(&mut self, step: Step) -> anyhow::Result<()> {
        match step {
            Step::RollOut => self.roll_out().await,
            Step::ScaleTo(to) => self.scale(to).await,
            Step::Delete | Step::Evict => self.remove_one(step).await,
            Step::DrainNode => self.drain_node().await,
            Step::BrokenImage => self.break_image().await,
        }
    }

    async fn settled(&mut self) -> anyhow::Result<()> {
        self.arm.settled(self.replicas, &self.replaced).await?;
        self.arm.known_to_nodes().await
    }

    async fn end(self) -> Happened {
        let Arm {
            cluster, service, ..
        } = self.arm;
        let pods = cluster.pods.read(|pods| ArmPods::of(self.arm, pods));
        let service = service.as_deref().unwrap_or_default();
        Happened {
            endpoints: cluster
                .endpoints
                .read(|endpoints| pods.endpoints(service, endpoints)),
            pods: pods.ledger(),
        }
    }
}

/// Through the API, as everything does that respects disruption budgets; and like all of those
/// it asks again if it is refused for now (429).
async fn evict(arm: &Arm, pod: &str) -> anyhow::Result<()> {
    let kubectl = &arm.cluster.kubectl;
    let namespace = kubectl.namespace();
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/eviction");
    let eviction = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
    });
    let evicted = async {
        loop {
            let args = ["create", "--raw", &path, "-f", "-"];
            match kubectl.feed(&args, &eviction.to_string()).await {
                Err(KubectlError::Failed { stderr, .. }) if stderr.contains("disruption") => {
                    tokio::time::sleep(EVICTION_PAUSE).await;
                }
                other => return other.map(drop),
            }
        }
    };
    let evicted = tokio::time::timeout(LIMIT, evicted).await;
    Ok(evicted.context("a disruption budget forbids the eviction")??)
}
