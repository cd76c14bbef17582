use std::sync::Arc;

use super::*;
use rehearse_arm::ArmOutcome;
use rehearse_arm::load::KindOutcome;
use rehearse_client::{Outcome, TlsFigures};
use rehearse_platform::{Happened, Ledger};

/// An arm with one client kind, whose requests took so many milliseconds.
fn arm(arm: ArmName, kind: Kind, took: &[u64], more: impl FnOnce(&mut Outcome)) -> ArmReport {
    let mut outcome = Outcome::default();
    for ms in took {
        outcome.record_complete(Duration::from_millis(*ms));
    }
    more(&mut outcome);
    let kinds = vec![KindOutcome {
        kind,
        clients: 1,
        outcome,
        log: Arc::default(),
    }];
    let outcome = ArmOutcome {
        arm,
        kinds,
        happened: Happened {
            pods: Ledger::default(),
            endpoints: Vec::new(),
        },
        held: None,
        rtt: Duration::from_millis(10),
    };
    ArmReport::new(outcome, "2", tokio::time::Instant::now())
}

fn control(took: &[u64]) -> ArmReport {
    arm(ArmName::Control, Kind::KeepAlive, took, |_| {})
}

fn service(took: &[u64]) -> ArmReport {
    arm(ArmName::Service, Kind::KeepAlive, took, |_| {})
}

#[test]
fn a_client_that_is_left_standing_is_a_fault() {
    let limits = Limits::default();
    let of = |took: &[u64]| of(&[control(&[10, 900]), service(took)], &limits);
    assert_eq!(of(&[5_900]), []);
    let slow = Fault::Slow {
        kind: Kind::KeepAlive,
        longest: 10_000.0,
        control: 900.0,
    };
    assert_eq!(of(&[10, 10_000]), std::slice::from_ref(&slow));
    assert_eq!(
        slow.in_words(),
        "A request (keep-alive) took 10s, and none of the control's more than 900ms."
    );
    assert!(self::of(&[service(&[60_000])], &limits).is_empty());
}

#[test]
fn only_clients_of_one_kind_are_compared() {
    let download = arm(ArmName::Control, Kind::Download, &[10], |_| {});
    let arms = [download, service(&[10_000])];
    assert_eq!(of(&arms, &Limits::default()), []);
}

#[test]
fn a_limit_takes_the_place_of_the_controls_longest_request() {
    let longest = |seconds| Limits {
        longest: Some(Duration::from_secs(seconds)),
        ..Limits::default()
    };
    let arms = [control(&[10]), service(&[8_000])];
    assert_eq!(of(&arms, &longest(9)), []);
    let words = "The longest request took 8s, and --max-longest is 7s.".to_owned();
    assert_eq!(of(&arms, &longest(7)), [Fault::Limit(words)]);
}

#[test]
fn each_limit_that_is_asked_for_counts() {
    let limits = Limits {
        p99: Some(Duration::from_millis(20)),
        unannounced_closes: Some(2),
        ..Limits::default()
    };
    let service = |ms, closes| {
        arm(ArmName::Service, Kind::KeepAlive, &[ms], |outcome| {
            outcome.unannounced_closes = closes;
        })
    };
    assert_eq!(of(&[service(20, 2)], &limits), []);
    let faults = of(&[service(21, 3)], &limits);
    let words: Vec<String> = faults.iter().map(Fault::in_words).collect();
    let [p99, closes] = &words[..] else {
        panic!("{words:?}")
    };
    assert!(p99.contains("--max-p99 is 20ms"), "{p99}");
    assert!(closes.contains("--max-unannounced-closes is 2"), "{closes}");
}

#[test]
fn what_cannot_be_judged_is_no_success() {
    let service = arm(ArmName::Service, Kind::OneShot, &[], |outcome| {
        (outcome.requests, outcome.unjudged) = (9, 9);
    });
    assert_eq!(of(&[service], &Limits::default()), [Fault::Unjudged(9)]);
}

#[test]
fn luck_is_no_success() {
    let service = |expected, crossed| {
        arm(ArmName::Service, Kind::KeepAlive, &[10], |outcome| {
            outcome.expected_crossed = expected;
            (outcome.crossed, outcome.unannounced_closes) = (crossed, 512);
        })
    };
    let faults = |service| of(&[service], &Limits::default());
    assert_eq!(faults(service(0.9, 0)), []);
    let lucky = Fault::Lucky {
        closes: 512,
        expected: 1.2,
    };
    assert_eq!(faults(service(1.2, 0)), [lucky]);
    // A limit of one's own takes its place, and so does what may be lost.
    for limits in [
        Limits {
            unannounced_closes: Some(600),
            ..Limits::default()
        },
        Limits {
            failed: 1,
            ..Limits::default()
        },
    ] {
        assert_eq!(of(&[service(1.2, 0)], &limits), []);
    }
}

#[test]
fn a_program_that_is_slow_by_nature_is_not_left_standing() {
    let arms = [control(&[10]), service(&[8_000, 8_100, 12_000])];
    assert_eq!(of(&arms, &Limits::default()), []);
}

#[test]
fn the_controls_faults_are_its_own_affair() {
    let mut control = control(&[10]);
    control.pods.faults = 5;
    assert_eq!(of(&[control, service(&[10])], &Limits::default()), []);
}

#[test]
fn an_end_over_tls_that_may_have_cut_something_is_a_fault() {
    let with = |truncated| {
        arm(ArmName::Service, Kind::KeepAlive, &[10], |outcome| {
            outcome.tls = Some(TlsFigures {
                truncated,
                ..TlsFigures::default()
            });
        })
    };
    let limits = Limits::default();
    assert_eq!(of(&[control(&[10]), with(0)], &limits), []);
    let found = of(&[control(&[10]), with(2)], &limits);
    assert_eq!(found, [Fault::Truncated(2)]);
    assert_eq!(found[0].verdict(), Verdict::Truncated);
}
