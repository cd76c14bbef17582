//! What the lifecycle tells the connections, and what they tell it: the one thing that the
//! driver's thread and the workers share. What is only counted is in its [`Ledger`].

mod ledger;
mod open_connection;
mod pulse;

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

pub(crate) use ledger::Ledger;
pub(crate) use open_connection::{Counters, OpenConnection};
pub(crate) use pulse::{Pulse, Workers};

use crate::{
    lifecycle::Cause,
    rules::{Rule, Rules},
    settings::Drain,
};

/// A connection that has been silent for so long when the fence goes up is not waited for, however
/// short `drain.patience` is: mostly it is of a pool that has forgotten it.
const LONG_SILENCE: Duration = Duration::from_secs(30);

/// What a connection may do, as far as the lifecycle is concerned. It only ever rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Serve, and keep alive.
    Serve,
    /// Serve, and say goodbye by HTTP/1.1.
    Goodbye,
    /// Say goodbye by HTTP/2, too.
    TellHttp2,
    /// The fence goes up: streams end themselves, and idle connections each at their time.
    Drain,
    /// The deadline: everything ends, and is counted.
    Cut,
}

impl Stage {
    const ALL: [Self; 5] = [
        Self::Serve,
        Self::Goodbye,
        Self::TellHttp2,
        Self::Drain,
        Self::Cut,
    ];
}

/// What the driver hears of.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A signal, or preStop.
    Terminate(Cause),
    /// A connection has spoken that was accepted after T0, at this moment.
    Newcomer(Instant),
    /// The first request since T0 on a connection of HTTP/1.1 that was there before.
    KeptRequest(Instant),
    /// The listener is closed.
    Fenced(Fenced),
    /// A worker has nothing in flight, or nothing open, any more.
    Progress,
    /// The shutdown hooks have run; those that failed, by name.
    HooksDone(Vec<String>),
    /// The traces have been sent, or why not.
    TracesFlushed(Result<(), String>),
}

/// How the fence went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fenced {
    /// Connections accepted after it was raised: without it they would have been reset.
    pub(crate) accepted: u64,
    /// Whether the kernel had one. `None` where there was nothing to fence.
    pub(crate) kernel: Option<bool>,
}

/// Whom a listener brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Newcomers {
    /// Those who were sent to this process: a sign of traffic, after T0.
    OurOwn,
    /// Those who were sent to all that accept from the same socket, now or later. That one has come
    /// here says nothing of the next.
    Anybodys,
}

/// When the fence goes up, and how long idle connections of HTTP/1.1 are waited for behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fence {
    pub(crate) at: Instant,
    /// Until then a connection is kept whose client has not been told to leave ...
    pub(crate) idle_until: Instant,
    /// ... unless it has been silent for so long at the fence.
    pub(crate) long_silence: Duration,
}

/// Shared by the driver and all workers.
#[derive(Debug)]
pub(crate) struct Control {
    stage: AtomicU8,
    changed: watch::Sender<Stage>,
    notices: mpsc::UnboundedSender<Notice>,
    drain: Drain,
    rules: Rules,
    t0: OnceLock<Instant>,
    http2_told_since: OnceLock<Instant>,
    draining_since: OnceLock<Instant>,
    idle_until: Mutex<Option<Instant>>,
    pub(crate) ledger: Ledger,
}

impl Control {
    pub(crate) fn new(
        drain: Drain,
        rules: Rules,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Arc<Self> {
        Arc::new(Self {
            stage: AtomicU8::new(Stage::Serve as u8),
            changed: watch::Sender::new(Stage::Serve),
            notices,
            drain,
            rules,
            t0: OnceLock::new(),
            http2_told_since: OnceLock::new(),
            draining_since: OnceLock::new(),
            idle_until: Mutex::default(),
            ledger: Ledger::default(),
        })
    }

    #[inline]
    pub(crate) fn stage(&self) -> Stage {
        Stage::ALL[usize::from(self.stage.load(SeqCst))]
    }

    /// Raises the stage, and wakes whoever watches it.
    pub(crate) fn raise(&self, stage: Stage, now: Instant) {
        if stage >= Stage::Goodbye {
            self.t0.get_or_init(|| now);
        }
        if stage >= Stage::TellHttp2 {
            self.http2_told_since.get_or_init(|| now);
        }
        if stage >= Stage::Drain {
            self.draining_since.get_or_init(|| now);
        }
        self.stage.fetch_max(stage as u8, SeqCst);
        self.changed.send_if_modified(|published| {
            let raised = stage > *published;
            *published = stage.max(*published);
            raised
        });
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Stage> {
        self.changed.subscribe()
    }

    pub(crate) fn notify(&self, notice: Notice) {
        // The driver drops its end only when the process leaves: then nobody needs to know.
        let _ = self.notices.send(notice);
    }

    /// Whether a rule does not hold.
    #[inline]
    pub(crate) fn lacks(&self, rule: Rule) -> bool {
        self.rules.lack(rule)
    }

    pub(crate) fn rules(&self) -> Rules {
        self.rules
    }

    /// The settings of the drain.
    pub(crate) fn drain(&self) -> &Drain {
        &self.drain
    }

    pub(crate) fn t0(&self) -> Option<Instant> {
        self.t0.get().copied()
    }

    /// Since when clients of HTTP/2 are told to leave.
    pub(crate) fn http2_told_since(&self) -> Option<Instant> {
        self.http2_told_since.get().copied()
    }

    pub(crate) fn draining_since(&self) -> Option<Instant> {
        self.draining_since.get().copied()
    }

    /// Has idle connections end at this moment, or at the one that was said before, if that is
    /// earlier; and wakes whoever watches the stage.
    pub(crate) fn end_idle_at(&self, at: Instant) {
        let mut idle_until = self
            .idle_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *idle_until = Some(idle_until.map_or(at, |before| before.min(at)));
        drop(idle_until);
        self.changed.send_modify(|_| {});
    }

    /// The fence, once the process drains.
    pub(crate) fn fence(&self) -> Option<Fence> {
        let at = self.draining_since()?;
        let idle_until = *self
            .idle_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(Fence {
            at,
            idle_until: idle_until.unwrap_or(at),
            long_silence: LONG_SILENCE.max(self.drain.patience),
        })
    }

    /// Notes a request that came after T0; an operator reads from the last one whether the lame
    /// duck is long enough.
    pub(crate) fn request_came(&self, now: Instant) {
        if let Some(t0) = self.t0.get() {
            self.ledger.request_came(now - *t0);
        }
    }
}
