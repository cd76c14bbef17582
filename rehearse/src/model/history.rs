//! What happened to the pods and endpoints of an arm, and when.

use std::net::SocketAddr;

use tokio::time::Instant;

use super::PodId;
use super::endpoints::Condition;
use crate::events::line::PodChange;

/// Something happened to a pod.
#[derive(Clone, Debug)]
pub struct PodEvent {
    /// Which pod.
    pub pod: PodId,
    /// Its public address.
    pub address: SocketAddr,
    /// When.
    pub at: Instant,
    /// What.
    pub what: PodChange,
    /// The exit code or signal, the drain report, or what went wrong.
    pub detail: Option<String>,
}

/// An endpoint's condition changed.
#[derive(Clone, Copy, Debug)]
pub struct EndpointEvent {
    /// Whose.
    pub pod: PodId,
    /// When it changed.
    pub announced: Instant,
    /// When the clients' node knows of it.
    pub known: Instant,
    /// What it is from then on.
    pub condition: Condition,
}
