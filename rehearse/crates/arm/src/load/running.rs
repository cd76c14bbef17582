//! A load at work.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Kind, Load};
use rehearse_client::{Endpoints, Example, Log, Mode, Outcome, Plan, Progress, Think};

/// How often the counters are looked at while a load gets under way.
const LOOK: Duration = Duration::from_millis(20);

/// A pause after which every client of a kind can be waited for.
const BRISK: Duration = Duration::from_secs(1);

/// What came of one kind of client.
#[derive(Clone, Debug, Serialize)]
pub struct KindOutcome {
    /// The kind.
    pub kind: Kind,
    /// How many clients.
    pub clients: usize,
    /// Their figures.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What they are made from.
    #[serde(skip)]
    pub log: Arc<Log>,
}

/// What the clients of one kind did.
struct Logged {
    kind: Kind,
    clients: usize,
    rtt: Duration,
    began: Instant,
    log: Log,
}

impl Logged {
    fn outcome(self) -> KindOutcome {
        KindOutcome {
            kind: self.kind,
            clients: self.clients,
            outcome: Outcome::of(&self.log, self.began, self.rtt),
            log: Arc::new(self.log),
        }
    }
}

/// A load at work. Dropping it aborts every client.
pub struct Running {
    tasks: JoinSet<Logged>,
    /// What the clients did that have ended.
    ended: Vec<Logged>,
    meters: Vec<Meter>,
    stop: CancellationToken,
    abandon: CancellationToken,
}

/// One kind's counters, and how far they must come for its clients to be under way.
#[derive(Clone)]
pub struct Meter {
    progress: Arc<Progress>,
    under_way: u64,
}

impl Running {
    /// Starts all clients.
    pub fn start(load: &Load, seed: u64, endpoints: &Arc<dyn Endpoints>) -> Self {
        let (stop, abandon) = (CancellationToken::new(), CancellationToken::new());
        let (mut tasks, mut meters) = (JoinSet::new(), Vec::new());
        for (kind, plan) in load.plans(seed) {
            let progress = Arc::new(Progress::default());
            let (clients, rtt) = (plan.clients, plan.rtt + plan.network);
            let under_way = under_way(&plan);
            meters.push(Meter {
                progress: Arc::clone(&progress),
                under_way,
            });
            let (endpoints, stop, abandon) = (Arc::clone(endpoints), stop.clone(), abandon.clone());
            tasks.spawn(async move {
                Logged {
                    kind,
                    clients,
                    rtt,
                    began: Instant::now(),
                    log: rehearse_client::run(plan, endpoints, progress, stop, abandon).await,
                }
            });
        }
        Self {
            tasks,
            ended: Vec::new(),
            meters,
            stop,
            abandon,
        }
    }

    /// The counters, for a progress line.
    pub fn meters(&self) -> &[Meter] {
        &self.meters
    }

    /// Waits until every client has had its turn.
    ///
    /// # Errors
    /// If that takes longer than `limit`, or no request of some kind of client had a good
    /// response: with what one got instead. The load has ended then.
    pub async fn under_way(&mut self, limit: Duration) -> Result<(), Option<Example>> {
        let waiting = async {
            while !self.meters.iter().all(Meter::is_under_way) {
                tokio::time::sleep(LOOK).await;
            }
        };
        let in_time = tokio::time::timeout(limit, waiting).await.is_ok();
        if in_time && self.meters.iter().all(Meter::has_succeeded) {
            return Ok(());
        }
        let kinds = self.finish().await;
        let mut failures = kinds.iter().map(|kind| &kind.outcome.failures);
        Err(failures.find_map(|failures| failures.examples().first().cloned()))
    }

    /// Lets every client finish the request it is in, and returns the figures by kind. Cancel-safe: to
    /// be called again, or [`Running::abandon`].
    pub async fn finish(&mut self) -> Vec<KindOutcome> {
        self.stop.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Ok(logged) => self.ended.push(logged),
                // A client that panicked would have dropped its requests from the log.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            }
        }
        // Only now: figures take time, and clients of other kinds were still waiting for responses.
        let outcomes = self.ended.drain(..).map(Logged::outcome);
        let mut outcomes: Vec<KindOutcome> = outcomes.collect();
        outcomes.sort_by_key(|outcome| outcome.kind);
        outcomes
    }

    /// Ends every client where it is, and returns the figures so far. A request that was not over is
    /// not in them.
    pub async fn abandon(mut self) -> Vec<KindOutcome> {
        self.abandon.cancel();
        self.finish().await
    }
}

/// Requests (or events, where the server speaks unasked) after which every client of a kind has had its turn. Phases
/// are spread over one period, so twice as many as clients: except where periods are seconds long,
/// and a part of the clients is enough to show that the service answers.
fn under_way(plan: &Plan) -> u64 {
    let clients = plan.clients as u64;
    match plan.mode {
        Mode::KeepAlive {
            think: Think::Steady(think),
            ..
        } if think <= BRISK => 2 * clients,
        Mode::Events | Mode::WebSocket { .. } => clients,
        Mode::KeepAlive { .. }
        | Mode::OneShot { .. }
        | Mode::Upload { .. }
        | Mode::Download { .. } => clients.div_ceil(3),
        Mode::H2 { streams, .. } => (clients * streams as u64).div_ceil(3),
    }
}

impl Meter {
    /// Requests that have ended.
    pub fn requests(&self) -> u64 {
        self.progress.requests.load(Ordering::Relaxed)
    }

    /// Those of them that failed.
    pub fn failed(&self) -> u64 {
        self.progress.failed.load(Ordering::Relaxed)
    }

    fn has_succeeded(&self) -> bool {
        self.failed() < self.requests().max(1)
    }

    fn is_under_way(&self) -> bool {
        self.requests() + self.progress.events.load(Ordering::Relaxed) >= self.under_way
    }
}
