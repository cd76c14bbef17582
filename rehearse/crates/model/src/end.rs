//! How a pod of the model ended, and what of it is counted.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use tokio::time::Instant;

use rehearse_platform::{DrainReport, Fault, Ledger, PodChange, PodEvent, PodId};

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
    /// Its drain report, if it left one, and its text.
    pub report: Option<(DrainReport, String)>,
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

/// Enters what an end leaves in the history.
fn note(ledger: &mut Ledger, end: &End) {
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
    ledger.history.push(event(what, Some(end.exit())));
    let Some((report, text)) = &end.report else {
        ledger.unreported.push(end.pod.to_string());
        return;
    };
    ledger.drain_reports += 1;
    ledger.crossed += report.crossed;
    let text = Some(text.clone());
    ledger.history.push(event(PodChange::Reported, text));
}

/// Enters the end of a pod.
pub(crate) fn enter(ledger: &mut Ledger, end: End, may_die_of_sigterm: bool) {
    note(ledger, &end);
    if end.cause == Cause::TornDown {
        return;
    }
    *ledger.exits.entry(end.exit()).or_default() += 1;
    if !end.in_order(may_die_of_sigterm) {
        ledger.enter_fault(|| Fault {
            what: end.to_string(),
            stderr: end.stderr,
        });
    }
}

#[cfg(test)]
#[path = "end_tests.rs"]
mod tests;
