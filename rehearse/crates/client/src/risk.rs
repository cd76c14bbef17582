//! What unannounced closes were to be expected to cost.
//!
//! How many requests really cross a FIN is a matter of milliseconds, and varies much from run to
//! run. How many start within a second behind one varies far less; and of those the share is lost
//! that a round trip is of that second.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::log::{Ended, Log};

/// In which requests count as at risk. A hundred times the usual round trip, so that there are some;
/// short beside the pauses of a client, so that the chance of a request is much the same all through.
const SPAN: Duration = Duration::from_secs(1);

/// The log's resolution: a start is rounded down to it, and a close is not.
const ROUNDING: Duration = Duration::from_micros(1);

/// Requests that started within a second behind an unannounced close of a connection of their client's,
/// each as often as there was one.
pub(super) fn at_risk(log: &Log) -> u64 {
    let mut closes: BTreeMap<u32, Vec<Instant>> = BTreeMap::new();
    for connection in &log.connections {
        if let Some((at, Ended::Unannounced)) = connection.ended {
            closes.entry(connection.client).or_default().push(at);
        }
    }
    closes
        .values_mut()
        .for_each(|closes| closes.sort_unstable());
    let at_risk = log.requests.iter().map(|request| {
        let start = request.intended + Duration::from(request.started);
        let closes = closes.get(&request.client).map_or(&[][..], Vec::as_slice);
        let until = closes.partition_point(|close| *close < start + ROUNDING);
        let over = closes.partition_point(|close| *close + SPAN <= start);
        (until - over) as u64
    });
    at_risk.sum()
}

/// The share of them that is to be expected to be lost.
pub(super) fn share(rtt: Duration) -> f64 {
    rtt.as_secs_f64() / SPAN.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::super::log::{Connection, End, Micros, Request};
    use super::*;

    /// One client's closes and starts, in milliseconds.
    fn log(closes: &[u64], starts: &[u64]) -> Log {
        let begun = Instant::now();
        let at = |ms: &u64| begun + Duration::from_millis(*ms);
        let connection = |ms| Connection {
            client: 0,
            peer: ([127, 0, 0, 1], 80).into(),
            opened: begun,
            ended: Some((at(ms), Ended::Unannounced)),
            tls: None,
        };
        let request = |ms| Request {
            client: 0,
            connection: None,
            intended: begun,
            started: Micros::between(begun, at(ms)),
            first_byte: None,
            ended: Micros::between(begun, at(ms)),
            end: End::Complete,
        };
        Log {
            requests: starts.iter().map(request).collect(),
            connections: closes.iter().map(connection).collect(),
            ..Log::default()
        }
    }

    #[test]
    fn requests_of_the_second_behind_a_close_are_at_risk() {
        assert_eq!(at_risk(&log(&[100], &[0, 99])), 0);
        assert_eq!(at_risk(&log(&[100], &[0, 100, 300, 1_099, 1_100])), 3);
        assert_eq!(at_risk(&log(&[100, 200], &[150, 250])), 3);
    }

    #[test]
    fn the_request_that_finds_the_close_is_at_risk() {
        let mut log = log(&[100], &[100]);
        let (at, how) = log.connections[0].ended.unwrap();
        log.connections[0].ended = Some((at + Duration::from_nanos(999), how));
        assert_eq!(at_risk(&log), 1);
    }

    #[test]
    fn another_clients_close_is_no_risk() {
        let mut log = log(&[100], &[300]);
        log.requests[0].client = 1;
        assert_eq!(at_risk(&log), 0);
    }

    #[test]
    fn the_share_is_that_of_the_round_trip() {
        assert_eq!(share(Duration::from_millis(10)), 0.01);
    }
}
