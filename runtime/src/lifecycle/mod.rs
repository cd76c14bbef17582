//! The life of a process as a pure state machine: inputs and time in, phase and actions out.
//!
//! It owns no socket and no clock, so every rule about *when* can be read and tested here. The
//! driver ([`crate::drive`]) feeds it and carries its actions out.

mod machine;
mod probes;
#[cfg(test)]
mod tests;

use std::{
    iter::Sum,
    time::{Duration, Instant},
};

pub(crate) use machine::Machine;
pub(crate) use probes::{Probes, probes};
use serde::Serialize;

/// Where a process stands in its life. There is no way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Phase {
    /// Settings are read, the start hook runs; the public port is not bound.
    Starting,
    /// Serving.
    Ready,
    /// Told to go: serving whoever still comes, and telling every client to leave.
    LameDuck,
    /// No newcomers: what is in flight is finished.
    Draining,
    /// Nothing is left to do.
    Stopped,
}

impl Phase {
    /// The name that logs and reports show.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::LameDuck => "lame-duck",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
        }
    }
}

/// What told the process to go first: the cause of T0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Cause {
    /// The pod's preStop hook.
    Prestop,
    /// The signal of `kubectl delete` and of `docker stop`.
    Sigterm,
    /// What some images name as their STOPSIGNAL.
    Sigquit,
    /// Ctrl+C.
    Sigint,
    /// The terminal has gone.
    Sighup,
    /// The program itself, by its [`Handle`](crate::Handle).
    Program,
    /// Background work has failed.
    Failure,
}

/// The figures that the machine decides by; all durations count from T0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// The lame duck lasts at least this long. Then clients of HTTP/2 are told to leave.
    pub(crate) min: Duration,
    /// It ends when there was no sign of traffic for this long.
    pub(crate) quiet: Duration,
    /// It lasts at most this long.
    pub(crate) max: Duration,
    /// Until then an idle connection of HTTP/1.1 is kept whose client has not been told to leave.
    pub(crate) patience: Duration,
    /// What is left then is cut: the grace period less the reserve for reporting it.
    pub(crate) cut_after: Duration,
}

/// What is open and what is in flight, over all workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Load {
    /// Connections accepted and not yet gone.
    pub open: usize,
    /// Those that are not idle: a byte of a request read, a response under way or unacknowledged.
    pub in_flight: usize,
    /// Background work, and jobs that handlers have handed over.
    pub background: usize,
}

impl Sum for Load {
    fn sum<I: Iterator<Item = Self>>(loads: I) -> Self {
        loads.fold(Self::default(), |sum, load| Self {
            open: sum.open + load.open,
            in_flight: sum.in_flight + load.in_flight,
            background: sum.background + load.background,
        })
    }
}

/// Something that happened, as the machine hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The start hook is done and the public port is bound.
    Started,
    /// Somebody asked, or told, the process to go.
    Terminate(Cause),
    /// There was a sign, at this moment, that clients are still sent here: a new connection that
    /// speaks, or the first request since T0 on one that was there before.
    Traffic(Instant),
    /// The answer to [`Action::TellHttp2`]: whether there was anybody to tell.
    Http2Told(bool),
    /// The fence is up, the accept queue is empty and the listener closed.
    Fenced,
    /// The load reached a figure that may let the drain go on.
    Load(Load),
    /// Every shutdown hook has returned.
    HooksDone,
    /// The time that [`Machine::wake_at`] named has come.
    Tick,
}

/// Something to do now, in the order given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// T0: say goodbye with every response of HTTP/1.1.
    BeginLameDuck,
    /// `min` has passed: tell whoever is connected by HTTP/2 to leave. The lame duck goes on until
    /// [`Input::Http2Told`] says whether there was anybody.
    TellHttp2,
    /// The lame duck is over, but no signal has come: answer whoever waits at `/prestop`.
    AnswerPrestop,
    /// The lame duck is over: answer `/prestop`, tell the streams, and raise the fence.
    BeginDraining,
    /// Wait for idle connections no longer.
    EndIdle,
    /// Run the shutdown hooks.
    RunHooks,
    /// The deadline: end what is left, and count it.
    Cut,
    /// Leave in good order.
    Stop,
    /// Leave at once.
    Abort,
}
