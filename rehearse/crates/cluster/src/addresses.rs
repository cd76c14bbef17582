//! Where the load goes: a port of the nodes' own addresses, or of what is mapped to them; or elsewhere.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::bail;
use tokio::sync::watch;
use tokio::time::Instant;

use super::kubectl::Kubectl;
use super::options::Cluster;
use super::pods::{Pods, Seen};
use rehearse_client::Endpoints;
use rehearse_kubernetes::{LabelSelector, List, Node};

/// Longer than a node's proxy takes to learn of a change (it syncs at least once a second). No
/// state of the API server shows when a node has.
pub(super) const PROPAGATION: Duration = Duration::from_secs(3);

/// The nodes' addresses by name; one under no name is right for all nodes.
///
/// # Errors
/// If the nodes cannot be read, or none has an address.
pub(super) async fn of_nodes(
    options: &Cluster,
    kubectl: &Kubectl,
) -> anyhow::Result<BTreeMap<String, IpAddr>> {
    // Asked in any case: it shows that there is a cluster.
    let nodes: List<Node> = kubectl.get(&["nodes"]).await?;
    // Elsewhere the nodes live in a virtual machine, which maps the port to this one.
    let elsewhere = (!cfg!(target_os = "linux")).then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    if let Some(address) = options.address.or(elsewhere) {
        return Ok(BTreeMap::from([(String::new(), address)]));
    }
    let addresses = internal(&nodes.items);
    if addresses.is_empty() {
        bail!("no node has an InternalIP: give --address or --url");
    }
    Ok(addresses)
}

/// Each node's first `InternalIP`.
fn internal(nodes: &[Node]) -> BTreeMap<String, IpAddr> {
    let address = |node: &Node| {
        let mut internal = node.status.addresses.iter();
        internal.find_map(|a| (a.kind == "InternalIP").then(|| a.address.parse().ok())?)
    };
    let named = |node: &Node| Some((node.metadata.name.clone(), address(node)?));
    nodes.iter().filter_map(named).collect()
}

/// Where new connections of one arm's clients go.
pub(super) struct Addresses {
    /// By node; one under no name is right for all.
    all: BTreeMap<String, SocketAddr>,
    /// With `externalTrafficPolicy: Local` a node without endpoints lets a SYN time out, so a load
    /// balancer sends only to nodes that have some: those of these pods.
    local: Option<(watch::Receiver<Pods>, LabelSelector)>,
}

impl Addresses {
    /// The same port of all nodes.
    pub(super) fn on_nodes(nodes: &BTreeMap<String, IpAddr>, port: u16) -> Self {
        let address = |(name, ip): (&String, &IpAddr)| (name.clone(), SocketAddr::new(*ip, port));
        Self {
            all: nodes.iter().map(address).collect(),
            local: None,
        }
    }

    /// One and the same for all.
    pub(super) fn one(address: SocketAddr) -> Self {
        Self {
            all: BTreeMap::from([(String::new(), address)]),
            local: None,
        }
    }

    /// Only those of nodes that have one of these pods.
    #[must_use]
    pub(super) fn local(self, pods: watch::Receiver<Pods>, selector: LabelSelector) -> Self {
        Self {
            local: Some((pods, selector)),
            ..self
        }
    }

    /// Those that are right now.
    pub(super) fn current(&self) -> Vec<SocketAddr> {
        let Some((pods, selector)) = &self.local else {
            return self.all.values().copied().collect();
        };
        let pods = pods.borrow();
        let own = pods.present.values();
        let own: Vec<&Seen> = own
            .filter(|seen| selector.matches(&seen.pod.metadata.labels))
            .collect();
        let nodes = nodes_with_endpoints(&own, Instant::now());
        let address = |(name, address): (&String, &SocketAddr)| {
            let is_right = name.is_empty() || nodes.contains(&name.as_str());
            is_right.then_some(*address)
        };
        self.all.iter().filter_map(address).collect()
    }
}

impl Endpoints for Addresses {
    fn pick(&self) -> Option<SocketAddr> {
        fastrand::choice(self.current())
    }
}

/// As a load balancer's health checks would find them: with a pod that has been ready for long
/// enough to be known to its node; failing that, with any that serves, leaving ones included.
fn nodes_with_endpoints<'a>(pods: &[&'a Seen], now: Instant) -> Vec<&'a str> {
    let ready = || pods.iter().filter(|seen| seen.ready_since.is_some());
    let known = |since: Instant| now.saturating_duration_since(since) >= PROPAGATION;
    let staying = ready().filter(|s| !s.pod.is_leaving() && s.ready_since.is_some_and(known));
    let nodes: Vec<&str> = staying.filter_map(|seen| seen.pod.node()).collect();
    match nodes.is_empty() {
        true => ready().filter_map(|seen| seen.pod.node()).collect(),
        false => nodes,
    }
}

#[cfg(test)]
#[path = "addresses_tests.rs"]
mod tests;
