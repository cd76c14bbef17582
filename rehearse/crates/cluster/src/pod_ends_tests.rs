use serde_json::{Value, json};

use super::*;
use rehearse_kubernetes::Pod;

fn seen(name: &str, status: Value) -> Seen {
    let mut status = status;
    status["name"] = json!("hello");
    let metadata = json!({"name": name, "labels": {"app": "hello"}});
    let status = json!({"containerStatuses": [status], "podIP": "10.244.1.7"});
    let pod: Pod = serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap();
    Seen::new(pod, Instant::now())
}

fn ended(name: &str, code: i32, message: &str) -> Seen {
    let end = json!({"exitCode": code, "reason": "Error", "message": message});
    seen(name, json!({"state": {"terminated": end}}))
}

fn ledger(gone: Vec<Seen>, present: Vec<Seen>, may_die_of_sigterm: bool) -> Ledger {
    let gone = gone.into_iter().map(|seen| (seen, Some(Instant::now())));
    let all = gone.chain(present.into_iter().map(|seen| (seen, None)));
    let pods = (1..).zip(all).map(|(id, (seen, gone))| (id, seen, gone));
    let pods = ArmPods {
        pods: pods.collect(),
        container: "hello".to_owned(),
        port: 8080,
        may_die_of_sigterm,
    };
    pods.ledger()
}

const REPORT: &str = "{\"phase\": \"stopped\", \"crossed\": 2}\n";

#[test]
fn a_pod_that_was_cut_is_a_fault_and_so_is_one_whose_end_was_not_seen() {
    let unseen = seen("c", json!({"state": {"running": {}}}));
    let gone = vec![ended("a", 0, REPORT), ended("b", 137, "killed\n"), unseen];
    let ledger = ledger(gone, vec![seen("d", json!({}))], false);
    assert_eq!((ledger.created, ledger.deleted, ledger.faults), (4, 3, 2));
    let exits: Vec<(&str, u64)> = ledger.exits.iter().map(|(k, n)| (&**k, *n)).collect();
    assert_eq!(exits, [("0", 1), ("137", 1), ("not seen", 1)]);
    let what: Vec<&str> = ledger.fault_examples.iter().map(|f| &*f.what).collect();
    assert_eq!(what, ["b: exit 137 (Error)", "c: its end was not seen"]);
    assert_eq!(ledger.fault_examples[0].stderr, ["killed"]);
    assert_eq!((ledger.drain_reports, ledger.crossed), (1, 2));
    assert_eq!(
        (&ledger.unseen[..], &ledger.unreported[..]),
        (&["c".to_owned()][..], &["b".to_owned()][..])
    );
}

#[test]
fn a_pod_restarted_in_place_is_a_fault_though_it_serves_again() {
    let last = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
    let present = seen("a", json!({"restartCount": 1, "lastState": last}));
    let ledger = ledger(Vec::new(), vec![present], false);
    assert_eq!((ledger.deleted, ledger.faults), (0, 1));
}

#[test]
fn only_a_program_without_a_drain_may_die_of_sigterm() {
    let faults = |may| ledger(vec![ended("a", SIGTERM, "")], Vec::new(), may).faults;
    assert_eq!((faults(true), faults(false)), (0, 1));
}

#[test]
fn a_pods_history_has_its_name_its_end_and_its_report() {
    let history = ledger(vec![ended("a", 0, REPORT)], Vec::new(), false).history;
    let history: Vec<(PodId, PodChange, Option<&str>)> = history
        .iter()
        .map(|event| (event.pod, event.what, event.detail.as_deref()))
        .collect();
    let expected = [
        (1, PodChange::Created, Some("a")),
        (1, PodChange::Exited, Some("0")),
        (1, PodChange::Reported, Some(REPORT.trim())),
    ];
    assert_eq!(history, expected);
    let gone = seen("b", json!({"state": {"running": {}}}));
    let history = ledger(vec![gone], Vec::new(), false).history;
    assert_eq!(history.last().unwrap().detail.as_deref(), Some("not seen"));
}
