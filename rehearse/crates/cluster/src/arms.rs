//! Who takes part: a Deployment that is there, and the control beside it.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::arm::{Arm, Connected, Route};
use super::control::{self, Original};
use super::deployed::Deployed;
use super::journal::Journal;
use super::options::Cluster;
use super::pods::{Pods, Seen};
use super::scenario::{Bundled, Variation};
use super::services::{self, traffic_policy};
use rehearse_arm::ArmName;
use rehearse_kubernetes::{List, PodDisruptionBudget, Service};

/// How long the control's first pods may take, image and all.
const START_LIMIT: Duration = Duration::from_secs(180);

/// What is appended to a Service that leads to a Deployment by a NodePort, where none does.
const SUFFIX: &str = "-rehearse";

/// A Deployment and what belongs to it.
pub(super) struct Found {
    deployed: Deployed,
    service: Option<Service>,
    budgets: Vec<PodDisruptionBudget>,
    routes: Bundled,
}

/// What is deployed under a name: nothing is changed yet. `routes`: what the control beside it serves.
///
/// # Errors
/// If the Deployment is not there, or nothing says how to reach it.
pub(super) async fn find(
    name: &str,
    routes: Bundled,
    options: &Cluster,
    cluster: &Connected,
) -> anyhow::Result<Found> {
    let kubectl = &cluster.kubectl;
    let deployed = Deployed::new(kubectl.get(&["deployment", name]).await?)?;
    let services: List<Service> = kubectl.get(&["services"]).await?;
    let budgets: List<PodDisruptionBudget> = kubectl.get(&["poddisruptionbudgets"]).await?;
    let service = services::leading_to(services.items, &deployed);
    if options.url.is_none() && services::target_port(service.as_ref(), &deployed).is_none() {
        bail!("no Service leads to {name}, and its container declares no port: give --url");
    }
    let holds = |budget: &PodDisruptionBudget| {
        let selector = budget.spec.selector.as_ref();
        selector.is_some_and(|selector| selector.matches(deployed.labels()))
    };
    Ok(Found {
        budgets: budgets.items.into_iter().filter(holds).collect(),
        deployed,
        service,
        routes,
    })
}

impl Found {
    /// The service's arm, with a NodePort if there is none and nothing else is to be sent to. Enters the
    /// way back of whatever the scenarios may do to it.
    ///
    /// # Errors
    /// If kubectl fails.
    pub(super) async fn arm(
        &self,
        options: &Cluster,
        cluster: &Connected,
        journal: &Journal,
    ) -> anyhow::Result<Arm> {
        let deployed = self.deployed.clone();
        let service = self.service.as_ref();
        let mut name = service.map(|service| service.metadata.name.clone());
        let route = match (options.url.as_ref(), service.and_then(services::node_port)) {
            (Some(url), _) => Route::Address(url.address().await?),
            (None, Some(port)) => self.node_port(port, journal),
            (None, None) => {
                let (made, port) = self.expose(cluster, journal).await?;
                name = Some(made);
                port
            }
        };
        let patch = deployed.patch(&Variation::default(), deployed.replicas());
        let path = format!("deployment/{}", deployed.name());
        journal.note(&["patch", &path, "--type=json", "-p", &patch.to_string()]);
        Ok(Arm {
            name: ArmName::Service,
            deployed,
            service: name,
            route,
            cluster: cluster.clone(),
        })
    }

    /// The NodePort that there is.
    fn node_port(&self, port: u16, journal: &Journal) -> Route {
        let service = self.service.as_ref();
        let policy = service.and_then(|s| s.spec.external_traffic_policy.as_deref());
        let policy = policy.unwrap_or("Cluster").to_owned();
        if let Some(service) = service {
            let patch = traffic_policy(&policy);
            journal.note(&["patch", "service", &service.metadata.name, "-p", &patch]);
        }
        Route::NodePort { port, policy }
    }

    /// A NodePort, by a Service of our own: its name.
    async fn expose(
        &self,
        cluster: &Connected,
        journal: &Journal,
    ) -> anyhow::Result<(String, Route)> {
        let target = services::target_port(self.service.as_ref(), &self.deployed);
        let target = target.context("it has no port")?;
        let name = format!("{}{SUFFIX}", self.deployed.name());
        journal.note(&["delete", "service", &name, "--ignore-not-found"]);
        let labels = self.deployed.selecting_labels();
        let port = free_port(cluster).await?;
        let made = services::on_node_port(&name, &labels, &target, port);
        apply(cluster, &made).await?;
        let route = route(&name, cluster).await?;
        Ok((name, route))
    }

    /// Puts the control beside it, and waits until it is there.
    ///
    /// # Errors
    /// If kubectl fails, or its pods do not start.
    pub(super) async fn control(
        &self,
        image: &str,
        cluster: &Connected,
        journal: &Journal,
    ) -> anyhow::Result<Arm> {
        let original = Original {
            deployed: &self.deployed,
            service: self.service.as_ref(),
            budgets: &self.budgets,
            routes: self.routes,
        };
        let name = control::name(self.deployed.name());
        let kindly = ["--ignore-not-found", "--wait=false"];
        for budget in original.budget_names() {
            journal.note(&[&["delete", "poddisruptionbudget", &budget], &kindly[..]].concat());
        }
        journal.note(&[&["delete", "deployment,service", &name], &kindly[..]].concat());
        let port = free_port(cluster).await?;
        apply(cluster, &original.control(image, port)).await?;
        let deployed = cluster.kubectl.get(&["deployment", &name]).await?;
        let arm = Arm {
            name: ArmName::Control,
            deployed: Deployed::new(deployed)?,
            route: route(&name, cluster).await?,
            service: Some(name),
            cluster: cluster.clone(),
        };
        started(&arm, image).await?;
        Ok(arm)
    }
}

async fn apply(cluster: &Connected, document: &Value) -> anyhow::Result<()> {
    let (args, document) = (["apply", "-f", "-"], document.to_string());
    cluster.kubectl.feed(&args, &document).await?;
    Ok(())
}

/// The NodePort of a Service of our own.
async fn route(service: &str, cluster: &Connected) -> anyhow::Result<Route> {
    let made: Service = cluster.kubectl.get(&["service", service]).await?;
    let port = services::node_port(&made);
    Ok(Route::NodePort {
        port: port.with_context(|| format!("service {service} has no NodePort"))?,
        policy: "Cluster".to_owned(),
    })
}

/// Where nodes cannot be reached, only mapped ports can.
async fn free_port(cluster: &Connected) -> anyhow::Result<Option<u16>> {
    if cfg!(target_os = "linux") {
        return Ok(None);
    }
    let all: List<Service> = cluster
        .kubectl
        .get(&["services", "--all-namespaces"])
        .await?;
    let free = services::free_port(&all.items);
    let free = free.context("no NodePort from 31000 to 31009 is free")?;
    Ok(Some(free))
}

async fn started(arm: &Arm, image: &str) -> anyhow::Result<()> {
    let ready = |pods: &[&Seen]| {
        let ready = pods.iter().filter(|seen| seen.pod.is_ready()).count();
        ready > 0 && ready == pods.len()
    };
    let is_ready = |pods: &Pods| ready(&arm.own(pods).collect::<Vec<_>>());
    let fails = |pods: &Pods| arm.own(pods).any(|seen| seen.pod.fails_to_pull());
    let decided = |pods: &Pods| is_ready(pods) || fails(pods);
    let pods = &arm.cluster.pods;
    if pods.until(decided, START_LIMIT).await && pods.read(is_ready) {
        return Ok(());
    }
    let trouble = arm.trouble().into_iter().next().unwrap_or_default();
    bail!("--control-image = {image}: its pods do not start: {trouble}")
}
