//! The figures of a run.

use std::collections::BTreeSet;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::Instant;

use super::failure::{Example, Failures};
use super::log::{End, Ended, Log, Request, Streamed};
use super::risk;
use super::tls_figures::TlsFigures;

/// The histogram's upper end in microseconds: ten minutes. Longer ones count as this in the
/// percentiles; the average, the maximum and the standard deviation are exact.
const LONGEST: u64 = 600_000_000;

/// What came of a plan; mergeable over plans. `requests == complete + unjudged + failures.total()`.
#[derive(Clone)]
pub struct Outcome {
    /// Requests started.
    pub requests: u64,
    /// Those answered completely and correctly.
    pub complete: u64,
    /// Those answered by a body that only the connection's end delimits, and that is not known: it may
    /// be complete, and may have been cut.
    pub unjudged: u64,
    /// The others.
    pub failures: Failures,
    /// Requests of an open-loop plan that were due before the stop, and that their clients, still
    /// behind, did not get to start. They are in no other figure.
    pub unstarted: u64,
    /// Times the server ended a connection that a client would have used again, without harm to
    /// a request: by `Connection: close`, GOAWAY or Close, while it was idle, or by ending an event
    /// stream.
    pub reconnects: u64,
    /// Connections that had served a client before, and that the server ended (by FIN or RST) while
    /// nothing was due on them and nothing had announced it. Each is a race with the next request.
    pub unannounced_closes: u64,
    /// Requests that lost that race: they were sent when the kernel knew of the end and the client
    /// did not yet. They are failures, too.
    pub crossed: u64,
    /// Requests that started within a second after an unannounced close of a connection of theirs.
    pub at_risk: u64,
    /// How many of those were to be expected to cross it, if none of their instants is better than
    /// another: the share of that second that a round trip is.
    pub expected_crossed: f64,
    /// Server-Sent Events received in order.
    pub events: u64,
    /// Events missing from the streams, of all `events-lost` failures, that did not come later.
    pub events_missing: u64,
    /// Events that came again.
    pub events_doubled: u64,
    /// Events that came late, after one that follows them.
    pub events_misplaced: u64,
    /// The fewest events that any client received in order; `None` without such clients.
    pub events_fewest: Option<u64>,
    /// What WebSockets sent unasked, in order.
    pub ticks: u64,
    /// Messages of WebSockets that met the server's Close on their way, and that nobody may answer
    /// after it (RFC 6455, 5.5.1). They are in no other figure.
    pub messages_crossed: u64,
    /// What TLS came to, if it was spoken.
    pub tls: Option<TlsFigures>,
    /// Microseconds from the intended start, of complete responses only.
    pub latency: Histogram<u64>,
    exact: Exact,
}

#[derive(Clone, Copy, Debug, Default)]
struct Exact {
    sum: u128,
    squares: u128,
    min: Option<u64>,
    max: u64,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            requests: 0,
            complete: 0,
            unjudged: 0,
            failures: Failures::default(),
            unstarted: 0,
            reconnects: 0,
            unannounced_closes: 0,
            crossed: 0,
            at_risk: 0,
            expected_crossed: 0.0,
            events: 0,
            events_missing: 0,
            events_doubled: 0,
            events_misplaced: 0,
            events_fewest: None,
            ticks: 0,
            messages_crossed: 0,
            tls: None,
            latency: Histogram::new_with_bounds(1, LONGEST, 3)
                .expect("1 to ten minutes of microseconds at 3 digits are valid bounds"),
            exact: Exact::default(),
        }
    }
}

impl Outcome {
    /// The figures of a plan that began at that instant, on a network with this round trip.
    pub fn of(log: &Log, began: Instant, rtt: Duration) -> Self {
        let mut outcome = Self {
            unstarted: log.unstarted,
            tls: TlsFigures::of(log),
            ..Self::default()
        };
        for request in &log.requests {
            outcome.enter(request, log, began);
        }
        outcome.enter_ends(log);
        for streamed in &log.streams {
            outcome.enter_streamed(streamed);
        }
        outcome.at_risk = risk::at_risk(log);
        outcome.expected_crossed = outcome.at_risk as f64 * risk::share(rtt);
        outcome
    }

    fn enter(&mut self, request: &Request, log: &Log, began: Instant) {
        match &request.end {
            End::Complete => self.record_complete(request.ended.into()),
            End::Unjudged => {
                self.requests += 1;
                self.unjudged += 1;
            }
            End::Overtaken => self.messages_crossed += 1,
            End::Failed(failed) => {
                self.crossed += u64::from(failed.crossed());
                let at = request.intended + Duration::from(request.ended);
                let at = at.saturating_duration_since(began).as_millis();
                self.record_failure(Example {
                    at_ms: u64::try_from(at).unwrap_or(u64::MAX),
                    peer: failed.peer.or_else(|| log.peer(request)),
                    kind: failed.kind(),
                    detail: failed.detail().to_owned(),
                });
            }
        }
    }

    /// An end that a request was lost by is counted as that.
    fn enter_ends(&mut self, log: &Log) {
        let failed = |request: &&Request| matches!(request.end, End::Failed(_));
        let failed = log.requests.iter().filter(failed);
        let failed: BTreeSet<u32> = failed.filter_map(|request| request.connection).collect();
        for (number, connection) in (0..).zip(&log.connections) {
            let unannounced = matches!(connection.ended, Some((_, Ended::Unannounced)));
            let announced = matches!(connection.ended, Some((_, Ended::Announced)));
            self.unannounced_closes += u64::from(unannounced);
            let heard = announced || unannounced && !failed.contains(&number);
            self.reconnects += u64::from(heard);
        }
    }

    fn enter_streamed(&mut self, streamed: &Streamed) {
        self.events += streamed.events.unwrap_or(0);
        self.events_missing += streamed.missing;
        self.events_doubled += streamed.doubled;
        self.events_misplaced += streamed.misplaced;
        self.events_fewest = [self.events_fewest, streamed.events]
            .into_iter()
            .flatten()
            .min();
        self.ticks += streamed.ticks;
    }

    /// Adds another plan's figures to these.
    pub fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.complete += other.complete;
        self.unjudged += other.unjudged;
        self.failures.merge(other.failures);
        self.unstarted += other.unstarted;
        self.reconnects += other.reconnects;
        self.unannounced_closes += other.unannounced_closes;
        self.crossed += other.crossed;
        self.at_risk += other.at_risk;
        self.expected_crossed += other.expected_crossed;
        self.events += other.events;
        self.events_missing += other.events_missing;
        self.events_doubled += other.events_doubled;
        self.events_misplaced += other.events_misplaced;
        let fewest = [self.events_fewest, other.events_fewest];
        self.events_fewest = fewest.into_iter().flatten().min();
        self.ticks += other.ticks;
        self.messages_crossed += other.messages_crossed;
        if let Some(tls) = other.tls {
            self.tls.get_or_insert_default().merge(tls);
        }
        self.latency += other.latency;
        self.exact.sum += other.exact.sum;
        self.exact.squares += other.exact.squares;
        self.exact.min = self.exact.min.into_iter().chain(other.exact.min).min();
        self.exact.max = self.exact.max.max(other.exact.max);
    }

    /// Average latency in milliseconds; 0 if nothing was complete, as in all figures below.
    pub fn avg_ms(&self) -> f64 {
        ms(self.exact.sum as f64 / self.complete.max(1) as f64)
    }

    /// Shortest latency in milliseconds, exact.
    pub fn min_ms(&self) -> f64 {
        ms(self.exact.min.unwrap_or(0) as f64)
    }

    /// Longest latency in milliseconds, exact.
    pub fn max_ms(&self) -> f64 {
        ms(self.exact.max as f64)
    }

    /// The latency's standard deviation (of the population) in milliseconds.
    pub fn stddev_ms(&self) -> f64 {
        // In integers, because n * sum(x^2) - sum(x)^2 cancels badly in floating point.
        let n = u128::from(self.complete.max(1));
        let spread = (n * self.exact.squares).saturating_sub(self.exact.sum * self.exact.sum);
        ms((spread as f64).sqrt() / n as f64)
    }

    /// The latency in milliseconds that `p` percent (0 to 100) did not exceed.
    pub fn percentile(&self, p: f64) -> f64 {
        ms(self.latency.value_at_percentile(p).min(self.exact.max) as f64)
    }

    /// Counts a request that was answered after so long.
    pub fn record_complete(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.requests += 1;
        self.complete += 1;
        self.latency.saturating_record(micros);
        self.exact.sum += u128::from(micros);
        self.exact.squares += u128::from(micros) * u128::from(micros);
        self.exact.min = Some(self.exact.min.map_or(micros, |min| min.min(micros)));
        self.exact.max = self.exact.max.max(micros);
    }

    pub(super) fn record_failure(&mut self, example: Example) {
        self.requests += 1;
        self.failures.record(example);
    }
}

fn ms(micros: f64) -> f64 {
    micros / 1_000.0
}
