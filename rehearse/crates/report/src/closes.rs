//! Connections that ended without a word, and what that was to be expected to cost.

use std::time::Duration;

use comfy_table::Table;
use serde::Serialize;

use super::table::{align, table};
use super::{ArmReport, thousands};
use rehearse_arm::load::{Kind, KindOutcome};
use rehearse_client::Outcome;
use rehearse_platform::Ledger;

/// For how long a drained server reads on behind its FIN, at least: what crosses a network that takes
/// longer may be lost without a trace.
const LINGER: Duration = Duration::from_millis(200);

/// What both sides say of the requests that crossed the end of their connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Crossed {
    /// Requests of HTTP/1.1 that clients lost so.
    pub by_clients: u64,
    /// Requests that the pods counted behind their FIN, by their drain reports.
    pub by_pods: u64,
    /// How many pods left a drain report.
    pub drain_reports: u64,
}

impl Crossed {
    /// Nothing can be said where no pod writes drain reports, or the network takes longer than a
    /// server waits behind its FIN, or no time at all.
    pub(super) fn of(kinds: &[KindOutcome], pods: &Ledger, rtt: Duration) -> Option<Self> {
        let comparable = pods.drain_reports > 0 && !rtt.is_zero() && rtt < LINGER;
        // HTTP/2 is told by GOAWAY, and its FIN crosses nothing.
        let http_1 = kinds.iter().filter(|kind| kind.kind != Kind::H2);
        comparable.then(|| Self {
            by_clients: http_1.map(|kind| kind.outcome.crossed).sum(),
            by_pods: pods.crossed,
            drain_reports: pods.drain_reports,
        })
    }

    pub(super) fn in_words(self) -> String {
        let Self {
            by_clients,
            by_pods,
            drain_reports,
        } = self;
        let [by_clients_words, by_pods_words, reports] =
            [by_clients, by_pods, drain_reports].map(thousands);
        match by_clients == by_pods {
            true => format!("crossed: {by_pods_words} by the {reports} pods' drain reports, too"),
            false => format!(
                "MISMATCH: {by_clients_words} requests crossed the end of their connection, and the \
                 drain reports of {reports} pods count {by_pods_words}"
            ),
        }
    }
}

/// A column: what it is called, and its figure.
type Column = (&'static str, fn(&Outcome) -> String);

const COLUMNS: [Column; 4] = [
    ("connections", |outcome| {
        thousands(outcome.unannounced_closes)
    }),
    ("requests within 1s", |outcome| thousands(outcome.at_risk)),
    ("expected to cross", |outcome| {
        expected(outcome.expected_crossed)
    }),
    ("crossed", |outcome| thousands(outcome.crossed)),
];

/// A row for each arm, if any connection of any ended so.
pub(super) fn closes(arms: &[ArmReport]) -> Option<Table> {
    if arms.iter().all(|arm| arm.total.unannounced_closes == 0) {
        return None;
    }
    let names = COLUMNS.iter().map(|(name, _)| *name);
    let head: Vec<&str> = std::iter::once("unannounced closes").chain(names).collect();
    let mut table = table(&head);
    table.add_rows(arms.iter().map(|arm| {
        let figures = COLUMNS.iter().map(|(_, figure)| figure(&arm.total));
        std::iter::once(arm.arm.to_string()).chain(figures)
    }));
    Some(align(table))
}

/// None at all is 0, and few never look like it.
fn expected(requests: f64) -> String {
    match requests {
        0.0 => "0".to_owned(),
        few if few < 10.0 => format!("{few:.2}"),
        many => thousands(many.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn crossed(kinds: &[(Kind, u64)], by_pods: u64, rtt: u64) -> Option<Crossed> {
        let kind = |&(kind, crossed)| {
            let mut outcome = Outcome::default();
            outcome.crossed = crossed;
            KindOutcome {
                kind,
                clients: 1,
                outcome,
                log: Arc::default(),
            }
        };
        let kinds: Vec<KindOutcome> = kinds.iter().map(kind).collect();
        let pods = Ledger {
            drain_reports: 12,
            crossed: by_pods,
            ..Ledger::default()
        };
        Crossed::of(&kinds, &pods, Duration::from_millis(rtt))
    }

    #[test]
    fn clients_and_pods_that_count_alike_say_so() {
        let kinds = [(Kind::KeepAlive, 1), (Kind::Upload, 2), (Kind::H2, 7)];
        let words = crossed(&kinds, 3, 10).unwrap().in_words();
        assert_eq!(words, "crossed: 3 by the 12 pods' drain reports, too");
    }

    #[test]
    fn a_loss_that_no_pod_has_counted_is_named() {
        let words = crossed(&[(Kind::SlowKeepAlive, 4)], 3, 10)
            .unwrap()
            .in_words();
        assert_eq!(
            words,
            "MISMATCH: 4 requests crossed the end of their connection, and the drain reports of 12 \
             pods count 3"
        );
    }

    #[test]
    fn nothing_is_compared_on_a_network_that_takes_longer_than_the_linger_or_no_time() {
        assert!(crossed(&[], 0, 199).is_some());
        assert!(crossed(&[], 0, 200).is_none());
        assert!(crossed(&[], 0, 0).is_none());
        let (silent, rtt) = (Ledger::default(), Duration::from_millis(10));
        assert!(Crossed::of(&[], &silent, rtt).is_none());
    }

    #[test]
    fn few_are_not_none() {
        assert_eq!(
            [0.0, 0.04, 9.876, 1_234.4].map(expected),
            ["0", "0.04", "9.88", "1,234"]
        );
    }
}
