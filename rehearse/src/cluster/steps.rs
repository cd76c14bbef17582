//! What is done to an arm, step by step.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::arm::{Arm, LIMIT, own};
use super::kubectl::KubectlError;
use super::scenario::{Act, Scenario};
use super::watch::Roster;
use crate::progress::ArmProgress;

/// Between two attempts at an eviction that a disruption budget forbids for now.
const EVICTION_PAUSE: Duration = Duration::from_secs(1);

impl Arm {
    /// Does a scenario's steps, one after the other, and waits until all has settled.
    ///
    /// # Errors
    /// If kubectl fails, or something takes too long.
    pub(super) async fn play(
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
                // Of all arms at once: see `super::node`.
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
        let namespace = self.kubectl.namespace();
        let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/eviction");
        let eviction = json!({
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
        });
        let ask = async {
            loop {
                let args = ["create", "--raw", &path, "-f", "-"];
                match self.kubectl.feed(&args, &eviction.to_string()).await {
                    Err(KubectlError::Failed { words, .. }) if words.contains("disruption") => {
                        tokio::time::sleep(EVICTION_PAUSE).await;
                    }
                    other => return other.map(drop),
                }
            }
        };
        let asked = tokio::time::timeout(LIMIT, ask).await;
        Ok(asked.context("a disruption budget forbids the eviction")??)
    }

    /// An update that cannot work must leave the old pods serving.
    async fn break_image(&self, scenario: &Scenario) -> anyhow::Result<()> {
        let (path, patch) = (self.path(), self.deployment.broken_image().to_string());
        self.run(&["patch", &path, "--type=json", "-p", &patch])
            .await?;
        let failed = |roster: &Roster| {
            own(roster, &self.selector).any(|pod| !pod.is_leaving() && pod.fails_to_pull())
        };
        if !self.watch.until(failed, LIMIT).await {
            bail!(
                "the broken image of {} was not noticed",
                self.deployment.name()
            );
        }
        self.vary(&scenario.variation, scenario.replicas).await?;
        self.rolled_out().await?;
        self.settled(scenario.replicas, &BTreeSet::new()).await
    }
}
