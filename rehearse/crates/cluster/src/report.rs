//! What came of a run on a cluster: the scenarios, the drain reports, the verdict.

use serde::Serialize;

use super::foreign_prestop::Refusal;
use super::run_all::Results;
use super::run_scenario::Outcomes;
use super::scenario::Task;
use rehearse_arm::ArmName;
use rehearse_report::drains::{Drains, Propagation, Surroundings};
use rehearse_report::{
    ArmReport, Described, Fault, Judged, Limits, ScenarioReport, Tally, Verdict, faults, proof,
};

/// A whole run, as it appears in JSON.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// This program's version.
    pub(super) version: &'static str,
    /// Repeats the clients' schedules.
    pub(super) seed: u64,
    /// One a scenario, in the order in which they were run.
    pub(super) scenarios: Vec<Row>,
    /// Scenarios that were not run, with the reason.
    pub(super) left_out: Vec<String>,
    /// What the service's pods reported of their drains.
    pub(super) drains: Drains,
    /// How late nodes learnt that pods were gone, as those pods met it.
    pub(super) propagation: Option<Propagation>,
    /// When the last newcomer reached pods that had no other beside them.
    pub(super) lone_pods: Option<Propagation>,
    /// How a pod answered another that would have drained it.
    pub(super) foreign_prestop: Option<Refusal>,
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
}

impl Row {
    /// Puts together what came of a scenario.
    pub(super) fn new(task: &Task, outcomes: Outcomes, limits: &Limits, interrupted: bool) -> Self {
        let described = Described {
            service: task.deployment.clone(),
            conditions: task.to_string(),
            replicas: task.scenario.replicas_in_words(),
            surroundings: Surroundings {
                lone: task.scenario.is_lone(),
                pooled: task.through_proxy,
            },
            published: task.scenario.is_published(),
        };
        let Outcomes { mut arms, began } = outcomes;
        arms.sort_by_key(|arm| arm.arm);
        let report = ScenarioReport::new(described, arms, limits, began);
        Self {
            scenario: task.scenario.name,
            report: match interrupted {
                true => report.interrupted(),
                false => report,
            },
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
    pub(super) fn new(seed: u64, limits: &Limits, results: Results, interrupted: bool) -> Self {
        let Results {
            rows,
            left_out,
            foreign_prestop,
            ..
        } = results;
        let mut drains = Drains::default();
        for row in &rows {
            let service = row.arm(ArmName::Service);
            service
                .into_iter()
                .for_each(|arm| drains.enter_all(&arm.pods, row.report.surroundings));
        }
        let tallies = totals(&rows);
        let faults = all_faults(&rows, limits);
        let judged = Judged {
            arms: &tallies,
            faults: &faults,
            allowed: limits.failed,
        };
        let verdict = match interrupted {
            true => Verdict::Interrupted,
            false => judged.verdict(),
        };
        let summary = match interrupted {
            true => vec![judged.interrupted()],
            false => {
                let unknown = proof::unknown_of_pods(services(&rows));
                std::iter::once(judged.in_words()).chain(unknown).collect()
            }
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            seed,
            propagation: drains.propagation(),
            lone_pods: drains.alone(),
            foreign_prestop,
            summary: summary.join(" "),
            exit_code: verdict.exit_code(),
            verdict,
            scenarios: rows,
            left_out,
            drains,
        }
    }
}

fn services(rows: &[Row]) -> impl Iterator<Item = &ArmReport> + Clone {
    rows.iter().filter_map(|row| row.arm(ArmName::Service))
}

/// Each once; and whether it is luck that nothing was lost, for all scenarios together.
fn all_faults(rows: &[Row], limits: &Limits) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for fault in rows
        .iter()
        .flat_map(|row| faults::of(&row.report.arms, limits))
    {
        if !matches!(fault, Fault::Lucky { .. }) && !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    let service: Vec<&ArmReport> = services(rows).collect();
    faults.extend(faults::lucky(&service, limits));
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
