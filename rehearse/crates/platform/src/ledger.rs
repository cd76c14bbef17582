//! How the pods of an arm ended.

use std::collections::BTreeMap;

use serde::Serialize;

use super::PodEvent;

/// How many pods that did not end in good order are described; all are counted.
const DESCRIBED: usize = 10;

/// The pods of one arm, counted by how they ended.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Ledger {
    /// Pods created.
    pub created: u64,
    /// Pods deleted.
    pub deleted: u64,
    /// Deleted pods by exit: a code, or a signal's name.
    pub exits: BTreeMap<String, u64>,
    /// Pods that left a drain report, at the end of the run as well.
    pub drain_reports: u64,
    /// Requests that crossed the end of their connection, by those reports.
    pub crossed: u64,
    /// How many did not leave in good order.
    pub faults: u64,
    /// The first of those, described.
    pub fault_examples: Vec<Fault>,
    /// Those whose end was not seen.
    #[serde(skip)]
    pub unseen: Vec<String>,
    /// Those whose end was seen, and that left no drain report.
    #[serde(skip)]
    pub unreported: Vec<String>,
    /// All that happened to them, in the order in which the controller heard of it.
    #[serde(skip)]
    pub history: Vec<PodEvent>,
}

/// A pod that did not leave in good order.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// What happened.
    pub what: String,
    /// The last lines of its standard error.
    pub stderr: Vec<String>,
}

impl Ledger {
    /// Counts a pod that did not leave in good order, and describes it if it is among the first.
    pub fn enter_fault(&mut self, describe: impl FnOnce() -> Fault) {
        self.faults += 1;
        if self.fault_examples.len() < DESCRIBED {
            self.fault_examples.push(describe());
        }
    }
}
