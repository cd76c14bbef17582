//! What a rehearsal comes to: figures, verdict, tables, and the files that it writes.
//!
//! All is made from one log of what happened ([`events`]): by the clients to requests and connections,
//! by the platform to pods and endpoints.

mod closes;
pub mod drains;
pub mod events;
pub mod faults;
mod format;
pub mod html;
pub mod junit;
mod notes;
pub mod options;
pub mod proof;
pub mod spread;
mod streams;
pub mod table;
mod timeline;
mod tls;
mod verdict;

use serde::Serialize;
use tokio::time::Instant;

pub use self::closes::Crossed;
pub use self::faults::{Fault, Limits};
pub use self::format::{COLUMNS, percent, wrapped};
pub use self::tls::Exchange;
pub use self::verdict::{Judged, Tally, Verdict};
pub(crate) use rehearse_arm::progress::thousands;

use self::drains::{Drains, Propagation, Surroundings};
use self::spread::Spread;

use rehearse_arm::load::{Kind, KindOutcome};
use rehearse_arm::{ArmName, ArmOutcome};
use rehearse_client::Outcome;
use rehearse_platform::{EndpointEvent, Ledger};

/// One scenario's figures.
#[derive(Debug, Serialize)]
pub struct ScenarioReport {
    /// When it began.
    #[serde(skip)]
    pub began: Instant,
    /// The service.
    pub service: String,
    /// The conditions in one line.
    pub conditions: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The figures by arm.
    pub arms: Vec<ArmReport>,
    /// The source's figures under the same conditions, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<Published>,
    /// What the figures say.
    pub verdict: Verdict,
    /// What fails the service beside what it lost, in words.
    pub faults: Vec<String>,
    /// Kinds of client of which the control lost none: of those the run shows nothing.
    pub unproven: Vec<Kind>,
    /// What the service's pods reported of their drains, if they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drains: Option<Drains>,
    /// When the last new connection came to pods that were replaced, by those reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagation: Option<Propagation>,
    /// The certificate that was exchanged in it, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
    /// Where its pods stood.
    #[serde(skip)]
    pub surroundings: Surroundings,
    /// The verdict in words.
    pub summary: String,
}

/// What a scenario is, in words.
#[derive(Debug)]
pub struct Described {
    /// The service.
    pub service: String,
    /// The conditions in one line.
    pub conditions: String,
    /// How many replicas each arm has.
    pub replicas: String,
    /// Where its pods stand.
    pub surroundings: Surroundings,
    /// Whether the source's published figures belong beside the result.
    pub published: bool,
}

impl ScenarioReport {
    /// Puts together what came of the arms.
    pub fn new(
        scenario: impl Into<Described>,
        outcomes: Vec<ArmOutcome>,
        limits: &Limits,
        began: Instant,
    ) -> Self {
        let Described {
            service,
            conditions,
            replicas,
            surroundings,
            published,
        } = scenario.into();
        let arms: Vec<ArmReport> = outcomes
            .into_iter()
            .map(|outcome| ArmReport::new(outcome, &replicas, began))
            .collect();
        let drains = Drains::of(&arms, surroundings);
        let tallies: Vec<Tally> = arms.iter().map(ArmReport::tally).collect();
        let faults = faults::of(&arms, limits);
        let judged = Judged {
            arms: &tallies,
            faults: &faults,
            allowed: limits.failed,
        };
        Self {
            service,
            conditions,
            seconds: began.elapsed().as_secs_f64(),
            began,
            published: published.then_some(PUBLISHED),
            summary: proof::with_kinds(judged.in_words(), &arms),
            unproven: proof::unproven(&arms),
            faults: faults.iter().map(Fault::in_words).collect(),
            verdict: judged.verdict(),
            propagation: drains.as_ref().and_then(Drains::propagation),
            drains,
            exchange: None,
            surroundings,
            arms,
        }
    }

    /// The same figures of a run in which a certificate was exchanged.
    pub fn with_exchange(self, exchange: Option<Exchange>) -> Self {
        Self { exchange, ..self }
    }

    /// The same figures as those of a run that was ended before its time: they are judged by nothing.
    pub fn interrupted(self) -> Self {
        let tallies: Vec<Tally> = self.arms.iter().map(ArmReport::tally).collect();
        let judged = Judged {
            arms: &tallies,
            faults: &[],
            allowed: 0,
        };
        Self {
            verdict: Verdict::Interrupted,
            summary: judged.interrupted(),
            faults: Vec::new(),
            unproven: Vec::new(),
            published: None,
            ..self
        }
    }
}

/// One arm's figures.
#[derive(Debug, Serialize)]
pub struct ArmReport {
    /// Which arm.
    pub arm: ArmName,
    /// How many replicas.
    pub replicas: String,
    /// Failed requests of all, in percent.
    pub errors_percent: f64,
    /// All clients together.
    #[serde(flatten)]
    pub total: Outcome,
    /// The same figures by kind of client.
    pub clients: Vec<KindOutcome>,
    /// How its pods ended.
    pub pods: Ledger,
    /// What became of its endpoints.
    #[serde(skip)]
    pub endpoints: Vec<EndpointEvent>,
    /// Requests that crossed the end of their connection, by both sides, where both count them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crossing: Option<Crossed>,
    /// How the requests of kept connections were spread over its replicas, if its load was held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
}

impl ArmReport {
    pub(crate) fn new(outcome: ArmOutcome, replicas: &str, began: Instant) -> Self {
        let mut total = Outcome::default();
        outcome
            .kinds
            .iter()
            .for_each(|kind| total.merge(kind.outcome.clone()));
        let failed = total.failures.total() as f64;
        Self {
            arm: outcome.arm,
            replicas: replicas.to_owned(),
            errors_percent: 100.0 * failed / total.requests.max(1) as f64,
            total,
            spread: Spread::of(&outcome, began),
            crossing: Crossed::of(&outcome.kinds, &outcome.happened.pods, outcome.rtt),
            clients: outcome.kinds,
            pods: outcome.happened.pods,
            endpoints: outcome.happened.endpoints,
        }
    }

    /// What of it is judged.
    pub fn tally(&self) -> Tally {
        let (requests, failed) = (self.total.requests, self.total.failures.total());
        Tally {
            arm: self.arm,
            requests,
            failed,
            replaced: self.pods.deleted,
        }
    }
}

/// Figures that were published for a service of 1,000 ms under the conditions of `slow`'s
/// scenario. Latencies in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Published {
    pub replicas: usize,
    pub requests: u64,
    pub avg_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    pub stddev_ms: f64,
    pub errors_percent: f64,
}

/// Those figures.
pub const PUBLISHED: Published = Published {
    replicas: 10,
    requests: 197_357,
    avg_ms: 1_039.0,
    min_ms: 1_000.0,
    max_ms: 57_477.0,
    stddev_ms: 1_364.0,
    errors_percent: 0.0,
};
