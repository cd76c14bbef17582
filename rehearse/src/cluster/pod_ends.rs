//! How the pods of an arm ended, as the watch saw it.

use std::collections::BTreeMap;

use super::pod::{Pod, Terminated};
use super::watch::{Gone, Roster};
use crate::model::ledger::{Fault, Ledger};

/// As many as are described; all are counted.
const DESCRIBED: usize = 10;

/// The characters of a termination message that are repeated.
const WORDS: usize = 200;

/// Counts the pods that have gone, and those still there that were restarted in place.
pub(super) fn ledger<'a>(
    gone: impl Iterator<Item = &'a Gone>,
    selector: &BTreeMap<String, String>,
    roster: &Roster,
) -> Ledger {
    let mut ledger = Ledger::default();
    for Gone { pod, end } in gone {
        ledger.deleted += 1;
        let exit = end.as_ref().map(|end| end.exit_code.to_string());
        let exit = exit.unwrap_or_else(|| "not seen".to_owned());
        *ledger.exits.entry(exit).or_default() += 1;
        let bad = end.as_ref().filter(|end| end.exit_code != 0);
        enter(&mut ledger, pod, bad.or(pod.crash()));
    }
    let here = roster.values().map(|seen| &*seen.pod);
    for pod in here.filter(|pod| pod.matches(selector)) {
        ledger.created += 1;
        enter(&mut ledger, pod, pod.crash());
    }
    ledger.created += ledger.deleted;
    ledger
}

fn enter(ledger: &mut Ledger, pod: &Pod, bad: Option<&Terminated>) {
    let Some(end) = bad else {
        return;
    };
    ledger.faults += 1;
    if ledger.fault_examples.len() < DESCRIBED {
        let message: String = end.message.trim().chars().take(WORDS).collect();
        ledger.fault_examples.push(Fault {
            what: format!("{}: exit {} ({})", pod.name(), end.exit_code, end.reason),
            stderr: Some(message)
                .filter(|m| !m.is_empty())
                .into_iter()
                .collect(),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn pod(status: serde_json::Value) -> Arc<Pod> {
        let metadata = json!({"name": "hello-1", "labels": {"app": "hello"}});
        let status = json!({"containerStatuses": [status]});
        let pod = json!({"metadata": metadata, "status": status});
        Arc::new(serde_json::from_value(pod).unwrap())
    }

    fn gone(exit_code: Option<i32>) -> Gone {
        let end = exit_code.map(|exit_code| Terminated {
            exit_code,
            reason: "Error".to_owned(),
            message: "killed\n".to_owned(),
            ..Terminated::default()
        });
        let pod = pod(json!({}));
        Gone { pod, end }
    }

    #[test]
    fn a_pod_that_was_cut_is_a_fault_and_one_whose_end_was_missed_is_said_to_be() {
        let gone = [gone(Some(0)), gone(Some(137)), gone(None), gone(Some(0))];
        let ledger = ledger(gone.iter(), &BTreeMap::new(), &Roster::new());
        assert_eq!((ledger.deleted, ledger.faults), (4, 1));
        let exits: Vec<(&str, u64)> = ledger.exits.iter().map(|(k, n)| (&**k, *n)).collect();
        assert_eq!(exits, [("0", 2), ("137", 1), ("not seen", 1)]);
        assert_eq!(ledger.fault_examples[0].what, "hello-1: exit 137 (Error)");
        assert_eq!(ledger.fault_examples[0].stderr, ["killed"]);
    }

    #[test]
    fn a_pod_restarted_in_place_is_a_fault_though_it_serves_again() {
        let last = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
        let gone = Gone {
            pod: pod(json!({"restartCount": 1, "lastState": last})),
            end: Some(Terminated::default()),
        };
        let ledger = ledger([gone].iter(), &BTreeMap::new(), &Roster::new());
        assert_eq!((ledger.deleted, ledger.faults), (1, 1));
    }
}
