//! Descriptors: a client that runs out of them would blame the service.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::scenario::Scenario;

/// For the runtime, standard streams, and what is opened for a moment.
const RESERVE: u64 = 100;

/// A pod's standard error, a probe, a preStop hook; and twice, for terminating ones.
const PER_POD: u64 = 10;

/// Raises the soft limit to the hard one and returns that.
pub fn raise() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return u64::MAX;
    };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        // macOS reports a hard limit that it does not grant.
        Err(_) => soft,
    }
}

/// The descriptors that a scenario may need at once.
pub fn needed(scenario: &Scenario) -> u64 {
    let pods = PER_POD * scenario.spec.replicas as u64 * scenario.arms.len() as u64;
    let clients: usize = scenario.arms.iter().map(|arm| arm.load.total()).sum();
    clients as u64 + pods + RESERVE
}
