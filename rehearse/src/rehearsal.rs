//! Plays scenarios, each in all its arms at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Barrier;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::arm::{self, ArmError, Stage};
use crate::cli::Output;
use crate::events::file::Files;
use crate::progress::{self, ArmProgress};
use crate::report::{Limits, Report, ScenarioReport, Verdict};
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

/// Plays scenarios, one after the other, shows their figures and writes its files; hands back the exit
/// code. `interrupt` ends it early: then the figures are those so far, and there is no verdict.
///
/// # Errors
/// The first failure of an arm; and if a file cannot be written.
pub async fn play(
    scenarios: &[Scenario],
    conditions: &Conditions,
    output: Output,
    mut files: Files,
    interrupt: &CancellationToken,
) -> anyhow::Result<u8> {
    let mut reports = Vec::new();
    for scenario in scenarios {
        output.progress(scenario.title());
        let report = run(scenario, conditions, interrupt).await?;
        output.text(report.text());
        files.scenario(&report)?;
        let interrupted = report.verdict == Verdict::Interrupted;
        reports.push(report);
        if interrupted {
            break;
        }
    }
    finish(conditions, output, files, reports)
}

/// Shows and writes what sums up a run.
///
/// # Errors
/// If a file cannot be written.
pub fn finish(
    conditions: &Conditions,
    output: Output,
    files: Files,
    scenarios: Vec<ScenarioReport>,
) -> anyhow::Result<u8> {
    let report = Report::new(conditions, scenarios);
    match output.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => println!("{}", report.footer()),
    }
    if report.verdict != Verdict::Interrupted {
        files.finish(report.scenarios.iter(), None)?;
    }
    Ok(report.exit_code)
}

/// Plays a scenario: all arms at the same time, under the same load and the same delays. When this
/// returns no process is left.
///
/// # Errors
/// The first failure of an arm.
async fn run(
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
    let plays = join_all(parts.map(|(arm, progress)| arm::play(arm, scenario, &stage, progress)));
    let played = tokio::select! {
        played = plays => played,
        never = progress::show(&arms, conditions.quiet) => match never {},
    };
    let outcomes = played.into_iter().collect::<Result<_, _>>()?;
    let report = ScenarioReport::new(scenario, outcomes, &conditions.limits, began);
    Ok(match interrupt.is_cancelled() {
        true => report.interrupted(),
        false => report,
    })
}
