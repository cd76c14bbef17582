use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::PUBLISHED;
use rehearse_arm::ArmName;
use rehearse_arm::ArmOutcome;
use rehearse_arm::load::KindOutcome;
use rehearse_client::{FailureKind, Failures, Outcome};
use rehearse_platform::{Happened, Ledger};

const FAILURES: [FailureKind; 6] = [
    FailureKind::ConnectRefused,
    FailureKind::ResetBeforeResponse,
    FailureKind::ClosedBeforeResponse,
    FailureKind::StreamRefusedByGoaway,
    FailureKind::NoCloseFrame,
    FailureKind::EventsMisplaced,
];

fn outcome(arm: ArmName) -> ArmOutcome {
    let kinds = [
        Kind::KeepAlive,
        Kind::SlowKeepAlive,
        Kind::OneShot,
        Kind::Upload,
        Kind::Download,
        Kind::Events,
        Kind::Websocket,
        Kind::H2,
    ];
    let kind = |kind| {
        let mut outcome = Outcome::default();
        outcome.requests = 1_234_567;
        outcome.unannounced_closes = 123_456;
        outcome.at_risk = 123_456;
        outcome.expected_crossed = 1_234.56;
        outcome.failures = Failures::from_iter(FAILURES.map(|kind| (kind, 12_345)));
        KindOutcome {
            kind,
            clients: 200,
            outcome,
            log: Arc::default(),
        }
    };
    ArmOutcome {
        arm,
        kinds: kinds.map(kind).to_vec(),
        happened: Happened {
            pods: Ledger::default(),
            endpoints: Vec::new(),
        },
        held: None,
        rtt: Duration::from_millis(10),
    }
}

#[test]
fn a_report_of_large_figures_is_at_most_100_columns_wide() {
    let arms = [ArmName::Control, ArmName::Usual, ArmName::Service];
    let arms = arms
        .map(|arm| ArmReport::new(outcome(arm), "20 → 1", tokio::time::Instant::now()))
        .into();
    let report = ScenarioReport {
        exchange: None,
        began: tokio::time::Instant::now(),
        service: "hello".to_owned(),
        conditions: "conditions ".repeat(20),
        seconds: Duration::from_secs(600).as_secs_f64(),
        arms,
        published: Some(PUBLISHED),
        verdict: crate::Verdict::Pass,
        faults: Vec::new(),
        unproven: Vec::new(),
        drains: None,
        propagation: None,
        surroundings: crate::drains::Surroundings::default(),
        summary: "summary ".repeat(30),
    };
    let text = report.text();
    let widest = text
        .lines()
        .max_by_key(|line| line.chars().count())
        .unwrap();
    assert!(widest.chars().count() <= 100, "{text}");
    for word in [
        "published",
        "197,357",
        "57,477",
        "std. dev.",
        "p99.9",
        "usual practice",
        "failed/all",
        "unannounced closes",
        "websocket",
        "out of order",
        "crossed by a Close",
    ] {
        assert!(text.contains(word), "{word} in\n{text}");
    }
}
