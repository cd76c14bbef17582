//! What the lifecycle tells the connections, and what they tell it: the one thing that the
//! driver's thread and the workers share.

mod slot;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};

pub(crate) use slot::{Counters, Slot};

use crate::lifecycle::{Cause, Load};

/// What a connection may do, as far as the lifecycle is concerned. It only ever rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Serve, and keep alive.
    Serve,
    /// Serve, and say goodbye.
    Goodbye,
    /// The fence goes up: streams end themselves.
    Drain,
    /// Nothing else is in flight: idle connections end.
    CloseIdle,
    /// The deadline: everything ends, and is counted.
    Cut,
}

impl Stage {
    const ALL: [Self; 5] = [
        Self::Serve,
        Self::Goodbye,
        Self::Drain,
        Self::CloseIdle,
        Self::Cut,
    ];
}

/// What the driver hears of.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A signal, or preStop.
    Told(Cause),
    /// A connection was accepted after T0.
    Newcomer,
    /// The listener is closed.
    Fenced(Fenced),
    /// A worker has nothing in flight, or nothing open, any more.
    Progress,
    /// The shutdown hooks have run; those that failed, by name.
    HooksDone(Vec<String>),
}

/// How the fence went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fenced {
    /// Connections accepted after it was raised: without it they would have been reset.
    pub(crate) accepted: u64,
    /// Whether the kernel had one.
    pub(crate) kernel: bool,
}

/// Shared by the driver and all workers.
#[derive(Debug)]
pub(crate) struct Control {
    stage: AtomicU8,
    changed: watch::Sender<Stage>,
    notices: mpsc::UnboundedSender<Notice>,
    jitter: Duration,
    t0: OnceLock<Instant>,
    draining_since: OnceLock<Instant>,
    /// Microseconds from T0 to the last request, plus one; 0 is none.
    last_request: AtomicU64,
    streams_told: AtomicU64,
    responses_finished: AtomicU64,
    cut: Mutex<BTreeMap<String, u64>>,
    counters: OnceLock<Vec<Arc<Counters>>>,
}

impl Control {
    pub(crate) fn new(jitter: Duration, notices: mpsc::UnboundedSender<Notice>) -> Arc<Self> {
        Arc::new(Self {
            stage: AtomicU8::new(Stage::Serve as u8),
            changed: watch::Sender::new(Stage::Serve),
            notices,
            jitter,
            t0: OnceLock::new(),
            draining_since: OnceLock::new(),
            last_request: AtomicU64::new(0),
            streams_told: AtomicU64::new(0),
            responses_finished: AtomicU64::new(0),
            cut: Mutex::default(),
            counters: OnceLock::new(),
        })
    }

    pub(crate) fn stage(&self) -> Stage {
        Stage::ALL[usize::from(self.stage.load(SeqCst))]
    }

    /// Raises the stage, and wakes whoever watches it.
    pub(crate) fn raise(&self, stage: Stage, now: Instant) {
        if stage >= Stage::Goodbye {
            self.t0.get_or_init(|| now);
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

    /// Makes the workers' counts part of [`Control::load`].
    pub(crate) fn count(&self, counters: Vec<Arc<Counters>>) {
        // Only once: the workers live as long as the process.
        let _ = self.counters.set(counters);
    }

    /// What is open and in flight, over all workers.
    pub(crate) fn load(&self) -> Load {
        self.counters
            .get()
            .into_iter()
            .flatten()
            .map(|counters| counters.load())
            .sum()
    }

    /// Requests being handled, over all workers.
    pub(crate) fn requests(&self) -> usize {
        let counters = self.counters.get().into_iter().flatten();
        counters
            .map(|counters| counters.requests.load(SeqCst))
            .sum()
    }

    pub(crate) fn jitter(&self) -> Duration {
        self.jitter
    }

    pub(crate) fn draining_since(&self) -> Option<Instant> {
        self.draining_since.get().copied()
    }

    /// Notes a request that came after T0; an operator reads from the last one whether the lame
    /// duck is long enough.
    pub(crate) fn request_came(&self, now: Instant) {
        if let Some(t0) = self.t0.get() {
            let micros = u64::try_from((now - *t0).as_micros()).unwrap_or(u64::MAX - 1);
            self.last_request.fetch_max(micros + 1, SeqCst);
        }
    }

    /// From T0 to the last request that came after it.
    pub(crate) fn last_request(&self) -> Option<Duration> {
        self.last_request
            .load(SeqCst)
            .checked_sub(1)
            .map(Duration::from_micros)
    }

    pub(crate) fn stream_told(&self) {
        self.streams_told.fetch_add(1, SeqCst);
    }

    pub(crate) fn streams_told(&self) -> u64 {
        self.streams_told.load(SeqCst)
    }

    /// Counts a response that was under way when the drain began, and that it has let end.
    pub(crate) fn count_finished(&self) {
        self.responses_finished.fetch_add(1, SeqCst);
    }

    /// Takes one back whose end the client has not acknowledged at the deadline: it is cut.
    pub(crate) fn uncount_finished(&self) {
        self.responses_finished.fetch_sub(1, SeqCst);
    }

    pub(crate) fn responses_finished(&self) -> u64 {
        self.responses_finished.load(SeqCst)
    }

    /// Counts something that the deadline ended, under the name of its route.
    pub(crate) fn count_cut(&self, route: &str, count: u64) {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        *cut.entry(route.to_owned()).or_default() += count;
    }

    pub(crate) fn cut(&self) -> BTreeMap<String, u64> {
        self.cut
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
