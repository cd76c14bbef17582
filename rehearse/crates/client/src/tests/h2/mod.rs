//! HTTP/2: many streams, one connection, and all the ways in which either ends.

mod bodies;
mod farewell;
mod network;
mod server;

use super::peer::Peers;
use super::*;

/// One client with so many streams, each busy all the time.
fn streams(streams: usize) -> Plan {
    plan(Mode::H2 {
        streams,
        every: Duration::from_millis(5),
        slow: None,
    })
}

/// Runs the plan until so many requests have ended.
async fn asked(plan: Plan, peers: &Peers, enough: u64) -> Outcome {
    until(plan, Some(peers.address), ended(enough)).await
}
