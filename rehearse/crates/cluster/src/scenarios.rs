//! The scenarios, as data: each is one row of the table.

use std::time::Duration;

use anyhow::bail;

use super::options::{Cluster, Permission};
use super::scenario::{Bundled, Clients, Scenario, Task, Variation};
use rehearse_platform::{Step, Steps};

const AS_DEPLOYED: Variation = Variation {
    without_prestop: false,
    ready_after: Duration::ZERO,
    local: false,
};

const fn hello(name: &'static str, replicas: u32, step: Step, times: usize) -> Scenario {
    Scenario {
        name,
        service: Bundled::Hello,
        replicas,
        steps: Steps::new(step, times),
        variation: AS_DEPLOYED,
        clients: Clients::Both,
    }
}

const fn slow(name: &'static str, times: usize) -> Scenario {
    Scenario {
        service: Bundled::Slow,
        clients: Clients::Published,
        ..hello(name, 10, Step::RollOut, times)
    }
}

const WITHOUT_PRESTOP: Variation = Variation {
    without_prestop: true,
    ..AS_DEPLOYED
};

/// All there are, in the order in which they are run: like variations together, because each
/// change of the pods' template is a rolling update.
pub(super) const ALL: [Scenario; 15] = [
    hello("rollouts", 10, Step::RollOut, 10),
    hello("scale-20-1", 20, Step::ScaleTo(1), 1),
    hello("scale-6-1", 6, Step::ScaleTo(1), 3),
    hello("evict", 6, Step::Evict, 4),
    Scenario {
        variation: Variation {
            local: true,
            ..AS_DEPLOYED
        },
        ..hello("local", 6, Step::RollOut, 2)
    },
    hello("broken-image", 6, Step::BrokenImage, 1),
    hello("drain-node", 6, Step::DrainNode, 1),
    hello("lone", 1, Step::Delete, 4),
    Scenario {
        variation: Variation {
            ready_after: Duration::from_secs(5),
            ..AS_DEPLOYED
        },
        ..hello("lone-slow-start", 1, Step::Delete, 2)
    },
    Scenario {
        variation: WITHOUT_PRESTOP,
        ..hello("lone-no-prestop", 1, Step::Delete, 2)
    },
    Scenario {
        variation: WITHOUT_PRESTOP,
        ..hello("no-prestop", 6, Step::RollOut, 3)
    },
    Scenario {
        service: Bundled::Streaming,
        clients: Clients::Readers,
        ..hello("downloads", 3, Step::Delete, 4)
    },
    Scenario {
        service: Bundled::Streaming,
        clients: Clients::Mixed,
        ..hello("mixed", 4, Step::RollOut, 3)
    },
    slow("slow", 1),
    slow("slow-rollouts", 10),
];

/// The scenario of that name.
pub(super) fn named(name: &str) -> Option<Scenario> {
    ALL.into_iter().find(|scenario| scenario.name == name)
}

/// What is to be run, and what is left out, with the reason.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) tasks: Vec<Task>,
    pub(super) left_out: Vec<String>,
}

/// The scenarios that the options ask for.
///
/// # Errors
/// If nothing is left of them.
pub(super) fn selected(options: &Cluster) -> anyhow::Result<Selection> {
    let service = options.deployment.as_deref().map(like);
    let mut selection = Selection::default();
    let asked_for = match options.only.is_empty() {
        true => &ALL[..],
        false => &options.only,
    };
    for scenario in asked_for {
        if service.is_some_and(|service| service != scenario.service) {
            // With no list of scenarios it is all of the Deployment's.
            if !options.only.is_empty() {
                let (name, of) = (scenario.name, scenario.service.name());
                let why = format!("{name} (of {of}'s routes)");
                selection.left_out.push(why);
            }
        } else if scenario.steps.step == Step::DrainNode
            && !options.model
            && !options.allow.contains(&Permission::NodeDrain)
        {
            let why = "it evicts whatever runs on a node: --allow node-drain";
            selection
                .left_out
                .push(format!("{} ({why})", scenario.name));
        } else {
            selection.tasks.push(task(*scenario, options));
        }
    }
    if selection.tasks.is_empty() {
        bail!("--only: nothing is left: {}", selection.left_out.join("; "));
    }
    Ok(selection)
}

/// The bundled service whose scenarios are for a Deployment.
fn like(deployment: &str) -> Bundled {
    Bundled::named(deployment).unwrap_or(Bundled::Hello)
}

fn task(scenario: Scenario, options: &Cluster) -> Task {
    let replicas = match (scenario.replicas, options.replicas) {
        (2.., Some(replicas)) => replicas,
        (usual, _) => usual,
    };
    let name = options.deployment.as_deref();
    let own = options.url.as_ref().map(|url| url.target());
    let target = own.or(options.path.as_deref());
    Task {
        scenario: Scenario {
            replicas,
            ..scenario
        },
        deployment: name.unwrap_or(scenario.service.name()).to_owned(),
        target: target.unwrap_or(scenario.service.target()).to_owned(),
        through_proxy: options.url.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_name_of_its_own_and_can_be_asked_for() {
        for (index, scenario) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != scenario.name));
            assert_eq!(named(scenario.name).unwrap().steps, scenario.steps);
        }
        assert!(named("rollout").is_none());
    }

    #[test]
    fn a_scenario_says_what_it_does() {
        let words = |name| named(name).unwrap().to_string();
        assert_eq!(words("rollouts"), "10 replicas, 10 rolling updates");
        let scaled = "6 → 1 replicas, scaled at once, 3 times";
        assert_eq!(words("scale-6-1"), scaled);
        let slow = "1 replica, a pod deleted, 2 times (ready after 5s)";
        assert_eq!(words("lone-slow-start"), slow);
        let local = "6 replicas, 2 rolling updates (externalTrafficPolicy: Local)";
        assert_eq!(words("local"), local);
    }

    fn of(args: &str) -> anyhow::Result<Selection> {
        let words = format!("cluster --no-control {args}");
        let options = crate::options::tests::parsed(words.trim_end());
        selected(&options.unwrap())
    }

    #[test]
    fn without_a_deployment_there_are_all_scenarios_of_the_bundled_ones() {
        let Selection { tasks, left_out } = of("").unwrap();
        assert_eq!(tasks.len(), ALL.len() - 1);
        let [left_out] = &left_out[..] else {
            panic!("{left_out:?}")
        };
        assert!(left_out.contains("drain-node") && left_out.contains("--allow node-drain"));
        let allowed = of("--allow node-drain").unwrap();
        assert_eq!(
            (allowed.tasks.len(), allowed.left_out.len()),
            (ALL.len(), 0)
        );
        let [hello, .., slow] = &tasks[..] else {
            panic!("{tasks:?}")
        };
        assert_eq!(hello.to_string(), "hello: 10 replicas, 10 rolling updates");
        assert_eq!((&*slow.deployment, &*slow.target), ("slow", "/"));
    }

    #[test]
    fn any_other_deployment_has_the_scenarios_of_hello() {
        let options = "--deployment orders --path /health --replicas 3 --only rollouts,lone";
        let Selection { tasks, .. } = of(options).unwrap();
        let tasks: Vec<(String, &str)> =
            tasks.iter().map(|t| (t.to_string(), &*t.target)).collect();
        let expected = [
            (
                "orders: 3 replicas, 10 rolling updates".to_owned(),
                "/health",
            ),
            (
                "orders: 1 replica, a pod deleted, 4 times".to_owned(),
                "/health",
            ),
        ];
        assert_eq!(tasks, expected);
        let all = of("--deployment orders --url http://a:1/b").unwrap();
        assert_eq!((all.tasks.len(), &*all.tasks[0].target), (10, "/b"));
        assert_eq!(all.left_out.len(), 1, "{:?}", all.left_out);
    }

    #[test]
    fn what_leaves_nothing_to_run_is_refused() {
        for (args, why) in [
            ("--only drain-node", "--allow node-drain"),
            (
                "--deployment orders --only mixed",
                "mixed (of streaming's routes)",
            ),
        ] {
            let error = of(args).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn published_figures_stand_beside_their_own_conditions_alone() {
        let published = ALL.into_iter().filter(Scenario::is_published);
        let names: Vec<&str> = published.map(|scenario| scenario.name).collect();
        assert_eq!(names, ["slow"]);
    }
}
