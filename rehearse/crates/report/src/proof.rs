//! Of which kinds of client a loss would have been seen.

use super::{ArmReport, thousands};
use rehearse_arm::ArmName;
use rehearse_arm::load::Kind;
use rehearse_platform::Ledger;

/// As many pods are named.
const NAMED: usize = 5;

/// The kinds of which the control lost none, in a run with a control and a service: of those, the
/// run shows nothing.
pub(crate) fn unproven(arms: &[ArmReport]) -> Vec<Kind> {
    let (Some(control), true) = (control(arms), arms.iter().any(is_service)) else {
        return Vec::new();
    };
    let kinds = control.clients.iter();
    kinds
        .filter(|kind| kind.outcome.failures.total() == 0)
        .map(|kind| kind.kind)
        .collect()
}

/// What the control lost, kind by kind, if there is more than one.
pub fn by_kind(arms: &[ArmReport]) -> Option<String> {
    let control = control(arms)?;
    if control.clients.len() < 2 || !arms.iter().any(is_service) {
        return None;
    }
    let failed = control.clients.iter().filter_map(|kind| {
        let failed = kind.outcome.failures.total();
        (failed > 0).then(|| format!("{} {}", kind.kind.name(), thousands(failed)))
    });
    let failed: Vec<String> = failed.collect();
    let none: Vec<&str> = unproven(arms).into_iter().map(Kind::name).collect();
    Some(match (failed.is_empty(), none.is_empty()) {
        (true, _) => return None,
        (false, true) => format!("The control failed on each kind: {}.", failed.join(", ")),
        (false, false) => format!(
            "The control failed on {}; not on {}, of which this run shows nothing.",
            failed.join(", "),
            none.join(", ")
        ),
    })
}

/// The service's pods of which something is not known, by their names: of one or more arms.
pub fn unknown_of_pods<'a>(
    services: impl Iterator<Item = &'a ArmReport> + Clone,
) -> Option<String> {
    let ledgers = services.map(|service| &service.pods);
    let names = |of: fn(&Ledger) -> &Vec<String>| -> Vec<&str> {
        ledgers.clone().flat_map(of).map(String::as_str).collect()
    };
    let (unseen, unreported) = (names(|l| &l.unseen), names(|l| &l.unreported));
    let reports: u64 = ledgers.clone().map(|ledger| ledger.drain_reports).sum();
    let ends = (!unseen.is_empty()).then(|| {
        let pods = if unseen.len() == 1 { "pod" } else { "pods" };
        format!("Not seen was the end of {pods} {}.", listed(&unseen))
    });
    // Who writes none has none to lack.
    let missing = (reports > 0 && !unreported.is_empty()).then(|| {
        let (missing, listed) = (unreported.len(), listed(&unreported));
        let all = thousands(reports + missing as u64);
        format!("{missing} of its {all} pods left no drain report: {listed}.")
    });
    let words: Vec<String> = [ends, missing].into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let first = names[..names.len() - more].join(", ");
    match more {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A summary with what the control lost by kind, and with pods of which something is not known, if
/// anything can be said of that.
pub(crate) fn with_kinds(summary: String, arms: &[ArmReport]) -> String {
    let service = arms.iter().filter(|arm| is_service(arm));
    let more = [by_kind(arms), unknown_of_pods(service)];
    let words = std::iter::once(summary).chain(more.into_iter().flatten());
    words.collect::<Vec<_>>().join(" ")
}

fn control(arms: &[ArmReport]) -> Option<&ArmReport> {
    arms.iter().find(|arm| arm.arm == ArmName::Control)
}

fn is_service(arm: &ArmReport) -> bool {
    arm.arm == ArmName::Service
}

#[cfg(test)]
mod tests {
    use rehearse_platform::Happened;

    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use rehearse_arm::ArmOutcome;
    use rehearse_arm::load::KindOutcome;
    use rehearse_client::{FailureKind, Failures, Outcome};

    fn arm(arm: ArmName, failed: &[(Kind, u64)]) -> ArmReport {
        let kind = |&(kind, failed)| {
            let mut outcome = Outcome::default();
            outcome.requests = 100;
            outcome.failures = Failures::from_iter([(FailureKind::Timeout, failed)]);
            KindOutcome {
                kind,
                clients: 1,
                outcome,
                log: Arc::default(),
            }
        };
        let kinds = failed.iter().map(kind).collect();
        let outcome = ArmOutcome {
            arm,
            kinds,
            happened: Happened::default(),
            held: None,
            rtt: Duration::ZERO,
        };
        ArmReport::new(outcome, "1", tokio::time::Instant::now())
    }

    #[test]
    fn a_kind_of_which_the_control_lost_none_is_named() {
        let control = arm(ArmName::Control, &[(Kind::KeepAlive, 3), (Kind::Upload, 0)]);
        let service = arm(ArmName::Service, &[(Kind::KeepAlive, 0), (Kind::Upload, 0)]);
        let arms = [control, service];
        assert_eq!(unproven(&arms), [Kind::Upload]);
        let words = "The control failed on keep-alive 3; not on upload, of which this run shows \
                     nothing.";
        assert_eq!(by_kind(&arms).unwrap(), words);
    }

    #[test]
    fn pods_of_which_something_is_not_known_are_named() {
        let mut service = arm(ArmName::Service, &[]);
        let words = |service: &ArmReport| unknown_of_pods(std::iter::once(service));
        service.pods.unreported = ["a", "b"].map(str::to_owned).to_vec();
        assert_eq!(words(&service), None, "it writes no reports");
        service.pods.drain_reports = 3;
        let missing = "2 of its 5 pods left no drain report: a, b.";
        assert_eq!(words(&service).unwrap(), missing);
        service.pods.unseen = (0..7).map(|pod| pod.to_string()).collect();
        let unseen = "Not seen was the end of pods 0, 1, 2, 3, 4 and 2 more.";
        assert_eq!(words(&service).unwrap(), format!("{unseen} {missing}"));
        let arms = [service, arm(ArmName::Control, &[])];
        let summary = with_kinds("FAIL.".to_owned(), &arms);
        assert!(summary.contains(unseen), "{summary}");
    }

    #[test]
    fn a_control_that_fails_on_each_kind_leaves_nothing_unproven() {
        let failed = [(Kind::H2, 2_000), (Kind::Websocket, 7)];
        let arms = [arm(ArmName::Control, &failed), arm(ArmName::Service, &[])];
        assert!(unproven(&arms).is_empty());
        let words = "The control failed on each kind: h2 2,000, websocket 7.";
        assert_eq!(by_kind(&arms).unwrap(), words);
        assert!(by_kind(&arms[..1]).is_none(), "there is no service");
        assert!(by_kind(&arms[1..]).is_none(), "there is no control");
    }
}
