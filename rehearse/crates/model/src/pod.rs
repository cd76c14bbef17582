//! A pod's life as the kubelet leads it: start, probes, preStop, SIGTERM, SIGKILL.

use std::convert::Infallible;
use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::address::PodAddress;
use super::drain_report;
use super::end::{Cause, End};
use super::probe::{self, Readiness};
use super::process::{Group, Process};
use super::program::{PreStop, Program};
use rehearse_platform::{PodChange, PodEvent, PodId};

/// How long a process may take to leave when the rehearsal is over.
const TEARDOWN: Duration = Duration::from_millis(500);

/// Lines of standard error that describe an end.
const LINES: usize = 8;

/// The kubelet's clock for a pod.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// From the start to the first probe (`initialDelaySeconds`).
    pub first_probe: Duration,
    /// From the first probe to being ready, at most: a pod that takes longer will not be.
    pub start_limit: Duration,
    /// From deletion to SIGKILL (`terminationGracePeriodSeconds`).
    pub grace: Duration,
}

/// What a pod tells its controller.
pub(crate) enum Event {
    /// Its readiness changed.
    Readiness(PodId, bool),
    /// Something else happened to it.
    Happened(PodEvent),
    /// It is gone, and its process with it.
    Ended(Box<End>),
}

pub(crate) struct Pod {
    pub(crate) id: PodId,
    pub(crate) address: PodAddress,
    pub(crate) program: Arc<Program>,
    pub(crate) timing: Timing,
    /// Cancelled when the pod is deleted.
    pub(crate) deleted: CancellationToken,
    /// Cancelled when the rehearsal is over.
    pub(crate) teardown: CancellationToken,
    pub(crate) events: UnboundedSender<Event>,
}

impl Pod {
    /// Leads the pod's life to its end and reports that.
    pub(crate) async fn live(self) {
        let end = match Process::spawn(self.program.command(&self.address)) {
            Ok(process) => self.run(process).await,
            Err(error) => {
                let exe = self.program.exe.display();
                let why = format!("cannot run {exe}: {error}");
                self.end(Cause::NeverReady(why), None)
            }
        };
        // A controller that has stopped listening has no use for the news.
        let _unheard = self.events.send(Event::Ended(Box::new(end)));
    }

    async fn run(&self, mut process: Process) -> End {
        let group = process.group();
        let mut was_ready = false;
        let mut notes = Notes::default();
        let cause = tokio::select! {
            _exit = process.wait() => None,
            why = self.probe(&mut was_ready) => Some(Cause::NeverReady(why)),
            never = self.terminate(group, &mut notes) => match never {},
            () = self.teardown.cancelled() => Some(Cause::TornDown),
        };
        if cause.is_some() {
            process.end(TEARDOWN).await;
        }
        let status = process.wait().await;
        let ended = Instant::now();
        let exited = || self.cause_of_exit(&status, was_ready, notes.grace_over);
        let end = self.end(cause.unwrap_or_else(exited), status.ok());
        let stderr = process.last_lines(LINES).await;
        End {
            at: ended,
            hook_fault: notes.hook_fault,
            report: drain_report::last(&stderr),
            stderr,
            ..end
        }
    }

    fn cause_of_exit(
        &self,
        status: &io::Result<ExitStatus>,
        was_ready: bool,
        grace_over: bool,
    ) -> Cause {
        match status {
            _ if grace_over => Cause::GraceOver,
            _ if self.deleted.is_cancelled() => Cause::Deleted,
            _ if was_ready => Cause::Unasked,
            Ok(status) => Cause::NeverReady(format!("its process ended before, {status}")),
            Err(error) => Cause::NeverReady(error.to_string()),
        }
    }

    /// Probes for as long as the pod lives, terminating or not, and tells of changes. Returns only
    /// if the pod does not become ready in time: with the reason.
    async fn probe(&self, was_ready: &mut bool) -> String {
        let (target, path) = self.program.probe_target(&self.address);
        let first = Instant::now() + self.timing.first_probe;
        let mut ticks = tokio::time::interval_at(first, probe::PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut readiness = Readiness::default();
        loop {
            ticks.tick().await;
            let answer = probe::probe(target, path).await;
            if let Some(ready) = readiness.record(answer.is_ok()) {
                *was_ready |= ready;
                let _unheard = self.events.send(Event::Readiness(self.id, ready));
            }
            let late = !*was_ready && first.elapsed() > self.timing.start_limit;
            if let (Err(why), true, false) = (answer, late, self.deleted.is_cancelled()) {
                let limit = self.timing.start_limit;
                return format!("not ready after {limit:?}: probe of {target}: {why}");
            }
        }
    }

    /// From deletion on: hook, SIGTERM, and SIGKILL when the grace period, which began with the
    /// deletion, is over. Goes on until the process has ended.
    async fn terminate(&self, group: Group, notes: &mut Notes) -> Infallible {
        self.deleted.cancelled().await;
        let deadline = Instant::now() + self.timing.grace;
        match tokio::time::timeout_at(deadline, self.prestop()).await {
            Ok(outcome) => notes.hook_fault = outcome.err(),
            Err(_) => notes.hook_fault = Some("outlived the grace period".to_owned()),
        }
        self.note(PodChange::PrestopEnded, notes.hook_fault.clone());
        group.signal(Signal::SIGTERM);
        self.note(PodChange::Sigterm, None);
        tokio::time::sleep_until(deadline).await;
        notes.grace_over = true;
        group.signal(Signal::SIGKILL);
        self.note(PodChange::Sigkill, None);
        std::future::pending().await
    }

    fn note(&self, what: PodChange, detail: Option<String>) {
        let event = PodEvent {
            pod: self.id,
            address: self.address.http,
            at: Instant::now(),
            what,
            detail,
        };
        // A controller that has stopped listening has no use for the news.
        let _unheard = self.events.send(Event::Happened(event));
    }

    async fn prestop(&self) -> Result<(), String> {
        if let PreStop::Sleep(pause) = self.program.prestop {
            tokio::time::sleep(pause).await;
        }
        let Some(hook) = self.program.hook(&self.address) else {
            return Ok(());
        };
        let name = hook.as_std().get_program().to_owned();
        let cannot = |e: io::Error| format!("cannot run {}: {e}", name.display());
        let mut hook = Process::spawn(hook).map_err(cannot)?;
        let status = hook.wait().await.map_err(cannot)?;
        if status.success() {
            return Ok(());
        }
        let words = hook.last_lines(1).await.concat();
        Err(format!("failed, {status}: {words}"))
    }

    fn end(&self, cause: Cause, status: Option<ExitStatus>) -> End {
        let (pod, address) = (self.id, self.address.http);
        End {
            pod,
            address,
            cause,
            status,
            at: Instant::now(),
            hook_fault: None,
            stderr: Vec::new(),
            report: None,
        }
    }
}

#[derive(Default)]
struct Notes {
    hook_fault: Option<String>,
    grace_over: bool,
}
