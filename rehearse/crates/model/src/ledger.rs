//! How the pods of an arm ended.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use serde::Serialize;
use tokio::time::Instant;

use super::PodId;
pub use super::drain_report::DrainReport;
use super::history::PodEvent;
use crate::history::PodChange;

/// How many pods that did not end in good order are described; all are counted.
const DESCRIBED: usize = 10;

/// Why a pod ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It was deleted.
    Deleted,
    /// It was deleted, and outlived its grace period.
    GraceOver,
    /// By itself, after it had been ready.
    Unasked,
    /// It never became ready; why not.
    NeverReady(String),
    /// The rehearsal is over.
    TornDown,
}

/// The end of one pod.
#[derive(Clone, Debug)]
pub struct End {
    /// Which pod.
    pub pod: PodId,
    /// Its public address.
    pub address: SocketAddr,
    /// Why it ended.
    pub cause: Cause,
    /// How its process ended; `None` if it could not be started.
    pub status: Option<ExitStatus>,
    /// What went wrong with its preStop hook.
    pub hook_fault: Option<String>,
    /// The last lines of its standard error.
    pub stderr: Vec<String>,
    /// When.
    pub at: Instant,
    /// Its drain report, if it left one.
    pub report: Option<DrainReport>,
}

impl End {
    /// The end of a pod that had no process yet.
    pub(crate) fn not_started(pod: PodId, why: &dyn std::error::Error) -> Self {
        Self {
            pod,
            address: ([127, 0, 0, 1], 0).into(),
            cause: Cause::NeverReady(why.to_string()),
            status: None,
            hook_fault: None,
            stderr: Vec::new(),
            at: Instant::now(),
            report: None,
        }
    }

    /// How the process ended, in words: `0`, `3`, `SIGTERM`.
    pub fn exit(&self) -> String {
        let Some(status) = self.status else {
            return "not started".to_owned();
        };
        let signal = || {
            status
                .signal()
                .and_then(|s| nix::sys::signal::Signal::try_from(s).ok())
        };
        let words = status.code().map(|code| code.to_string());
        words
            .or_else(|| signal().map(|s| s.to_string()))
            .unwrap_or_else(|| status.to_string())
    }

    /// Whether the pod left in good order: deleted, its hook fine, exit code 0 (or, if that is
    /// allowed, by SIGTERM).
    fn in_order(&self, may_die_of_sigterm: bool) -> bool {
        let by_sigterm = || matches!(self.exit().as_str(), "SIGTERM" | "143");
        let left = self.status.is_some_and(|s| s.success()) || may_die_of_sigterm && by_sigterm();
        self.cause == Cause::Deleted && self.hook_fault.is_none() && left
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pod, address, .. } = self;
        let exit = self.exit();
        match &self.cause {
            Cause::NeverReady(why) => write!(f, "pod {pod} ({address}) did not start: {why}")?,
            Cause::Unasked => write!(f, "pod {pod} ({address}) ended unasked, exit {exit}")?,
            Cause::GraceOver => write!(f, "pod {pod} ({address}) was killed: grace period over")?,
            Cause::Deleted | Cause::TornDown => write!(f, "pod {pod} ({address}): exit {exit}")?,
        }
        self.hook_fault
            .iter()
            .try_for_each(|fault| write!(f, "; preStop {fault}"))
    }
}

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
    fn note_end(&mut self, end: &End) {
        let event = |what, detail| PodEvent {
            pod: end.pod,
            address: end.address,
            at: end.at,
            what,
            detail,
        };
        let what = match end.cause {
            Cause::TornDown => PodChange::TornDown,
            _ => PodChange::Exited,
        };
        self.history.push(event(what, Some(end.exit())));
        let Some(report) = &end.report else {
            self.unreported.push(end.pod.to_string());
            return;
        };
        self.drain_reports += 1;
        self.crossed += report.crossed;
        let text = Some(report.text.clone());
        self.history.push(event(PodChange::Reported, text));
    }

    /// Enters the end of a pod.
    pub(crate) fn enter(&mut self, end: End, may_die_of_sigterm: bool) {
        self.note_end(&end);
        if end.cause == Cause::TornDown {
            return;
        }
        *self.exits.entry(end.exit()).or_default() += 1;
        if !end.in_order(may_die_of_sigterm) {
            self.faults += 1;
            if self.fault_examples.len() < DESCRIBED {
                self.fault_examples.push(Fault {
                    what: end.to_string(),
                    stderr: end.stderr,
                });
            }
        }
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
