//! The scenarios, as data: each is one row of the table.

use std::time::Duration;

use super::scenario::{Act, Clients, Scenario, Service, Variation};

const AS_DEPLOYED: Variation = Variation {
    without_prestop: false,
    ready_after: Duration::ZERO,
    local: false,
};

const fn hello(name: &'static str, replicas: u32, act: Act, times: usize) -> Scenario {
    Scenario {
        name,
        service: Service::Hello,
        replicas,
        act,
        times,
        variation: AS_DEPLOYED,
        clients: Clients::Both,
    }
}

const fn slow(name: &'static str, times: usize) -> Scenario {
    Scenario {
        service: Service::Slow,
        clients: Clients::Published,
        ..hello(name, 10, Act::RollOut, times)
    }
}

const WITHOUT_PRESTOP: Variation = Variation {
    without_prestop: true,
    ..AS_DEPLOYED
};

/// All there are, in the order in which they are played: like variations together, because each
/// change of the pods' template is a rolling update.
pub(super) const ALL: [Scenario; 15] = [
    hello("rollouts", 10, Act::RollOut, 10),
    hello("scale-20-1", 20, Act::ScaleTo(1), 1),
    hello("scale-6-1", 6, Act::ScaleTo(1), 3),
    hello("evict", 6, Act::Evict, 4),
    Scenario {
        variation: Variation {
            local: true,
            ..AS_DEPLOYED
        },
        ..hello("local", 6, Act::RollOut, 2)
    },
    hello("broken-image", 6, Act::BrokenImage, 1),
    hello("drain-node", 6, Act::DrainNode, 1),
    hello("lone", 1, Act::Delete, 4),
    Scenario {
        variation: Variation {
            ready_after: Duration::from_secs(5),
            ..AS_DEPLOYED
        },
        ..hello("lone-slow-start", 1, Act::Delete, 2)
    },
    Scenario {
        variation: WITHOUT_PRESTOP,
        ..hello("lone-no-prestop", 1, Act::Delete, 2)
    },
    Scenario {
        variation: WITHOUT_PRESTOP,
        ..hello("no-prestop", 6, Act::RollOut, 3)
    },
    Scenario {
        service: Service::Streaming,
        clients: Clients::Readers,
        ..hello("downloads", 3, Act::Delete, 4)
    },
    Scenario {
        service: Service::Streaming,
        clients: Clients::Mixed,
        ..hello("mixed", 4, Act::RollOut, 3)
    },
    slow("slow", 1),
    slow("slow-rollouts", 10),
];

/// The scenario of that name.
pub(super) fn named(name: &str) -> Option<Scenario> {
    ALL.into_iter().find(|scenario| scenario.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own_and_can_be_asked_for() {
        for (index, scenario) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != scenario.name));
            assert_eq!(named(scenario.name).unwrap().times, scenario.times);
        }
        assert!(named("rollout").is_none());
    }

    #[test]
    fn a_scenario_says_what_it_does() {
        let said = |name| named(name).unwrap().to_string();
        assert_eq!(said("rollouts"), "hello: 10 replicas, 10 rolling updates");
        assert_eq!(
            said("scale-6-1"),
            "hello: 6 → 1 replicas, scaled at once, 3 times"
        );
        assert_eq!(
            said("lone-slow-start"),
            "hello: 1 replica, a pod deleted, 2 times (ready after 5s)"
        );
        assert_eq!(
            said("local"),
            "hello: 6 replicas, 2 rolling updates (externalTrafficPolicy: Local)"
        );
    }

    #[test]
    fn published_figures_stand_beside_their_own_conditions_alone() {
        let published = ALL.into_iter().filter(Scenario::is_published);
        let names: Vec<&str> = published.map(|scenario| scenario.name).collect();
        assert_eq!(names, ["slow"]);
    }
}
