use std::sync::Arc;
use std::time::Duration;

use super::*;
use rehearse_arm::ArmName;
use rehearse_client::log::{Connection, End, Micros, Request};
use rehearse_client::{Log, Outcome};
use rehearse_platform::{Happened, Ledger};

/// Where a pod listens.
fn address(pod: PodId) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8000 + u16::try_from(pod).unwrap()))
}

fn at(began: Instant, seconds: f64) -> Instant {
    began + Duration::from_secs_f64(seconds)
}

/// Clients of one kind, with these requests: to which pod, and after how many seconds.
fn kind(began: Instant, kind: Kind, requests: &[(PodId, f64)]) -> KindOutcome {
    let mut log = Log::default();
    for (number, (pod, after)) in requests.iter().enumerate() {
        log.connections.push(Connection {
            client: 0,
            peer: address(*pod),
            opened: began,
            ended: None,
            tls: None,
        });
        // It is due early, and its client is late.
        let (intended, turned) = (at(began, after - 0.5), at(began, *after));
        log.requests.push(Request {
            client: 0,
            connection: Some(u32::try_from(number).unwrap()),
            intended,
            started: Micros::between(intended, turned),
            first_byte: None,
            ended: Micros::between(intended, turned),
            end: End::Complete,
        });
    }
    KindOutcome {
        kind,
        clients: 1,
        outcome: Outcome::default(),
        log: Arc::new(log),
    }
}

fn pod(began: Instant, pod: PodId, what: PodChange, after: f64) -> PodEvent {
    PodEvent {
        pod,
        address: address(pod),
        at: at(began, after),
        what,
        detail: None,
    }
}

/// An arm whose first step was 10 s after it began, and which was held from 20 s to 40 s.
fn arm(kinds: Vec<KindOutcome>, history: Vec<PodEvent>, began: Instant) -> ArmReport {
    let part = |from, to| at(began, from)..at(began, to);
    let outcome = ArmOutcome {
        arm: ArmName::Service,
        kinds,
        happened: Happened {
            pods: Ledger {
                history,
                ..Ledger::default()
            },
            endpoints: Vec::new(),
        },
        held: Some(Held {
            before: part(1.0, 10.0),
            after: part(30.0, 40.0),
        }),
        rtt: Duration::ZERO,
    };
    ArmReport::new(outcome, "2 → 3", began)
}

/// Scaled up: one pod from the beginning, one from 12 s on.
fn scaled_up() -> ArmReport {
    let began = Instant::now();
    let kept = [
        (0, 2.0),
        (0, 9.0),
        (0, 31.0),
        (0, 32.0),
        (0, 33.0),
        (1, 34.0),
    ];
    let between = [(0, 11.0), (1, 25.0), (0, 40.5)];
    let kinds = vec![
        kind(began, Kind::KeepAlive, &kept),
        kind(began, Kind::SlowKeepAlive, &between),
        kind(began, Kind::OneShot, &[(1, 35.0), (1, 36.0)]),
    ];
    let history = vec![
        pod(began, 0, PodChange::Ready, 0.5),
        pod(began, 1, PodChange::Ready, 12.0),
        pod(began, 0, PodChange::TornDown, 41.0),
        pod(began, 1, PodChange::TornDown, 41.0),
    ];
    arm(kinds, history, began)
}

fn figures(shares: &Shares) -> Vec<(PodId, bool, u64, f64)> {
    let replicas = shares.replicas.iter();
    replicas
        .map(|share| (share.pod, share.added, share.requests, share.percent))
        .collect()
}

#[test]
fn requests_count_by_when_and_where_they_went_but_not_those_of_new_connections() {
    let arm = scaled_up();
    let Spread { before, after } = arm.spread.as_ref().unwrap();
    assert_eq!(figures(before), [(0, false, 2, 100.0)]);
    assert_eq!(figures(after), [(0, false, 3, 75.0), (1, true, 1, 25.0)]);
    assert_eq!((before.requests, after.requests), (2, 4));
    assert_eq!((before.from_ms, before.to_ms), (1_000.0, 10_000.0));
    assert_eq!(
        (before.most_to_fair, after.most_to_fair),
        (Some(1.0), Some(1.5))
    );
}

#[test]
fn a_replica_that_got_nothing_is_shown_and_one_that_has_left_is_not() {
    let began = Instant::now();
    let history = vec![
        pod(began, 0, PodChange::Ready, 0.5),
        pod(began, 1, PodChange::Ready, 0.5),
        pod(began, 2, PodChange::Ready, 0.5),
        pod(began, 2, PodChange::Deleted, 11.0),
        pod(began, 2, PodChange::Exited, 16.0),
    ];
    let requests = kind(began, Kind::H2, &[(0, 5.0), (2, 6.0), (0, 35.0)]);
    let arm = arm(vec![requests], history, began);
    let Spread { before, after } = arm.spread.as_ref().unwrap();
    let counts = |shares: &Shares| -> Vec<(PodId, u64)> {
        let replicas = shares.replicas.iter();
        replicas.map(|one| (one.pod, one.requests)).collect()
    };
    assert_eq!(counts(before), [(0, 1), (1, 0), (2, 1)]);
    assert_eq!(counts(after), [(0, 1), (1, 0)]);
    assert_eq!(after.most_to_fair, Some(2.0));
}

#[test]
fn nothing_is_said_of_no_requests_or_of_a_load_that_was_not_held() {
    let nobody = Shares::new(0.0..1.0, Vec::new());
    assert_eq!((nobody.requests, nobody.most_to_fair), (0, None));
    let not_held = ArmReport {
        spread: None,
        ..scaled_up()
    };
    assert!(spread(&[not_held]).is_none());
}

#[test]
fn the_table_has_a_row_for_each_replica_and_one_for_how_even_it_is() {
    let table = spread(&[scaled_up()]).unwrap().to_string();
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_matches(['│', ' ']).split_whitespace())
        .map(|words| words.collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        "pod 0 2 100% 3 75%",
        "pod 1, new - 1 25%",
        "most / fair 1.00 1.50",
    ] {
        assert!(lines.iter().any(|other| other == line), "{line}:\n{table}");
    }
}

#[test]
fn three_arms_of_large_figures_fit_100_columns() {
    let arms = [ArmName::Control, ArmName::Usual, ArmName::Service].map(|name| {
        let mut arm = scaled_up();
        let Spread { before, after } = arm.spread.as_mut().unwrap();
        for (shares, requests) in [(before, 99_999), (after, 999_999)] {
            for share in &mut shares.replicas {
                (share.requests, share.percent) = (requests, 33.3);
            }
        }
        ArmReport { arm: name, ..arm }
    });
    let table = spread(&arms).unwrap().to_string();
    let widest = table.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(crate::COLUMNS), "{table}");
    assert!(table.contains("999,999 33%"), "{table}");
}

#[test]
fn a_small_share_never_looks_like_none() {
    let cell = |requests, percent| {
        cell(Some(&Share {
            pod: 0,
            added: false,
            requests,
            percent,
        }))
    };
    assert_eq!(cell(0, 0.0), "0 0%");
    assert_eq!(cell(17, 0.24), "17 0.2%");
    assert_eq!(cell(1, 0.01), "1 <0.1%");
    assert_eq!(cell(1_234, 16.7), "1,234 17%");
}
