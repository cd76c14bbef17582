//! An arm's plan in a scenario, from its first pods to its figures.

use std::ops::Range;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Barrier;
use tokio::time::{Instant, sleep};
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
pub struct Together {
    /// Decides clients' schedules and choices: alike in all arms.
    pub seed: u64,
    /// Where clients run.
    pub sides: Sides,
    /// Cancelled on Ctrl+C, and when an arm has failed. Then arms end with what they have.
    pub interrupt: CancellationToken,
    /// The arms pass each stage at the same time, so that all have the same load for the same time.
    pub barrier: Barrier,
}

/// What one arm does and is done to.
pub struct ArmPlan<'a> {
    /// Which arm.
    pub arm: ArmName,
    /// What its clients do.
    pub load: &'a Load,
    /// How many replicas it has at first.
    pub replicas: usize,
    /// What happens to its Deployment.
    pub steps: Steps,
    /// How long its load goes on once all arms have settled; and half of that before the first step.
    pub hold: Duration,
    /// Shows how far it is.
    pub progress: &'a ArmProgress,
}

/// An arm could not be run to its end.
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

/// Two times to be compared, if the load was held.
#[derive(Clone, Debug)]
pub struct Held {
    /// Half of the hold, up to the first step.
    pub before: Range<Instant>,
    /// The second half of the hold: what the steps have led to has had the first half to come about.
    pub after: Range<Instant>,
}

/// What came of an arm.
pub struct ArmOutcome {
    /// Which.
    pub arm: ArmName,
    /// Its clients' figures.
    pub kinds: Vec<KindOutcome>,
    /// What happened to its pods and endpoints.
    pub happened: Happened,
    /// What is compared of it; `None` if its load was not held to the end.
    pub held: Option<Held>,
    /// How long its clients' network took.
    pub rtt: Duration,
}

/// Runs one arm: waits for its pods, puts them under load, holds it, takes the steps, waits until all has
/// settled, holds the load, stops it. The platform has been ended when this returns, whatever it returns. An
/// interrupted arm has the figures of what it did so far.
///
/// # Errors
/// See [`ArmError`]. An error stops the other arms, too.
pub async fn run<P: Platform>(
    mut platform: P,
    plan: ArmPlan<'_>,
    together: &Together,
) -> Result<ArmOutcome, ArmError<P::Error>> {
    let mut load = None;
    let ran = tokio::select! {
        biased;
        () = together.interrupt.cancelled() => None,
        ran = under_load(&mut platform, &plan, together, &mut load) => Some(ran),
    };
    let result = match (ran, load) {
        (Some(result), _) => result,
        (None, Some(load)) => Ok((load.abandon().await, None)),
        (None, None) => Ok((Vec::new(), None)),
    };
    if result.is_err() {
        together.interrupt.cancel();
    }
    plan.progress.enter(Phase::Ending);
    let happened = platform.end().await;
    result.map(|(kinds, held)| ArmOutcome {
        arm: plan.arm,
        kinds,
        happened,
        held,
        rtt: plan.load.rtt + plan.load.network,
    })
}

async fn under_load<P: Platform>(
    platform: &mut P,
    plan: &ArmPlan<'_>,
    together: &Together,
    load: &mut Option<Running>,
) -> Result<(Vec<KindOutcome>, Option<Held>), ArmError<P::Error>> {
    let ArmPlan { arm, progress, .. } = *plan;
    let failed = |cause| ArmError::Platform { arm, cause };
    progress.enter(Phase::Starting);
    platform.ready().await.map_err(failed)?;
    together.barrier.wait().await;

    let load = {
        let _there = together.sides.clients.enter();
        load.insert(Running::start(
            plan.load,
            together.seed,
            &platform.endpoints(),
        ))
    };
    progress.watch(load.meters());
    progress.enter(Phase::WarmingUp);
    let under_way = load.under_way(START_LIMIT).await;
    under_way.map_err(|example| ArmError::NoResponse {
        arm,
        example: example.map(Box::new),
    })?;
    together.barrier.wait().await;

    // A client whose first request came only with the steps would find the new pods at once.
    let half = plan.hold / 2;
    let before = stay(half).await;
    progress.enter(Phase::Steps);
    take(platform, plan).await.map_err(failed)?;
    progress.enter(Phase::Settling);
    platform.settled().await.map_err(failed)?;
    progress.enter(Phase::Settled);
    // The last losses come when the last pods are gone: of any arm.
    together.barrier.wait().await;
    progress.enter(Phase::Holding);
    sleep(half).await;
    let after = stay(half).await;
    let held = (!plan.hold.is_zero()).then_some(Held { before, after });
    Ok((load.finish().await, held))
}

/// Lets so much time pass, and says which it was.
async fn stay(time: Duration) -> Range<Instant> {
    let from = Instant::now();
    sleep(time).await;
    from..Instant::now()
}

async fn take<P: Platform>(platform: &mut P, plan: &ArmPlan<'_>) -> Result<(), P::Error> {
    let Steps { step, times, pause } = plan.steps;
    for time in 0..times {
        if time > 0 {
            tokio::time::sleep(pause).await;
            if let Step::ScaleTo(_) = step {
                platform.take(Step::ScaleTo(plan.replicas)).await?;
            }
        }
        platform.take(step).await?;
        plan.progress.step_taken();
    }
    Ok(())
}
