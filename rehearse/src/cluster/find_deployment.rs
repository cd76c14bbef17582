//! Who takes part: the Deployments that are there, and the controls beside them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::arm::Arm;
use super::control;
use super::deployment::{Deployment, NodePortService, traffic_policy};
use super::journal::Journal;
use super::kubectl::Kubectl;
use super::node_ports::Nodes;
use super::options::Cluster;
use super::pod::Pod;
use super::scenario::{Service, Variation};
use super::watch::{Roster, Watch};
use crate::scenario::ArmName;

/// How long the control's first pods may take, image and all.
const START_LIMIT: Duration = Duration::from_secs(180);

/// Where the load goes, by node; one address under no name is right for all nodes.
///
/// # Errors
/// If the nodes cannot be read, or none has an address.
pub(super) async fn addresses(
    options: &Cluster,
    kubectl: &Kubectl,
) -> anyhow::Result<BTreeMap<String, IpAddr>> {
    // Asked in any case: it shows that there is a cluster.
    let nodes: Nodes = kubectl.get(&["nodes"]).await?;
    // Elsewhere the nodes live in a virtual machine, which maps the port to this one.
    let elsewhere = (!cfg!(target_os = "linux")).then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    if let Some(address) = options.address.or(elsewhere) {
        return Ok(BTreeMap::from([(String::new(), address)]));
    }
    let addresses = nodes.addresses();
    if addresses.is_empty() {
        bail!("no node has an InternalIP: give --address");
    }
    Ok(addresses)
}

/// What is deployed of a service: nothing is changed yet.
///
/// # Errors
/// If its Deployment or its Service is not there, or is of no use.
pub(super) async fn find(
    service: Service,
    kubectl: &Kubectl,
    watch: &Arc<Watch>,
) -> anyhow::Result<Arm> {
    arm(ArmName::Service, service.name(), kubectl, watch)
        .await
        .with_context(|| format!("{} is not deployed as it must be", service.name()))
}

async fn arm(
    name: ArmName,
    deployed: &str,
    kubectl: &Kubectl,
    watch: &Arc<Watch>,
) -> anyhow::Result<Arm> {
    let deployment = Deployment(kubectl.get(&["deployment", deployed]).await?);
    let service = NodePortService(kubectl.get(&["service", deployed]).await?);
    let node_port = service.node_port();
    let node_port = node_port.with_context(|| format!("service {deployed} has no NodePort"))?;
    Ok(Arm {
        name,
        selector: deployment.selector(),
        deployment,
        service,
        node_port,
        kubectl: kubectl.clone(),
        watch: Arc::clone(watch),
    })
}

/// Enters the way back of whatever the scenarios may do to it.
pub(super) fn note(arm: &Arm, journal: &Journal) {
    let (name, replicas) = (arm.deployment.name(), arm.deployment.replicas());
    let policy = traffic_policy(arm.service.traffic_policy()).to_string();
    journal.note(&["patch", "service", name, "-p", &policy]);
    let patch = arm
        .deployment
        .patch(&Variation::default(), replicas)
        .to_string();
    let deployment = format!("deployment/{name}");
    journal.note(&["patch", &deployment, "--type=json", "-p", &patch]);
}

/// Puts the control beside a service, and waits until it is there.
///
/// # Errors
/// If kubectl fails, or its pods do not start.
pub(super) async fn control(beside: &Arm, image: &str, journal: &Journal) -> anyhow::Result<Arm> {
    let Arm { kubectl, watch, .. } = beside;
    let name = control::name(beside.deployment.name());
    // Where nodes cannot be reached, only mapped ports can.
    let port = match cfg!(target_os = "linux") {
        true => None,
        false => {
            let services: Value = kubectl.get(&["services", "--all-namespaces"]).await?;
            let free = control::free_port(&services);
            Some(free.context("no NodePort from 31000 to 31009 is free for the control")?)
        }
    };
    let remove = ["delete", "deployment,service", &name];
    let kindly = ["--ignore-not-found", "--wait=false"];
    journal.note(&[&remove[..], &kindly].concat());
    let list = control::list(&beside.deployment, &beside.service, image, port);
    kubectl
        .feed(&["apply", "-f", "-"], &list.to_string())
        .await?;
    let arm = arm(ArmName::Control, &name, kubectl, watch).await?;
    started(&arm, image).await?;
    Ok(arm)
}

async fn started(arm: &Arm, image: &str) -> anyhow::Result<()> {
    let ready = |pods: &[&Pod]| {
        let ready = pods.iter().filter(|pod| pod.is_ready()).count();
        ready > 0 && ready == pods.len()
    };
    let decided = |roster: &Roster| {
        let pods: Vec<&Pod> = super::arm::own(roster, &arm.selector).collect();
        ready(&pods) || pods.iter().any(|pod| pod.fails_to_pull())
    };
    let in_time = arm.watch.until(decided, START_LIMIT).await;
    let roster = arm.watch.pods();
    let roster = roster.borrow();
    let pods: Vec<&Pod> = super::arm::own(&roster, &arm.selector).collect();
    if in_time && ready(&pods) {
        return Ok(());
    }
    let trouble = pods
        .iter()
        .find_map(|pod| pod.trouble())
        .unwrap_or_default();
    bail!("--control-image = {image}: its pods do not start: {trouble}")
}
