//! Where the load goes: nodes' own addresses, or the machine's mapped port.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::watch;

use super::watch::Roster;
use crate::client::Endpoints;

/// Longer than a node's proxy takes to learn of a change (it syncs at least once a second). No
/// state of the API server shows when a node has.
pub(super) const PROPAGATION: Duration = Duration::from_secs(3);

/// `kubectl get nodes`.
#[derive(Debug, Deserialize)]
pub(super) struct Nodes {
    items: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    status: Status,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    unschedulable: bool,
    taints: Vec<Taint>,
}

#[derive(Debug, Deserialize)]
struct Taint {
    effect: String,
}

#[derive(Debug, Deserialize)]
struct Status {
    #[serde(default)]
    addresses: Vec<Address>,
}

#[derive(Debug, Deserialize)]
struct Address {
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

impl Nodes {
    /// Each node's first `InternalIP`.
    pub(super) fn addresses(&self) -> BTreeMap<String, IpAddr> {
        let address = |node: &Node| {
            let mut internal = node.status.addresses.iter();
            internal.find_map(|a| (a.kind == "InternalIP").then(|| a.address.parse().ok())?)
        };
        let named = |node: &Node| Some((node.metadata.name.clone(), address(node)?));
        self.items.iter().filter_map(named).collect()
    }

    /// The nodes that any pod can be scheduled to.
    pub(super) fn workers(&self) -> Vec<&str> {
        let open = |node: &&Node| {
            let closed = |taint: &Taint| taint.effect != "PreferNoSchedule";
            !node.spec.unschedulable && !node.spec.taints.iter().any(closed)
        };
        let workers = self.items.iter().filter(open);
        workers.map(|node| node.metadata.name.as_str()).collect()
    }
}

/// Where new connections of one arm's clients go.
pub(super) struct Doors {
    /// Addresses by node; one under no name is right for all.
    doors: BTreeMap<String, SocketAddr>,
    /// With `externalTrafficPolicy: Local` a node without endpoints lets a SYN time out, so a load
    /// balancer sends only to nodes that have some: those of these pods.
    local: Option<(watch::Receiver<Roster>, BTreeMap<String, String>)>,
}

impl Doors {
    /// The same port of all addresses.
    pub(super) fn new(addresses: &BTreeMap<String, IpAddr>, port: u16) -> Self {
        let door = |(name, ip): (&String, &IpAddr)| (name.clone(), SocketAddr::new(*ip, port));
        Self {
            doors: addresses.iter().map(door).collect(),
            local: None,
        }
    }

    /// Only those of nodes that have a pod with these labels.
    #[must_use]
    pub(super) fn local(
        self,
        pods: watch::Receiver<Roster>,
        selector: &BTreeMap<String, String>,
    ) -> Self {
        Self {
            local: Some((pods, selector.clone())),
            ..self
        }
    }

    /// The addresses that are right now.
    pub(super) fn open(&self) -> Vec<SocketAddr> {
        let Some((pods, selector)) = &self.local else {
            return self.doors.values().copied().collect();
        };
        let pods = pods.borrow();
        let nodes = nodes_with_endpoints(&pods, selector, Instant::now());
        let door = |(name, door): (&String, &SocketAddr)| {
            let open = name.is_empty() || nodes.contains(&name.as_str());
            open.then_some(*door)
        };
        self.doors.iter().filter_map(door).collect()
    }
}

impl Endpoints for Doors {
    fn pick(&self) -> Option<SocketAddr> {
        fastrand::choice(self.open())
    }
}

/// As a load balancer's health checks would find them: with a pod that has been ready for long
/// enough to be known to its node; failing that, with any that serves, leaving ones included.
fn nodes_with_endpoints<'a>(
    pods: &'a Roster,
    selector: &BTreeMap<String, String>,
    now: Instant,
) -> Vec<&'a str> {
    let ready = || {
        let ready = pods.values().filter(|seen| seen.pod.matches(selector));
        ready.filter(|seen| seen.ready_since.is_some())
    };
    let known = |since: Instant| now.saturating_duration_since(since) >= PROPAGATION;
    let staying = ready().filter(|s| !s.pod.is_leaving() && s.ready_since.is_some_and(known));
    let nodes: Vec<&str> = staying.filter_map(|seen| seen.pod.node()).collect();
    match nodes.is_empty() {
        true => ready().filter_map(|seen| seen.pod.node()).collect(),
        false => nodes,
    }
}

#[cfg(test)]
#[path = "node_ports_tests.rs"]
mod tests;
