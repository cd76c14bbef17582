//! An arm's part in a scenario, from its first pods to its figures.

use std::time::Duration;

use thiserror::Error;
use tokio::sync::Barrier;
use tokio_util::sync::CancellationToken;

use super::load::{KindOutcome, Load, Running};
use super::name::ArmName;
use super::progress::{ArmProgress, Phase};
use rehearse_client::Example;
use rehearse_network::Sides;
use rehearse_platform::{Happened, Platform, Step, Steps};

/// How long clients may take to get their first responses.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What the arms of a scenario share.
pub struct Stage {
    /// Decides clients' schedules and choices: alike in all arms.
    pub seed: u64,
    /// Where clients run.
    pub sides: Sides,
    /// Cancelled on Ctrl+C, and when an arm has failed. Then arms end with what they have.
    pub interrupt: CancellationToken,
    /// The arms pass each act together, so that all have the same load for the same time.
    pub curtain: Barrier,
}

/// What one arm does.
pub struct Part<'a> {
    /// Which arm.
    pub arm: ArmName,
    /// What its clients do.
    pub load: &'a Load,
    /// How many replicas it has at first.
    pub replicas: usize,
    /// What happens to its Deployment.
    pub steps: Steps,
    /// Shows how far it is.
    pub progress: &'a ArmProgress,
}

/// An arm could not be played to its end.
#[derive(Debug, Error)]
pub enum ArmError<E> {
    /// Its platform failed.
    #[error("the {arm}: {cause}")]
    Platform {
        /// Whose.
        arm: ArmName,
        /// What went wrong.
        cause: E,
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
    /// What happened to its pods and endpoints.
    pub happened: Happened,
    /// How long its clients' network took.
    pub rtt: Duration,
}

/// Plays one arm: waits for its pods, puts them under load, takes the steps, waits until all has
/// settled, stops the load. The platform has been ended when this returns, whatever it returns. An
/// interrupted arm has the figures of what it did so far.
///
/// # Errors
/// See [`ArmError`]. An error stops the other arms, too.
pub async fn play<P: Platform>(
    mut platform: P,
    part: Part<'_>,
    stage: &Stage,
) -> Result<ArmOutcome, ArmError<P::Error>> {
    let mut load = None;
    let played = tokio::select! {
        biased;
        () = stage.interrupt.cancelled() => None,
        played = acts(&mut platform, &part, stage, &mut load) => Some(played),
    };
    let result = match (played, load) {
        (Some(result), _) => result,
        (None, Some(load)) => Ok(load.abandon().await),
        (None, None) => Ok(Vec::new()),
    };
    if result.is_err() {
        stage.interrupt.cancel();
    }
    part.progress.enter(Phase::Ending);
    let happened = platform.end().await;
    result.map(|kinds| ArmOutcome {
        arm: part.arm,
        kinds,
        happened,
        rtt: part.load.rtt + part.load.network,
    })
}

async fn acts<P: Platform>(
    platform: &mut P,
    part: &Part<'_>,
    stage: &Stage,
    load: &mut Option<Running>,
) -> Result<Vec<KindOutcome>, ArmError<P::Error>> {
    let Part { arm, progress, .. } = *part;
    let failed = |cause| ArmError::Platform { arm, cause };
    progress.enter(Phase::Starting);
    platform.ready().await.map_err(failed)?;
    stage.curtain.wait().await;

    let load = {
        let _there = stage.sides.clients.enter();
        load.insert(Running::start(part.load, stage.seed, &platform.endpoints()))
    };
    progress.watch(load.meters());
    progress.enter(Phase::WarmingUp);
    let under_way = load.under_way(START_LIMIT).await;
    under_way.map_err(|example| ArmError::NoResponse {
        arm,
        example: example.map(Box::new),
    })?;
    stage.curtain.wait().await;

    progress.enter(Phase::Steps);
    take(platform, part).await.map_err(failed)?;
    progress.enter(Phase::Settling);
    platform.settled().await.map_err(failed)?;
    progress.enter(Phase::Settled);
    // The last losses come when the last pods are gone: of any arm.
    stage.curtain.wait().await;
    Ok(load.finish().await)
}

async fn take<P: Platform>(platform: &mut P, part: &Part<'_>) -> Result<(), P::Error> {
    let Steps { step, times, pause } = part.steps;
    for time in 0..times {
        if time > 0 {
            tokio::time::sleep(pause).await;
            if let Step::ScaleTo(_) = step {
                platform.take(Step::ScaleTo(part.replicas)).await?;
            }
        }
        platform.take(step).await?;
        part.progress.step_taken();
    }
    Ok(())
}
