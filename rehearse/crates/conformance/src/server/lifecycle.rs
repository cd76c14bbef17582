//! What is done to a process, and when: signals, the lame duck's moments, its end.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::{ARRIVAL, InFlight, Server};
use crate::case::{Observing, Outcome, Stop, expect};
use crate::connection::Unexpected;
use rehearse_model::process::Group;

/// From the lame duck's end: the process is suspended so long before, and until so long after.
const AROUND_THE_CLOSE: Duration = Duration::from_millis(150);

/// Between two looks at whether new connections are refused.
const LOOK: Duration = Duration::from_millis(10);

/// Signals and time.
impl Server<'_> {
    /// Begins its termination.
    pub(crate) fn terminate(&mut self) {
        self.mark_termination();
        match self.subject.prestop_sleep.is_zero() {
            true => self.signal(self.subject.signal),
            false => {
                let termination = tokio::spawn(self.termination());
                self.termination = Some(AbortOnDropHandle::new(termination));
            }
        }
    }

    /// What the kubelet does to a pod that is deleted: a preStop hook that sleeps, then the signal.
    pub(crate) fn termination(&self) -> impl Future<Output = ()> + use<> {
        self.first_terminated_at.get_or_init(Instant::now);
        let (group, signal) = (self.group(), self.subject.signal);
        let prestop_sleep = self.subject.prestop_sleep;
        async move {
            sleep(prestop_sleep).await;
            group.signal(signal);
        }
    }

    /// Counts the time from now on: something else began the termination.
    pub(crate) fn mark_termination(&mut self) {
        self.terminated_at = Instant::now();
        self.first_terminated_at.get_or_init(|| self.terminated_at);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.group().signal(signal);
    }

    pub(crate) fn group(&self) -> Group {
        self.process.group()
    }

    /// Whether it has left SIGHUP ignored, as its parent may have had it (`nohup`).
    pub(crate) fn ignores_sighup(&self) -> bool {
        let status = format!("/proc/{}/status", self.group().pid());
        let status = std::fs::read_to_string(status).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (Signal::SIGHUP as u64 - 1) & 1 == 1)
    }

    /// So long after the signal.
    pub(crate) fn after(&self, time: Duration) -> Instant {
        self.terminated_at + time
    }

    /// At this part of the lame duck, from 0 to 1.
    pub(crate) fn in_lame_duck(&self, part: f64) -> Instant {
        self.after(self.subject.lame_duck.mul_f64(part))
    }

    /// When the lame duck is over for certain.
    pub(crate) fn after_lame_duck(&self) -> Instant {
        self.after(self.subject.lame_duck + Duration::from_millis(300))
    }

    pub(crate) fn since_termination(&self) -> Duration {
        self.terminated_at.elapsed()
    }

    /// Waits for the lame duck's end, until new connections are refused. Something must be in flight by
    /// [`Self::begin_request`].
    pub(crate) async fn until_draining(&mut self) -> Outcome {
        sleep_until(self.in_lame_duck(1.0)).await;
        let slow = self.subject.routes.slow.as_ref();
        let in_flight = slow.map_or(self.subject.deadline, |slow| slow.takes);
        self.until_refused(in_flight).await?;
        let alive = self.is_alive().await;
        expect(alive, || {
            "it had left, though a request was in flight".to_owned()
        })
    }

    /// Waits until new connections are refused, so long after the signal at most.
    pub(crate) async fn until_refused(&self, time: Duration) -> Outcome {
        loop {
            match self.connect_while_closing().await {
                Err(Unexpected::Refused) => return Ok(()),
                Err(other) => return Err(other).observing("a new connection after the lame duck"),
                Ok(_) if self.since_termination() > time => {
                    let seen =
                        format!("new connections were still accepted {time:.1?} after the signal");
                    return Err(Stop::failed(seen));
                }
                Ok(_) => sleep(LOOK).await,
            }
        }
    }

    /// Suspends the process, as a machine without time for it does: what arrives then waits in
    /// the kernel.
    pub(crate) async fn suspend(&self) {
        self.signal(Signal::SIGSTOP);
        let stat = format!("/proc/{}/stat", self.process.group().pid());
        let suspended = async {
            let runs = |stat: String| !stat.contains(") T ") && !stat.contains(") Z ");
            while std::fs::read_to_string(&stat).is_ok_and(runs) {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let _too_long = timeout(ARRIVAL, suspended).await;
    }

    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Tells it to go, and suspends it shortly before its lame duck ends.
    pub(crate) async fn terminate_and_suspend_before_close(&mut self) -> Outcome {
        self.terminate();
        let lame_duck = self.subject.lame_duck;
        sleep_until(self.after(lame_duck.saturating_sub(AROUND_THE_CLOSE))).await;
        self.suspend().await;
        self.not_later_than(lame_duck)
    }

    /// Lets it go on when its lame duck's time is over.
    pub(crate) async fn resume_after_close(&self) {
        sleep_until(self.after(self.subject.lame_duck + AROUND_THE_CLOSE / 2)).await;
        self.resume();
    }

    /// Nothing can be said if this machine was too slow to look in time.
    pub(crate) fn not_later_than(&self, time: Duration) -> Outcome {
        let now = self.since_termination();
        match now <= time {
            true => Ok(()),
            false => Err(Stop::Inconclusive(format!(
                "{now:.1?} after the signal, not {time:?}"
            ))),
        }
    }
}

/// The end.
impl Server<'_> {
    pub(crate) async fn is_alive(&mut self) -> bool {
        timeout(Duration::from_millis(5), self.process.wait())
            .await
            .is_err()
    }

    /// Its end, at the latest so long after the signal.
    pub(crate) async fn exits_within(&mut self, time: Duration) -> Result<ExitStatus, Stop> {
        let ended = timeout_at(self.terminated_at + time, self.process.wait()).await;
        let still = |_| Stop::failed(format!("it was still there {time:.1?} after the signal"));
        ended.map_err(still)?.observing("waiting for its end")
    }

    /// Its end by the deadline.
    pub(crate) async fn exits(&mut self) -> Result<ExitStatus, Stop> {
        // What it takes until its parent knows.
        let slack = Duration::from_millis(500);
        self.exits_within(self.subject.deadline + slack).await
    }

    /// What is in flight is finished, and nothing holds the process any longer.
    pub(crate) async fn finishes_and_exits(&mut self, mut in_flight: InFlight) -> Outcome {
        in_flight
            .finish()
            .await
            .observing("the request in flight")?;
        drop(in_flight);
        self.exits_cleanly().await
    }

    /// Its end by the deadline, with exit code 0.
    pub(crate) async fn exits_cleanly(&mut self) -> Outcome {
        let status = self.exits().await?;
        expect(status.success(), || format!("its end: {}", words(status)))
    }
}

/// How it ended.
pub(crate) fn words(status: ExitStatus) -> String {
    let signal = status.signal().map(Signal::try_from);
    match (status.code(), signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(Ok(signal))) => format!("ended by {signal}"),
        (None, _) => status.to_string(),
    }
}
