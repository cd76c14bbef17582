//! One arm on a cluster: a Deployment, what leads to it, and what is done to it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::time::sleep;

use super::addresses::PROPAGATION;
use super::deployed::Deployed;
use super::endpoints::Endpoints;
use super::followed::Followed;
use super::kubectl::Kubectl;
use super::pods::{Pods, Seen};
use super::scenario::{Scenario, Variation};
use super::services::traffic_policy;
use rehearse_arm::ArmName;
use rehearse_kubernetes::Pod;
use rehearse_platform::Condition;

/// How long a step may take: twenty pods one after the other, on a busy machine.
pub(super) const LIMIT: Duration = Duration::from_secs(600);

/// What leads to an arm's pods.
#[derive(Clone, Debug)]
pub(super) enum Route {
    /// A port of every node, by the Service of the arm, whose `externalTrafficPolicy` is this.
    NodePort { port: u16, policy: String },
    /// Something else, at this address.
    Address(SocketAddr),
}

/// What is known of the cluster, and how it is changed.
#[derive(Clone)]
pub(super) struct Connected {
    pub(super) kubectl: Kubectl,
    pub(super) pods: Arc<Followed<Pods>>,
    pub(super) endpoints: Arc<Followed<Endpoints>>,
}

/// An arm.
pub(super) struct Arm {
    /// Which.
    pub(super) name: ArmName,
    /// As it was at first.
    pub(super) deployed: Deployed,
    /// The Service whose endpoints its pods are.
    pub(super) service: Option<String>,
    /// What leads to it.
    pub(super) route: Route,
    pub(super) cluster: Connected,
}

impl Arm {
    /// Makes it what a scenario wants, and waits until it is, and until the nodes know.
    ///
    /// # Errors
    /// If kubectl fails, or that takes too long.
    pub(super) async fn set_up(&self, scenario: &Scenario) -> anyhow::Result<()> {
        let Scenario {
            variation,
            replicas,
            ..
        } = scenario;
        if let (Route::NodePort { policy, .. }, Some(service)) = (&self.route, &self.service) {
            let policy = if variation.local {
                "Local"
            } else {
                policy.as_str()
            };
            let patch = traffic_policy(policy);
            self.run(&["patch", "service", service, "-p", &patch])
                .await?;
        }
        self.vary(variation, *replicas).await?;
        self.rolled_out().await?;
        self.settled(*replicas, &BTreeSet::new()).await?;
        self.known_to_nodes().await
    }

    /// Its pods among those that are there.
    pub(super) fn own<'a>(&self, pods: &'a Pods) -> impl Iterator<Item = &'a Seen> {
        let own = |seen: &&Seen| self.deployed.selector().matches(&seen.pod.metadata.labels);
        pods.present.values().filter(own)
    }

    /// The names of its pods that are so.
    pub(super) fn pods(&self, so: impl Fn(&Pod) -> bool) -> BTreeSet<String> {
        self.cluster.pods.read(|pods| {
            let own = self.own(pods).filter(|seen| so(&seen.pod));
            own.map(|seen| seen.pod.name().to_owned()).collect()
        })
    }

    /// Waits until it has so many pods, all of them ready, none on its way out, none of `replaced`.
    ///
    /// # Errors
    /// If that takes too long: with what its pods say.
    pub(super) async fn settled(
        &self,
        replicas: u32,
        replaced: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        let wanted = |pods: &Pods| {
            let mut count = 0;
            let in_order = self.own(pods).all(|seen| {
                count += 1;
                let pod = &seen.pod;
                pod.is_ready() && !pod.is_leaving() && !replaced.contains(pod.name())
            });
            in_order && count == replicas
        };
        if self.cluster.pods.until(wanted, LIMIT).await {
            return Ok(());
        }
        let (name, ready) = (self.deployed.name(), self.pods(Pod::is_ready).len());
        let trouble = self.trouble().join("; ");
        bail!("{name} did not settle in {LIMIT:?}: {ready} of {replicas} pods ready; {trouble}")
    }

    /// What keeps its pods from being ready.
    pub(super) fn trouble(&self) -> Vec<String> {
        let pods = &self.cluster.pods;
        pods.read(|pods| {
            self.own(pods)
                .filter_map(|seen| seen.pod.trouble())
                .collect()
        })
    }

    /// Waits until its endpoints are its pods, all of them ready and none leaving or gone, and then for as
    /// long as nodes may take to learn of it.
    ///
    /// # Errors
    /// If that takes too long.
    pub(super) async fn known_to_nodes(&self) -> anyhow::Result<()> {
        if let Some(service) = &self.service {
            let own = self.pods(|_| true);
            let present = |pods: &Pods| pods.present.keys().cloned().collect();
            let present: BTreeSet<String> = self.cluster.pods.read(present);
            let wanted = |endpoints: &Endpoints| {
                let mut missing: BTreeSet<&str> = own.iter().map(String::as_str).collect();
                let in_order = endpoints.of(service).all(|(pod, condition)| {
                    // A Service may lead to pods of others, too.
                    let is_others = !missing.remove(pod) && present.contains(pod);
                    condition == Condition::Ready || is_others
                });
                in_order && missing.is_empty()
            };
            if !self.cluster.endpoints.until(wanted, LIMIT).await {
                bail!("the endpoints of service {service} are not its pods in {LIMIT:?}");
            }
        }
        sleep(PROPAGATION).await;
        Ok(())
    }

    pub(super) async fn vary(&self, variation: &Variation, replicas: u32) -> anyhow::Result<()> {
        let patch = self.deployed.patch(variation, replicas).to_string();
        let path = self.path();
        self.run(&["patch", &path, "--type=json", "-p", &patch])
            .await
    }

    pub(super) async fn rolled_out(&self) -> anyhow::Result<()> {
        let path = self.path();
        let args = ["rollout", "status", &path];
        self.cluster.kubectl.wait(&args, LIMIT).await?;
        Ok(())
    }

    pub(super) fn path(&self) -> String {
        format!("deployment/{}", self.deployed.name())
    }

    pub(super) async fn run(&self, args: &[&str]) -> anyhow::Result<()> {
        self.cluster.kubectl.run(args).await?;
        Ok(())
    }
}
