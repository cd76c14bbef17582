//! An outcome as it appears in JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use super::failure::{Example, FailureKind};
use super::outcome::Outcome;
use super::tls_figures::TlsFigures;

impl Outcome {
    /// The figures as they appear in JSON.
    pub fn summary(&self) -> Summary<'_> {
        Summary {
            requests: self.requests,
            complete: self.complete,
            unjudged: self.unjudged,
            failed: self.failures.total(),
            failures: self.failures.counts(),
            examples: self.failures.examples(),
            unstarted: self.unstarted,
            reconnects: self.reconnects,
            unannounced_closes: self.unannounced_closes,
            crossed: self.crossed,
            at_risk: self.at_risk,
            expected_crossed: self.expected_crossed,
            events: self.events,
            events_missing: self.events_missing,
            events_doubled: self.events_doubled,
            events_misplaced: self.events_misplaced,
            events_fewest: self.events_fewest,
            ticks: self.ticks,
            messages_crossed: self.messages_crossed,
            tls: self.tls.as_ref(),
            latency: (self.complete > 0).then(|| LatencySummary::of(self)),
        }
    }
}

/// An [`Outcome`] without its histogram. The fields are those of [`Outcome`].
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "documented in Outcome and LatencySummary")]
pub struct Summary<'a> {
    pub requests: u64,
    pub complete: u64,
    pub unjudged: u64,
    pub failed: u64,
    pub failures: &'a BTreeMap<FailureKind, u64>,
    pub examples: &'a [Example],
    pub unstarted: u64,
    pub reconnects: u64,
    pub unannounced_closes: u64,
    pub crossed: u64,
    pub at_risk: u64,
    pub expected_crossed: f64,
    pub events: u64,
    pub events_missing: u64,
    pub events_doubled: u64,
    pub events_misplaced: u64,
    pub events_fewest: Option<u64>,
    pub ticks: u64,
    pub messages_crossed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<&'a TlsFigures>,
    /// `None` if nothing was complete.
    pub latency: Option<LatencySummary>,
}

/// Without thousands of a histogram's counts.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary().fmt(f)
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.summary().serialize(serializer)
    }
}

/// Latency in milliseconds, of complete responses, from the intended start.
#[derive(Clone, Copy, Debug, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct LatencySummary {
    pub avg_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    pub stddev_ms: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
}

impl LatencySummary {
    fn of(outcome: &Outcome) -> Self {
        Self {
            avg_ms: outcome.avg_ms(),
            min_ms: outcome.min_ms(),
            max_ms: outcome.max_ms(),
            stddev_ms: outcome.stddev_ms(),
            p50_ms: outcome.percentile(50.0),
            p90_ms: outcome.percentile(90.0),
            p95_ms: outcome.percentile(95.0),
            p99_ms: outcome.percentile(99.0),
            p999_ms: outcome.percentile(99.9),
        }
    }
}
