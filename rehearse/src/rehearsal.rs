//! Runs scenarios, each in all its arms at once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Barrier;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::certificates::Certificates;
use crate::run_report::Report;
use crate::scenario::{Arm, Scenario, Transport};
use rehearse_arm::progress::{self, ArmProgress};
use rehearse_arm::{ArmError, ArmOutcome, ArmPlan, Together};
use rehearse_model::address::AddressPool;
use rehearse_model::cluster::{Cluster, StartFailed, Template};
use rehearse_model::endpoints::Router;
use rehearse_model::pod::Timing;
use rehearse_model::program::Program;
use rehearse_model::propagation::Propagation;
use rehearse_network::Sides;
use rehearse_report::events::file::Files;
use rehearse_report::options::Output;
use rehearse_report::{Exchange, Limits, ScenarioReport, Verdict};

/// How long pods may take to become ready.
const START_LIMIT: Duration = Duration::from_secs(30);

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

/// Runs scenarios, one after the other, shows their figures and writes its files; hands back the exit
/// code. `interrupt` ends it early: then the figures are those so far, and there is no verdict.
///
/// # Errors
/// The first failure of an arm; and if a file cannot be written.
pub async fn run(
    scenarios: &[Scenario],
    conditions: &Conditions,
    output: Output,
    mut files: Files,
    interrupt: &CancellationToken,
) -> anyhow::Result<u8> {
    let mut reports = Vec::new();
    for scenario in scenarios {
        output.progress(scenario.title());
        let report = one(scenario, conditions, interrupt).await?;
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

/// Runs a scenario: all arms at the same time, under the same load and the same delays. When this
/// returns no process is left.
///
/// # Errors
/// The first failure of an arm; and if certificates cannot be made, or exchanged.
async fn one(
    scenario: &Scenario,
    conditions: &Conditions,
    interrupt: &CancellationToken,
) -> anyhow::Result<ScenarioReport> {
    let certificates = match scenario.transport {
        Transport::Clear => None,
        Transport::Tls => Some(Certificates::new()?),
    };
    let certificates = certificates.as_ref();
    let began = Instant::now();
    let together = Together {
        seed: conditions.seed,
        sides: conditions.sides.clone(),
        interrupt: interrupt.child_token(),
        barrier: Barrier::new(scenario.arms.len()),
    };
    let arms: Vec<ArmProgress> = scenario
        .arms
        .iter()
        .map(|arm| ArmProgress::new(arm.name, scenario.steps))
        .collect();
    let parts = scenario.arms.iter().zip(&arms);
    let runs = parts.map(|(arm, progress)| {
        let arm = over_tls(arm, certificates);
        self::arm(arm, scenario, conditions, &together, progress)
    });
    let exchange = exchange(certificates, &arms);
    let (ran, exchanged) = tokio::select! {
        ended = with_exchange(join_all(runs), exchange) => ended?,
        never = progress::show(&arms, conditions.quiet) => match never {},
    };
    let outcomes = ran.into_iter().collect::<Result<_, _>>()?;
    let report = ScenarioReport::new(scenario, outcomes, &conditions.limits, began);
    let report = report.with_exchange(exchanged);
    Ok(match interrupt.is_cancelled() {
        true => report.interrupted(),
        false => report,
    })
}

/// The same arm, whose program and clients know of the certificates.
fn over_tls(arm: &Arm, certificates: Option<&Certificates>) -> Arm {
    let mut arm = arm.clone();
    if let Some(certificates) = certificates {
        let mut program = Program::clone(&arm.program);
        program.env.extend(certificates.variables());
        arm.program = Arc::new(program);
        arm.load.tls = Some(certificates.trust.clone());
    }
    arm
}

/// Exchanges the certificate in the middle of the steps, if there is one.
async fn exchange(
    certificates: Option<&Certificates>,
    arms: &[ArmProgress],
) -> anyhow::Result<Exchange> {
    match certificates {
        None => std::future::pending().await,
        Some(certificates) => {
            progress::halfway(arms).await;
            certificates.exchange()
        }
    }
}

/// Waits for the runs, and carries the exchange out meanwhile. It fails with the exchange.
async fn with_exchange<T>(
    runs: impl Future<Output = T>,
    exchange: impl Future<Output = anyhow::Result<Exchange>>,
) -> anyhow::Result<(T, Option<Exchange>)> {
    let (mut runs, mut exchange) = (pin!(runs), pin!(exchange));
    tokio::select! {
        ran = &mut runs => Ok((ran, None)),
        exchanged = &mut exchange => {
            let exchanged = exchanged?;
            Ok((runs.await, Some(exchanged)))
        }
    }
}

async fn arm(
    arm: Arm,
    scenario: &Scenario,
    conditions: &Conditions,
    together: &Together,
    progress: &ArmProgress,
) -> Result<ArmOutcome, ArmError<StartFailed>> {
    let router = Router::new(conditions.propagation, conditions.seed);
    let cluster = {
        let _there = conditions.sides.services.enter();
        Cluster::start(template(&arm, scenario, conditions), router)
    };
    let plan = ArmPlan {
        arm: arm.name,
        load: &arm.load,
        replicas: scenario.spec.replicas,
        steps: scenario.steps,
        hold: scenario.hold,
        progress,
    };
    rehearse_arm::run(cluster, plan, together).await
}

fn template(arm: &Arm, scenario: &Scenario, conditions: &Conditions) -> Template {
    Template {
        program: Arc::clone(&arm.program),
        spec: scenario.spec,
        timing: Timing {
            first_probe: Duration::ZERO,
            start_limit: START_LIMIT,
            grace: scenario.grace,
        },
        replacement_first_probe: scenario.replacement_delay,
        addresses: Arc::clone(&conditions.addresses),
        seed: conditions.seed,
    }
}
