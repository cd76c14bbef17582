//! The figures: exact where they claim to be, and the same merged as together.

use std::time::Duration;

use super::super::Example;
use super::*;

fn outcome(latencies: &[u64]) -> Outcome {
    let mut outcome = Outcome::default();
    for &ms in latencies {
        outcome.record_complete(Duration::from_millis(ms));
    }
    outcome
}

fn example(at_ms: u64, kind: FailureKind) -> Example {
    Example {
        at_ms,
        peer: None,
        kind,
        detail: String::new(),
    }
}

#[test]
fn average_extremes_and_deviation_are_exact() {
    let outcome = outcome(&[2, 4, 4, 4, 5, 5, 7, 9]);
    let figures = (
        outcome.avg_ms(),
        outcome.min_ms(),
        outcome.max_ms(),
        outcome.stddev_ms(),
    );
    assert_eq!(figures, (5.0, 2.0, 9.0, 2.0));
    assert!((outcome.percentile(50.0) - 4.0).abs() < 0.01);
    assert_eq!(outcome.percentile(100.0), 9.0);
}

#[test]
fn merged_figures_are_those_of_all_together() {
    let (mut merged, whole) = (
        outcome(&[1_000, 1_010]),
        outcome(&[1_000, 1_010, 990, 57_477]),
    );
    merged.merge(outcome(&[990, 57_477]));
    merged.merge(Outcome::default());
    assert_eq!(merged.latency, whole.latency);
    assert_eq!(
        serde_json::to_string(&merged).unwrap(),
        serde_json::to_string(&whole).unwrap()
    );
}

#[test]
fn a_flood_of_one_kind_leaves_room_for_examples_of_the_others() {
    let (mut first, mut second) = (Outcome::default(), Outcome::default());
    for at in 0..1_000 {
        first.record_failure(example(at, FailureKind::ConnectRefused));
    }
    second.record_failure(example(2_000, FailureKind::CutInBody));
    first.merge(second);
    assert_eq!((first.requests, first.failures.total()), (1_001, 1_001));
    assert_eq!(first.failures.examples().len(), 6);
    assert_eq!(first.failures.examples()[5].kind, FailureKind::CutInBody);
}

#[test]
fn json_names_the_kinds_and_has_no_latency_without_a_response() {
    let mut outcome = Outcome::default();
    outcome.record_failure(example(7, FailureKind::ClosedBeforeResponse));
    let json = serde_json::to_value(&outcome).unwrap();
    assert_eq!(json["failures"]["closed-before-response"], 1);
    assert_eq!(json["examples"][0]["kind"], "closed-before-response");
    assert_eq!(
        (&json["latency"], outcome.avg_ms()),
        (&serde_json::Value::Null, 0.0)
    );
}
