//! What came of a run on a cluster: the scenarios, what the pods said of their drains, the verdict.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::drain_reports::{Drains, Propagation};
use super::foreign_prestop::Refusal;
use super::scenario::Scenario;
use crate::arm::ArmOutcome;
use crate::report::{
    ArmReport, Fault, Judged, Limits, PUBLISHED, ScenarioReport, Tally, Verdict, faults, proof,
};
use crate::scenario::ArmName;

/// A whole run, as it appears in JSON.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// This program's version.
    pub(super) version: &'static str,
    /// Repeats the clients' schedules.
    pub(super) seed: u64,
    /// One a scenario, in the order in which they were played.
    pub(super) scenarios: Vec<Row>,
    /// Scenarios that this cluster had no room for, with the reason.
    pub(super) left_out: Vec<String>,
    /// What the service's pods said of their drains.
    pub(super) drains: Drains,
    /// How late nodes learnt that pods were gone, as those pods met it.
    pub(super) propagation: Option<Propagation>,
    /// When the last newcomer reached pods that had no other beside them.
    pub(super) lone_pods: Option<Propagation>,
    /// How a pod answered another that would have drained it.
    pub(super) stranger: Option<Refusal>,
    /// How often the watch on the pods was interrupted.
    pub(super) watch_gaps: u64,
    /// Of the run as a whole.
    pub(super) verdict: Verdict,
    /// The same in words.
    pub(super) summary: String,
    /// What this process exits with.
    pub(super) exit_code: u8,
}

/// A scenario's figures.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// Its name on the command line.
    pub(super) scenario: &'static str,
    /// Its figures.
    #[serde(flatten)]
    pub(super) report: ScenarioReport,
    /// What fails the service in it beside what it lost.
    #[serde(skip)]
    faults: Vec<Fault>,
}

impl Row {
    /// Puts together what came of a scenario.
    pub(super) fn new(scenario: &Scenario, outcomes: Vec<ArmOutcome>, took: Duration) -> Self {
        let replicas = scenario.replicas_in_words();
        let arms = outcomes.into_iter();
        let mut arms: Vec<ArmReport> = arms.map(|o| ArmReport::new(o, &replicas)).collect();
        arms.sort_by_key(|arm| arm.arm);
        let tallies: Vec<Tally> = arms.iter().map(ArmReport::tally).collect();
        let faults = faults::of(&arms, &Limits::default());
        let judged = Judged {
            arms: &tallies,
            faults: &faults,
            allowed: 0,
        };
        Self {
            scenario: scenario.name,
            report: ScenarioReport {
                began: Instant::now() - took,
                service: scenario.service.name().to_owned(),
                conditions: scenario.to_string(),
                seconds: took.as_secs_f64(),
                published: scenario.is_published().then_some(PUBLISHED),
                summary: proof::with_kinds(judged.in_words(), &arms),
                unproven: proof::unproven(&arms),
                faults: faults.iter().map(Fault::in_words).collect(),
                verdict: judged.verdict(),
                arms,
            },
            faults,
        }
    }

    /// An arm's part in it.
    pub(super) fn arm(&self, name: ArmName) -> Option<&ArmReport> {
        self.report.arms.iter().find(|arm| arm.arm == name)
    }
}

impl Report {
    /// Sums a run up. It is one run: the control must have lost something in it, not in each of
    /// its scenarios; those in which it did not are named.
    pub(super) fn new(
        seed: u64,
        rows: Vec<Row>,
        left_out: Vec<String>,
        drains: Drains,
        stranger: Option<Refusal>,
        gaps: u64,
    ) -> Self {
        let tallies = totals(&rows);
        let faults = all_faults(&rows);
        let judged = Judged {
            arms: &tallies,
            faults: &faults,
            allowed: 0,
        };
        let verdict = judged.verdict();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            seed,
            propagation: drains.propagation(),
            lone_pods: drains.alone(),
            stranger,
            watch_gaps: gaps,
            summary: judged.in_words(),
            exit_code: verdict.exit_code(),
            verdict,
            scenarios: rows,
            left_out,
            drains,
        }
    }
}

/// Each once; and whether it is luck that nothing was lost, for all scenarios together.
fn all_faults(rows: &[Row]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for fault in rows.iter().flat_map(|row| &row.faults) {
        if !matches!(fault, Fault::Lucky { .. }) && !faults.contains(fault) {
            faults.push(fault.clone());
        }
    }
    let arms = rows.iter().filter_map(|row| row.arm(ArmName::Service));
    let service: Vec<&ArmReport> = arms.collect();
    faults.extend(faults::lucky(&service, &Limits::default()));
    faults
}

fn totals(rows: &[Row]) -> Vec<Tally> {
    let mut totals: Vec<Tally> = Vec::new();
    for tally in rows
        .iter()
        .flat_map(|row| row.report.arms.iter().map(ArmReport::tally))
    {
        match totals.iter_mut().find(|total| total.arm == tally.arm) {
            Some(total) => {
                total.requests += tally.requests;
                total.failed += tally.failed;
                total.replaced += tally.replaced;
            }
            None => totals.push(tally),
        }
    }
    totals
}
