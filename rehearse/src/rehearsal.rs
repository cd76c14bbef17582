//! Plays a scenario in all its arms at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Barrier;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::arm::{ArmError, ArmOutcome, Stage, play};
use crate::progress::{self, ArmProgress};
use crate::report::{Limits, ScenarioReport};
use crate::scenario::Scenario;
use rehearse_model::address::AddressPool;
use rehearse_model::propagation::Propagation;
use rehearse_network::Sides;

/// What holds for a whole run.
#[derive(Clone)]
pub struct Conditions {
    /// How late nodes learn of changes.
    pub propagation: Propagation,
    /// The run's seed.
    pub seed: u64,
    /// Where pods get their addresses.
    pub addresses: Arc<AddressPool>,
    /// Where clients and pods run.
    pub sides: Sides,
    /// How long a packet takes between them, one way, if it takes any time.
    pub network_delay: Option<Duration>,
    /// What is demanded of the service.
    pub limits: Limits,
    /// Whether progress is kept to itself.
    pub quiet: bool,
}

/// Plays a scenario: all arms at the same time, under the same load and the same delays. When this
/// returns no process is left. `interrupt` ends it early.
///
/// # Errors
/// The first failure of an arm; [`ArmError::Interrupted`] if there was none.
pub async fn run(
    scenario: &Scenario,
    conditions: &Conditions,
    interrupt: &CancellationToken,
) -> Result<ScenarioReport, ArmError> {
    let began = Instant::now();
    let stage = Stage {
        propagation: conditions.propagation,
        seed: conditions.seed,
        addresses: Arc::clone(&conditions.addresses),
        sides: conditions.sides.clone(),
        interrupt: interrupt.child_token(),
        curtain: Barrier::new(scenario.arms.len()),
    };
    let arms: Vec<ArmProgress> = scenario
        .arms
        .iter()
        .map(|arm| ArmProgress::new(arm.name, scenario))
        .collect();
    let parts = scenario.arms.iter().zip(&arms);
    let plays = join_all(parts.map(|(arm, progress)| play(arm, scenario, &stage, progress)));
    let played = tokio::select! {
        played = plays => played,
        never = progress::show(&arms, conditions.quiet) => match never {},
    };
    let outcomes = all_or_first_cause(played)?;
    let limits = &conditions.limits;
    Ok(ScenarioReport::new(scenario, outcomes, limits, began))
}

fn all_or_first_cause(
    played: Vec<Result<ArmOutcome, ArmError>>,
) -> Result<Vec<ArmOutcome>, ArmError> {
    let (mut outcomes, mut first) = (Vec::new(), None);
    for result in played {
        match (result, &first) {
            (Ok(outcome), _) => outcomes.push(outcome),
            // One arm's failure interrupts the others: the failure is the cause.
            (Err(error), None | Some(ArmError::Interrupted)) => first = Some(error),
            (Err(_), Some(_)) => {}
        }
    }
    first.map_or(Ok(outcomes), Err)
}
