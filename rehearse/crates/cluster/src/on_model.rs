//! The same scenarios for the model of Kubernetes.

use std::time::Duration;

use super::options::Cluster;
use super::scenario::{Task, Variation};
use super::scenario_load::load;
use super::scenarios;
use rehearse_arm::load::Load;
use rehearse_platform::Steps;

/// A scenario as the model runs it.
#[derive(Clone, Debug)]
pub struct OnModel {
    /// The bundled service.
    pub service: &'static str,
    /// Replicas of each arm, at first.
    pub replicas: usize,
    /// What is done.
    pub steps: Steps,
    /// What clients do; where they send it is for the service to say.
    pub load: Load,
    /// From the creation of a replacement to its first probe.
    pub ready_after: Duration,
    /// Whether the service has no preStop hook.
    pub without_prestop: bool,
    /// Whether its conditions are those under which figures were published.
    pub published: bool,
}

/// The scenarios that the options ask for, and those that only a cluster has, with the reason.
///
/// # Errors
/// If nothing is left of them.
pub fn on_model(options: &Cluster) -> anyhow::Result<(Vec<OnModel>, Vec<String>)> {
    let selection = scenarios::selected(options)?;
    let (local, tasks): (Vec<Task>, Vec<Task>) = selection
        .tasks
        .into_iter()
        .partition(|task| task.scenario.variation.local);
    let left_out = local.iter().map(|task| {
        let name = task.scenario.name;
        format!("{name} (the model has no ports of nodes)")
    });
    let left_out = selection.left_out.iter().cloned().chain(left_out).collect();
    let of = |task: &Task| {
        let scenario = &task.scenario;
        let Variation {
            without_prestop,
            ready_after,
            ..
        } = scenario.variation;
        OnModel {
            service: scenario.service.name(),
            replicas: scenario.replicas as usize,
            steps: scenario.steps,
            load: load(task, None, options),
            ready_after,
            without_prestop,
            published: scenario.is_published(),
        }
    };
    Ok((tasks.iter().map(of).collect(), left_out))
}
