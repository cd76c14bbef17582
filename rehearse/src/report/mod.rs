//! The figures of a run, and what they say.

mod closes;
pub mod faults;
mod format;
pub mod html;
pub mod junit;
mod notes;
pub(crate) mod proof;
mod streams;
pub(crate) mod table;
mod timeline;
mod verdict;

use serde::Serialize;
use tokio::time::Instant;

pub use self::closes::Crossed;
pub use self::faults::{Fault, Limits};
pub(crate) use self::format::COLUMNS;
pub use self::format::{percent, thousands, wrapped};
pub use self::verdict::{Judged, Tally, Verdict};

use crate::arm::ArmOutcome;
use crate::load::{Kind, KindOutcome};
use crate::rehearsal::Conditions;
use crate::scenario::{ArmName, Scenario};
use rehearse_client::Outcome;
use rehearse_model::history::EndpointEvent;
use rehearse_model::ledger::Ledger;

/// A whole run, as it appears in JSON.
#[derive(Debug, Serialize)]
pub struct Report {
    /// This program's version.
    pub version: &'static str,
    /// Repeats the run's delays and schedules.
    pub seed: u64,
    /// How late nodes learnt of changes, in words.
    pub propagation: String,
    /// How long a packet took between clients and services, one way, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_delay_ms: Option<u128>,
    /// One a service.
    pub scenarios: Vec<ScenarioReport>,
    /// The worst of the scenarios' verdicts.
    pub verdict: Verdict,
    /// What this process exits with.
    pub exit_code: u8,
}

impl Report {
    /// Sums up a run. One that was over before any scenario was interrupted.
    pub fn new(conditions: &Conditions, scenarios: Vec<ScenarioReport>) -> Self {
        let verdict = scenarios.iter().map(|scenario| scenario.verdict).max();
        let verdict = verdict.unwrap_or(Verdict::Interrupted);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            seed: conditions.seed,
            propagation: conditions.propagation.to_string(),
            network_delay_ms: conditions.network_delay.map(|delay| delay.as_millis()),
            scenarios,
            verdict,
            exit_code: verdict.exit_code(),
        }
    }
}

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
    /// Whether the source's published figures belong beside the result.
    pub published: bool,
}

impl From<&Scenario> for Described {
    fn from(scenario: &Scenario) -> Self {
        Self {
            service: scenario.service.clone(),
            conditions: scenario.title(),
            replicas: scenario.replicas_in_words(),
            published: scenario.published,
        }
    }
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
            published,
        } = scenario.into();
        let arms: Vec<ArmReport> = outcomes
            .into_iter()
            .map(|outcome| ArmReport::new(outcome, &replicas))
            .collect();
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
            arms,
        }
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
}

impl ArmReport {
    pub(crate) fn new(outcome: ArmOutcome, replicas: &str) -> Self {
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
            crossing: Crossed::of(&outcome.kinds, &outcome.pods, outcome.rtt),
            clients: outcome.kinds,
            pods: outcome.pods,
            endpoints: outcome.endpoints,
        }
    }

    pub(crate) fn tally(&self) -> Tally {
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

pub(crate) const PUBLISHED: Published = Published {
    replicas: 10,
    requests: 197_357,
    avg_ms: 1_039.0,
    min_ms: 1_000.0,
    max_ms: 57_477.0,
    stddev_ms: 1_364.0,
    errors_percent: 0.0,
};
