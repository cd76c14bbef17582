//! What stands between clients and pods, and learns late that a pod has gone.

use std::net::Ipv4Addr;

use anyhow::Context;
use clap::ValueEnum;

use crate::Options;
use crate::envoy::Envoy;
use crate::nat::Nat;

/// Where clients connect to.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
pub(crate) const PORT: u16 = 80;

#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Name {
    /// The kernel's DNAT for new connections, as kube-proxy's
    Nat,
    /// Envoy, HTTP/1.1 to its endpoints, retries off
    Envoy,
}

/// A balancer that runs.
pub(crate) enum Balancer {
    Nat(Nat),
    Envoy(Envoy),
}

impl Balancer {
    pub(crate) fn start(options: &Options) -> anyhow::Result<Self> {
        Ok(match options.balancer {
            Name::Nat => Self::Nat(Nat::start()?),
            Name::Envoy => Self::Envoy(Envoy::start(options).context("envoy")?),
        })
    }

    /// From now on new connections go to these.
    pub(crate) fn route(&mut self, pods: &[Ipv4Addr]) -> anyhow::Result<()> {
        match self {
            Self::Nat(nat) => nat.route(pods),
            Self::Envoy(envoy) => envoy.route(pods),
        }
    }
}
