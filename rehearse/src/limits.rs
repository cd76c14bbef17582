//! Descriptors: a client that runs out of them would blame the service.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::scenario::Scenario;
use rehearse_arm::ArmName;
use rehearse_platform::{Step, Steps};

/// For the runtime, standard streams, and what is opened for a moment.
const RESERVE: u64 = 100;

/// A pod's process, its standard error, a probe, a preStop hook and its standard error.
const PER_POD: u64 = 5;

/// No rolling update is quicker: new pods start and become ready, twice.
const QUICKEST: Duration = Duration::from_secs(2);

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

/// How many times its replicas an arm may have at once: those that serve, and those that leave. A
/// service waits for slow clients, up to its grace period, while more updates follow.
fn generations(arm: ArmName, scenario: &Scenario) -> u64 {
    let leaving = match scenario.steps {
        Steps {
            step: Step::RollOut,
            times,
            pause,
        } if arm == ArmName::Service => {
            let overlap = scenario.grace.as_secs_f64() / (QUICKEST + pause).as_secs_f64();
            (times as u64).min(overlap.ceil() as u64).max(1)
        }
        _ => 1,
    };
    1 + leaving
}

/// The descriptors that a scenario may need at once.
pub fn needed(scenario: &Scenario) -> u64 {
    let generations: u64 = scenario
        .arms
        .iter()
        .map(|arm| generations(arm.name, scenario))
        .sum();
    let pods = PER_POD * scenario.spec.replicas as u64 * generations;
    let clients: usize = scenario.arms.iter().map(|arm| arm.load.total()).sum();
    clients as u64 + pods + RESERVE
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::binaries::Binaries;

    fn needed_by(args: &str) -> u64 {
        let cli = crate::cli::parse(format!("rehearse {args}").split_whitespace()).unwrap();
        let plan = crate::cli::plan(&cli, &Binaries::new(Some(Path::new("/bin-dir")), true));
        needed(&plan.unwrap().scenarios[0])
    }

    #[test]
    fn pods_that_leave_while_more_updates_follow_need_descriptors_too() {
        let pods = |args: &str| {
            needed_by(&format!(
                "{args} --clients 1 --slow-clients 0 --rate 0 --replicas 10"
            )) - needed_by(&format!(
                "{args} --clients 1 --slow-clients 0 --rate 0 --replicas 9"
            ))
        };
        assert_eq!(pods("rollout --arms control --rollouts 20"), 10);
        assert_eq!(pods("rollout --arms service --rollouts 1"), 10);
        assert_eq!(pods("rollout --arms service --rollouts 20"), 80);
        assert_eq!(pods("rollout --arms service --rollouts 20 --pause 58s"), 10);
    }

    #[test]
    fn a_thousand_replicas_updated_once_fit_twenty_thousand() {
        assert!(needed_by("rollout --arms service --rollouts 1 --replicas 1000") < 20_000);
    }
}
