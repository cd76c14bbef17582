//! What the tables do not say of an arm.

use super::format::COLUMNS;
use super::{ArmReport, Crossed, thousands};
use rehearse_arm::ArmName;
use rehearse_client::Outcome;
use rehearse_platform::Ledger;

/// Failures of the service, and ends of its pods, that are shown one by one.
const EXAMPLES: usize = 8;

/// The lines, without indentation of their own.
pub(super) fn notes(arm: &ArmReport) -> Vec<String> {
    let is_service = arm.arm == ArmName::Service;
    let crossing = arm.crossing.map(Crossed::in_words);
    let mut lines: Vec<String> = [kinds(&arm.total), crossing, unstarted(&arm.total)]
        .into_iter()
        .flatten()
        .map(|line| format!("{}: {line}", arm.arm))
        .collect();
    if is_service {
        lines.extend(examples(&arm.total));
    }
    if arm.pods.faults > 0 {
        let (faults, deleted) = (arm.pods.faults, arm.pods.deleted);
        lines.push(format!(
            "{}: {faults} of {deleted} pods did not leave in good order",
            arm.arm
        ));
        lines.extend(pods(&arm.pods, if is_service { EXAMPLES } else { 1 }));
    }
    lines
}

fn kinds(total: &Outcome) -> Option<String> {
    let counts = total.failures.counts().iter();
    let kinds: Vec<String> = counts
        .map(|(kind, n)| format!("{kind} {}", thousands(*n)))
        .collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

fn unstarted(total: &Outcome) -> Option<String> {
    // A few are always due in the very moment of the stop.
    let many = total.unstarted > total.requests / 100;
    let late = thousands(total.unstarted);
    many.then(|| format!("{late} more requests were due and could not be started"))
}

fn examples(total: &Outcome) -> impl Iterator<Item = String> {
    total
        .failures
        .examples()
        .iter()
        .take(EXAMPLES)
        .map(|example| {
            let at = example.at_ms as f64 / 1_000.0;
            let to = example
                .peer
                .map_or_else(String::new, |peer| format!(" {peer}:"));
            format!("  at {at:.3} s:{to} {}, {}", example.kind, example.detail)
        })
}

fn pods(pods: &Ledger, most: usize) -> impl Iterator<Item = String> {
    pods.fault_examples.iter().take(most).flat_map(|fault| {
        let words = fault.stderr.iter().map(|line| {
            let line: String = line.chars().take(COLUMNS - 8).collect();
            format!("    | {line}")
        });
        std::iter::once(format!("  {}", fault.what)).chain(words)
    })
}
