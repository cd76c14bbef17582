//! One arm on a cluster: a Deployment, the port that leads to it, and what is done to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;

use super::deployment::{Deployment, NodePortService, traffic_policy};
use super::kubectl::Kubectl;
use super::pod::Pod;
use super::scenario::{Scenario, Variation};
use super::watch::{Roster, Watch};
use crate::scenario::ArmName;

/// How long a step may take: twenty pods one after the other, on a busy machine.
pub(super) const LIMIT: Duration = Duration::from_secs(600);

/// An arm.
pub(super) struct Arm {
    /// Which.
    pub(super) name: ArmName,
    /// As it was at first.
    pub(super) deployment: Deployment,
    /// The same of its Service.
    pub(super) service: NodePortService,
    /// Which pods are its own.
    pub(super) selector: BTreeMap<String, String>,
    /// The port of every node that leads to it.
    pub(super) node_port: u16,
    pub(super) kubectl: Kubectl,
    pub(super) watch: Arc<Watch>,
}

impl Arm {
    /// Makes it what a scenario wants, and waits until it is.
    ///
    /// # Errors
    /// If kubectl fails, or that takes too long.
    pub(super) async fn set_up(&self, scenario: &Scenario) -> anyhow::Result<()> {
        let Scenario {
            variation,
            replicas,
            ..
        } = scenario;
        let policy = match variation.local {
            true => "Local",
            false => self.service.traffic_policy(),
        };
        let patch = traffic_policy(policy).to_string();
        let service = ["patch", "service", self.deployment.name(), "-p", &patch];
        self.kubectl.run(&service).await?;
        self.vary(variation, *replicas).await?;
        self.rolled_out().await?;
        self.settled(*replicas, &BTreeSet::new()).await
    }

    /// The names of its pods that are so.
    pub(super) fn pods(&self, so: impl Fn(&Pod) -> bool) -> BTreeSet<String> {
        let roster = self.watch.pods();
        let roster = roster.borrow();
        let own = own(&roster, &self.selector).filter(|pod| so(pod));
        own.map(|pod| pod.name().to_owned()).collect()
    }

    /// Waits until it has so many pods, all of them ready, none on its way out, none of `gone`.
    ///
    /// # Errors
    /// If that takes too long: with what its pods say.
    pub(super) async fn settled(
        &self,
        replicas: u32,
        gone: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        let wanted = |roster: &Roster| {
            let mut pods = own(roster, &self.selector).peekable();
            let mut count = 0;
            let in_order = pods.by_ref().all(|pod| {
                count += 1;
                pod.is_ready() && !pod.is_leaving() && !gone.contains(pod.name())
            });
            in_order && count == replicas
        };
        if self.watch.until(wanted, LIMIT).await {
            return Ok(());
        }
        let (name, ready) = (
            self.deployment.name(),
            self.pods(|pod| pod.is_ready()).len(),
        );
        let roster = self.watch.pods();
        let trouble: Vec<String> = own(&roster.borrow(), &self.selector)
            .filter_map(Pod::trouble)
            .collect();
        let trouble = trouble.join("; ");
        bail!("{name} did not settle in {LIMIT:?}: {ready} of {replicas} pods ready; {trouble}")
    }

    pub(super) async fn vary(&self, variation: &Variation, replicas: u32) -> anyhow::Result<()> {
        let patch = self.deployment.patch(variation, replicas).to_string();
        let path = self.path();
        self.run(&["patch", &path, "--type=json", "-p", &patch])
            .await
    }

    pub(super) async fn rolled_out(&self) -> anyhow::Result<()> {
        let path = self.path();
        let args = ["rollout", "status", &path];
        self.kubectl.wait(&args, LIMIT).await?;
        Ok(())
    }

    pub(super) fn path(&self) -> String {
        format!("deployment/{}", self.deployment.name())
    }

    pub(super) async fn run(&self, args: &[&str]) -> anyhow::Result<()> {
        self.kubectl.run(args).await?;
        Ok(())
    }
}

/// The pods that a selector means.
pub(super) fn own<'a>(
    roster: &'a Roster,
    selector: &BTreeMap<String, String>,
) -> impl Iterator<Item = &'a Pod> {
    let pods = roster.values().map(|seen| &*seen.pod);
    pods.filter(|pod| pod.matches(selector))
}
