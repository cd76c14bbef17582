//! What unannounced closes were to be expected to cost.
//!
//! How many requests really cross a FIN is a matter of milliseconds, and varies much from run to
//! run. How many start within a second behind one varies far less; and of those the share is lost
//! that a round trip is of that second.

use std::time::Duration;

use tokio::time::Instant;

use super::Plan;
use super::outcome::Outcome;

/// In which requests count as at risk. A hundred times the usual round trip, so that there are some;
/// short beside the pauses of a client, so that the chance of a request is much the same all through.
const SPAN: Duration = Duration::from_secs(1);

/// The last second of one client's life.
#[derive(Debug)]
pub(super) struct Risk {
    rtt: Duration,
    closes: Vec<Instant>,
    starts: Vec<Instant>,
}

/// Requests that turned out to be at risk.
#[derive(Debug, PartialEq)]
#[must_use]
pub(super) struct AtRisk {
    requests: usize,
    rtt: Duration,
}

impl Risk {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            rtt: plan.rtt + plan.network,
            closes: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// A request starts.
    pub(super) fn started(&mut self, at: Instant) -> AtRisk {
        self.forget_before(at);
        self.starts.push(at);
        self.at_risk(self.closes.len())
    }

    /// A connection was ended at this instant, of which the client may hear later.
    pub(super) fn closed(&mut self, at: Instant) -> AtRisk {
        self.closes.push(at);
        let behind = self.starts.iter().filter(|start| **start >= at).count();
        self.at_risk(behind)
    }

    fn forget_before(&mut self, now: Instant) {
        let recent = |at: &Instant| now.saturating_duration_since(*at) < SPAN;
        self.closes.retain(recent);
        self.starts.retain(recent);
    }

    fn at_risk(&self, requests: usize) -> AtRisk {
        AtRisk {
            requests,
            rtt: self.rtt,
        }
    }
}

impl AtRisk {
    pub(super) fn enter(&self, outcome: &mut Outcome) {
        outcome.at_risk += self.requests as u64;
        let share = self.rtt.as_secs_f64() / SPAN.as_secs_f64();
        outcome.expected_crossed += self.requests as f64 * share;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::keep_alive;
    use super::*;

    /// Half of ten milliseconds is the network's own.
    fn risk() -> Risk {
        let half = Duration::from_millis(5);
        let plan = keep_alive(300);
        Risk::new(&Plan {
            rtt: half,
            network: half,
            ..plan
        })
    }

    #[test]
    fn requests_of_the_second_behind_a_close_are_at_risk() {
        let (begun, mut risk) = (Instant::now(), risk());
        let at = |ms| begun + Duration::from_millis(ms);
        let mut outcome = Outcome::default();
        risk.started(at(0)).enter(&mut outcome);
        risk.closed(at(100)).enter(&mut outcome);
        assert_eq!((outcome.at_risk, outcome.expected_crossed), (0, 0.0));
        risk.started(at(300)).enter(&mut outcome);
        risk.started(at(1_050)).enter(&mut outcome);
        risk.started(at(1_100)).enter(&mut outcome);
        assert_eq!((outcome.at_risk, outcome.expected_crossed), (2, 0.02));
    }

    #[test]
    fn a_close_of_which_the_client_hears_late_counts_what_has_started_since() {
        let (begun, mut risk) = (Instant::now(), risk());
        let at = |ms| begun + Duration::from_millis(ms);
        let mut outcome = Outcome::default();
        for start in [0, 20, 40] {
            risk.started(at(start)).enter(&mut outcome);
        }
        risk.closed(at(20)).enter(&mut outcome);
        assert_eq!(outcome.at_risk, 2);
    }
}
