use std::sync::Arc;

use tokio::time::Instant;

use super::super::run_all::Results;
use super::super::run_scenario::Outcomes;
use super::super::scenario::Task;
use super::super::scenarios;
use super::*;
use rehearse_arm::ArmOutcome;
use rehearse_arm::load::Kind;
use rehearse_arm::load::KindOutcome;
use rehearse_client::Outcome;
use rehearse_platform::{Happened, PodChange, PodEvent};
use rehearse_report::{Limits, Verdict};

fn outcome(arm: ArmName, kinds: &[(Kind, u64)]) -> ArmOutcome {
    let kinds = kinds.iter().map(|&(kind, requests)| {
        let mut outcome = Outcome::default();
        (outcome.requests, outcome.complete) = (requests, requests);
        KindOutcome {
            kind,
            clients: 10,
            outcome,
            log: Arc::default(),
        }
    });
    ArmOutcome {
        arm,
        kinds: kinds.collect(),
        happened: Happened::default(),
        held: None,
        rtt: Duration::ZERO,
    }
}

fn row(name: &str, kinds: &[(Kind, u64)]) -> Row {
    let scenario = scenarios::named(name).unwrap();
    let task = Task {
        scenario,
        deployment: scenario.service.name().to_owned(),
        target: "/".to_owned(),
        through_proxy: false,
    };
    let arms = [ArmName::Service, ArmName::Control].map(|arm| outcome(arm, kinds));
    let outcomes = Outcomes {
        arms: arms.into(),
        began: Instant::now(),
    };
    Row::new(&task, outcomes, &Limits::default(), false)
}

fn of(rows: Vec<Row>) -> Report {
    let results = Results {
        rows,
        left_out: vec!["drain-node (no node)".to_owned()],
        ..Results::default()
    };
    Report::new(7, &Limits::default(), results, false)
}

fn report() -> Report {
    let rows = vec![
        row(
            "rollouts",
            &[(Kind::KeepAlive, 39_308), (Kind::OneShot, 14_442)],
        ),
        row("slow", &[(Kind::KeepAlive, 4_750)]),
    ];
    of(rows)
}

#[test]
fn one_table_has_a_row_a_scenario_and_the_published_figures_beside_their_own() {
    let text = report().text(Duration::from_secs(3));
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines.iter().all(|line| line.chars().count() <= COLUMNS),
        "{text}"
    );
    let line = |start: &str| {
        let mut found = lines.iter().filter(|line| line.contains(start));
        *found.next().unwrap_or_else(|| panic!("no {start}: {text}"))
    };
    let rollouts = line("hello: 10 replicas");
    assert_eq!(rollouts.matches("0/53,750").count(), 2, "{rollouts}");
    assert!(line("slow: 10 replicas").contains("0/4,750"));
    assert!(line("published").contains("0/197,357") && line("published").contains("57,477"));
    assert!(text.contains("Left out: drain-node (no node)."));
}

#[test]
fn a_scenario_of_many_kinds_has_a_table_of_its_own() {
    let all = [
        (Kind::KeepAlive, 1_000_001),
        (Kind::OneShot, 1_000_002),
        (Kind::Upload, 1_000_003),
        (Kind::Download, 1_000_004),
        (Kind::Events, 1_000_005),
        (Kind::Websocket, 1_000_006),
        (Kind::H2, 1_000_007),
    ];
    let rows = vec![
        row("rollouts", &[(Kind::KeepAlive, 39_308)]),
        row("mixed", &all),
    ];
    let report = of(rows);
    let text = report.text(Duration::from_secs(3));
    assert!(
        text.lines().all(|line| line.chars().count() <= COLUMNS),
        "{text}"
    );
    let title = "streaming: 4 replicas, 3 rolling updates, by kind of client:";
    let (before, behind) = text.split_once(title).expect(&text);
    assert!(before.contains("0/39,308") && !before.contains("websocket"));
    for (kind, requests) in all {
        let row = behind.lines().find(|line| line.contains(kind.name()));
        assert!(row.unwrap().contains(&thousands(requests)), "{text}");
    }
}

#[test]
fn a_run_whose_control_lost_nothing_proves_nothing_and_says_where() {
    let report = report();
    assert_eq!(
        (report.verdict, report.exit_code),
        (Verdict::NothingToLose, 2)
    );
    let text = report.text(Duration::from_secs(3));
    assert!(
        text.contains("the control lost nothing: rollouts, slow."),
        "{text}"
    );
}

#[test]
fn the_drains_are_summed_up_with_advice_and_one_report_whole() {
    let message = r#"{"phase":"stopped","last_connection_ms":700,"lame_duck_ms":1500,"max_reached":true,"streams_told":1200,"responses_finished":3,"exit":0}"#;
    let mut row = row("rollouts", &[(Kind::KeepAlive, 39_308)]);
    let mut service = row
        .report
        .arms
        .iter_mut()
        .filter(|arm| arm.arm == ArmName::Service);
    let history = &mut service.next().unwrap().pods.history;
    let mut happened = |pod, what, detail: Option<&str>| {
        history.push(PodEvent {
            pod,
            address: ([10, 0, 0, 1], 8080).into(),
            at: Instant::now(),
            what,
            detail: detail.map(str::to_owned),
        });
    };
    for (pod, name) in [(1, "hello-1"), (2, "hello-2"), (3, "hello-3")] {
        happened(pod, PodChange::Created, Some(name));
    }
    for pod in [1, 2] {
        happened(pod, PodChange::Deleted, None);
        happened(pod, PodChange::Exited, Some("0"));
    }
    happened(1, PodChange::Reported, Some(message));
    let text = of(vec![row]).text(Duration::from_secs(5));
    for words in [
        "Drain reports: of 1 of 2 replaced pods; 1,200 streams told to end, 3 other responses",
        "(1 pod): median 0.70 s",
        "drain.min = 5s fits this cluster.",
        "To 1 pod new connections still came when",
        "The drain report of hello-1",
        message,
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn json_has_every_scenario_by_its_name() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["scenarios"][1]["scenario"], "slow");
    assert_eq!(json["scenarios"][1]["arms"][0]["requests"], 4_750);
    assert_eq!(json["verdict"], "nothing-to-lose");
}

#[test]
fn a_pod_whose_end_was_not_seen_fails_the_run_and_is_named_in_the_verdict() {
    let mut row = row("rollouts", &[(Kind::KeepAlive, 39_308)]);
    let service = row.report.arms.iter_mut();
    let mut service = service.filter(|arm| arm.arm == ArmName::Service);
    let pods = &mut service.next().unwrap().pods;
    (pods.faults, pods.unseen) = (1, vec!["hello-1".to_owned()]);
    let report = of(vec![row]);
    assert_eq!((report.verdict, report.exit_code), (Verdict::PodFault, 1));
    assert!(
        report.summary.contains("the end of pod hello-1"),
        "{}",
        report.summary
    );
}
