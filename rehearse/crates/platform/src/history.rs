//! What happened to the pods and endpoints of an arm, and when.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::PodId;

/// An EndpointSlice's conditions of one address, as far as routing looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// `ready`: passes its probe and is not terminating.
    Ready,
    /// `serving` and `terminating`: deleted, and its probe still passes. Never `ready`, whatever
    /// the probe says.
    Terminating,
    /// In the slice, and not to be routed to.
    NotServing,
    /// No longer in the slice.
    Gone,
}

/// What happened to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodChange {
    /// Its process has been started.
    Created,
    /// Its readiness probe passes.
    Ready,
    /// Its readiness probe fails.
    Unready,
    /// It is deleted: T0 of what follows.
    Deleted,
    /// Its preStop hook has ended.
    PrestopEnded,
    /// It was sent SIGTERM.
    Sigterm,
    /// It was sent SIGKILL, its grace period being over.
    Sigkill,
    /// Its process has ended.
    Exited,
    /// The run is over, and its process was ended with it.
    TornDown,
    /// The drain report that it left.
    Reported,
}

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
