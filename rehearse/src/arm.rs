//! One arm's part in a rehearsal.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Barrier;
use tokio_util::sync::CancellationToken;

use crate::load::{KindOutcome, Running};
use crate::progress::{ArmProgress, Phase};
use crate::scenario::{Arm, ArmName, Scenario, Steps};
use rehearse_client::{Endpoints, Example};
use rehearse_model::address::AddressPool;
use rehearse_model::cluster::{Cluster, StartFailed, Template};
use rehearse_model::endpoints::Router;
use rehearse_model::history::EndpointEvent;
use rehearse_model::ledger::Ledger;
use rehearse_model::pod::Timing;
use rehearse_model::propagation::Propagation;
use rehearse_network::Sides;

/// How long pods may take to become ready, and then clients to get their first responses.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What the arms of a scenario share.
pub struct Stage {
    /// How late nodes learn of changes.
    pub propagation: Propagation,
    /// Decides delays, clients' schedules and choices: alike in all arms.
    pub seed: u64,
    /// Where pods get their addresses.
    pub addresses: Arc<AddressPool>,
    /// Where clients and pods run.
    pub sides: Sides,
    /// Cancelled on Ctrl+C, and when an arm has failed. Then arms end with what they have.
    pub interrupt: CancellationToken,
    /// The arms pass each act together, so that all have the same load for the same time.
    pub curtain: Barrier,
}

/// An arm could not be played to its end.
#[derive(Debug, Error)]
pub enum ArmError {
    /// A pod could not be started.
    #[error("the {arm} did not start: {cause}\n  try it by hand: {by_hand}")]
    Start {
        /// Whose pod.
        arm: ArmName,
        /// Which pod, and why.
        cause: StartFailed,
        /// A command line for the same program.
        by_hand: String,
    },
    /// The load did not get under way.
    #[error("no client of the {arm} got a good response, before any step{}", seen(.example.as_deref()))]
    NoResponse {
        /// Whose clients.
        arm: ArmName,
        /// What they got instead.
        example: Option<Box<Example>>,
    },
}

fn seen(example: Option<&Example>) -> String {
    example.map_or_else(String::new, |e| format!(": {}, {}", e.kind, e.detail))
}

/// What came of an arm.
pub struct ArmOutcome {
    /// Which.
    pub arm: ArmName,
    /// Its clients' figures.
    pub kinds: Vec<KindOutcome>,
    /// Its pods' ends.
    pub pods: Ledger,
    /// What became of its endpoints.
    pub endpoints: Vec<EndpointEvent>,
    /// How long its clients' network took.
    pub rtt: Duration,
}

/// Plays one arm: starts its pods, puts them under load, takes the steps, waits until all has
/// settled, stops the load. No process is left when this returns, whatever it returns. An interrupted
/// one has the figures of what it did so far.
///
/// # Errors
/// See [`ArmError`]. An error stops the other arms, too.
pub async fn play(
    arm: &Arm,
    scenario: &Scenario,
    stage: &Stage,
    progress: &ArmProgress,
) -> Result<ArmOutcome, ArmError> {
    let router = Router::new(stage.propagation, stage.seed);
    let mut cluster = {
        let _there = stage.sides.services.enter();
        Cluster::start(template(arm, scenario, stage), Arc::clone(&router))
    };
    let mut load = None;
    let played = tokio::select! {
        biased;
        () = stage.interrupt.cancelled() => None,
        played = act(arm, scenario.steps, stage, progress, (&mut cluster, &router), &mut load) => {
            Some(played)
        }
    };
    let result = match (played, load) {
        (Some(result), _) => result,
        (None, Some(load)) => Ok(load.abandon().await),
        (None, None) => Ok(Vec::new()),
    };
    if result.is_err() {
        stage.interrupt.cancel();
    }
    progress.enter(Phase::Ending);
    let endpoints = router.take_history();
    let pods = cluster.stop().await;
    result.map(|kinds| ArmOutcome {
        arm: arm.name,
        kinds,
        pods,
        endpoints,
        rtt: arm.load.rtt + arm.load.network,
    })
}

fn template(arm: &Arm, scenario: &Scenario, stage: &Stage) -> Template {
    let first_probe = Duration::ZERO;
    Template {
        program: Arc::clone(&arm.program),
        spec: scenario.spec,
        timing: Timing {
            first_probe,
            start_limit: START_LIMIT,
            grace: scenario.grace,
        },
        replacement_first_probe: scenario.replacement_delay,
        addresses: Arc::clone(&stage.addresses),
        seed: stage.seed,
    }
}

async fn act(
    arm: &Arm,
    steps: Steps,
    stage: &Stage,
    progress: &ArmProgress,
    (cluster, router): (&mut Cluster, &Arc<Router>),
    load: &mut Option<Running>,
) -> Result<Vec<KindOutcome>, ArmError> {
    let by_hand = || arm.program.by_hand();
    let failed = |cause| ArmError::Start {
        arm: arm.name,
        cause,
        by_hand: by_hand(),
    };
    progress.enter(Phase::Starting);
    cluster.settled().await.map_err(failed)?;
    stage.curtain.wait().await;

    let endpoints: Arc<dyn Endpoints> = Arc::<Router>::clone(router);
    let load = {
        let _there = stage.sides.clients.enter();
        load.insert(Running::start(&arm.load, stage.seed, &endpoints))
    };
    progress.watch(load.meters());
    progress.enter(Phase::WarmingUp);
    let under_way = load.under_way(START_LIMIT).await;
    under_way.map_err(|example| ArmError::NoResponse {
        arm: arm.name,
        example: example.map(Box::new),
    })?;
    stage.curtain.wait().await;

    progress.enter(Phase::Steps);
    take_steps(steps, progress, cluster).await.map_err(failed)?;
    progress.enter(Phase::Settling);
    cluster.settled().await.map_err(failed)?;
    progress.enter(Phase::Settled);
    stage.curtain.wait().await;
    Ok(load.finish().await)
}

async fn take_steps(
    steps: Steps,
    progress: &ArmProgress,
    cluster: &mut Cluster,
) -> Result<(), StartFailed> {
    for step in 0..steps.count() {
        match steps {
            Steps::RollOuts { pause, .. } => {
                if step > 0 {
                    tokio::time::sleep(pause).await;
                }
                cluster.roll_out();
                cluster.complete().await?;
            }
            Steps::ScaleTo(replicas) => {
                cluster.scale(replicas);
                cluster.complete().await?;
            }
            Steps::Deletions(_) => {
                cluster.delete_one();
                cluster.known().await?;
            }
        }
        progress.step_taken();
    }
    Ok(())
}
