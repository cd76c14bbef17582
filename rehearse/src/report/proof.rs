//! Of which kinds of client a loss would have been seen.

use super::{ArmReport, thousands};
use crate::load::Kind;
use crate::scenario::ArmName;

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
pub(crate) fn by_kind(arms: &[ArmReport]) -> Option<String> {
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

/// Pods of the service that left no drain report, where others did.
fn unreported(arms: &[ArmReport]) -> Option<String> {
    let service = arms.iter().find(|arm| is_service(arm))?;
    let (pods, reports) = (service.pods.created, service.pods.drain_reports);
    let missing = pods.saturating_sub(reports);
    (reports > 0 && missing > 0)
        .then(|| format!("{missing} of its {pods} pods left no drain report."))
}

/// A summary with what the control lost by kind, and with pods of which nothing was heard, if anything
/// can be said of that.
pub(crate) fn with_kinds(summary: String, arms: &[ArmReport]) -> String {
    let more = [by_kind(arms), unreported(arms)];
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
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::arm::ArmOutcome;
    use crate::load::KindOutcome;
    use rehearse_client::{FailureKind, Failures, Outcome};
    use rehearse_model::ledger::Ledger;

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
        let pods = Ledger::default();
        let outcome = ArmOutcome {
            arm,
            kinds,
            pods,
            endpoints: Vec::new(),
            rtt: Duration::ZERO,
        };
        ArmReport::new(outcome, "1")
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
