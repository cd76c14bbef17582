//! What is done to an arm, step by step.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::arm::{Arm, LIMIT};
use super::kubectl::KubectlError;
use super::pods::Pods;
use super::scenario::{Act, Scenario};
use crate::progress::ArmProgress;

/// Between two attempts at an eviction that a disruption budget forbids for now.
const EVICTION_PAUSE: Duration = Duration::from_secs(1);

impl Arm {
    /// Does a scenario's steps, one after the other, and waits until all has settled.
    ///
    /// # Errors
    /// If kubectl fails, or something takes too long.
    pub(super) async fn take_steps(
        &self,
        scenario: &Scenario,
        progress: &ArmProgress,
    ) -> anyhow::Result<()> {
        for time in 0..scenario.times {
            let last = time + 1 == scenario.times;
            let before = self.pods(|_| true);
            match scenario.act {
                Act::RollOut => {
                    self.run(&["rollout", "restart", &self.path()]).await?;
                    self.rolled_out().await?;
                    if last {
                        self.settled(scenario.replicas, &before).await?;
                    }
                }
                Act::ScaleTo(to) => {
                    self.scale(to).await?;
                    if !last {
                        self.scale(scenario.replicas).await?;
                    }
                }
                Act::Delete | Act::Evict => {
                    let pod = before.first().context("there is no pod to delete")?;
                    match scenario.act {
                        Act::Evict => self.evict(pod).await?,
                        _ => self.run(&["delete", "pod", pod, "--wait=false"]).await?,
                    }
                    let gone = BTreeSet::from([pod.clone()]);
                    self.settled(scenario.replicas, &gone).await?;
                }
                Act::BrokenImage => self.break_image(scenario).await?,
                // Of all arms at once: see `super::drain_node`.
                Act::DrainNode => {}
            }
            progress.step_taken();
        }
        Ok(())
    }

    async fn scale(&self, to: u32) -> anyhow::Result<()> {
        let replicas = format!("--replicas={to}");
        self.run(&["scale", &self.path(), &replicas]).await?;
        self.settled(to, &BTreeSet::new()).await
    }

    /// Through the API, as everything does that respects disruption budgets; and like all of those
    /// it asks again if it is refused for now (429).
    async fn evict(&self, pod: &str) -> anyhow::Result<()> {
        let kubectl = &self.cluster.kubectl;
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

    /// An update that cannot work must leave the old pods serving.
    async fn break_image(&self, scenario: &Scenario) -> anyhow::Result<()> {
        let (path, patch) = (self.path(), self.deployed.broken_image().to_string());
        self.run(&["patch", &path, "--type=json", "-p", &patch])
            .await?;
        let failed = |pods: &Pods| {
            self.own(pods)
                .any(|seen| !seen.pod.is_leaving() && seen.pod.fails_to_pull())
        };
        if !self.cluster.pods.until(failed, LIMIT).await {
            let name = self.deployed.name();
            bail!("the broken image of {name} was not noticed");
        }
        self.vary(&scenario.variation, scenario.replicas).await?;
        self.rolled_out().await?;
        self.settled(scenario.replicas, &BTreeSet::new()).await
    }
}
