//! What the lifecycle tells the connections, and what they tell it: the one thing that the
//! driver's thread and the workers share.

mod pulse;
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

pub(crate) use pulse::{Pulse, Workers};
pub(crate) use slot::{Counters, Slot};

use crate::{
    lifecycle::{Cause, Load},
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
    Told(Cause),
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
}

/// How the fence went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fenced {
    /// Connections accepted after it was raised: without it they would have been reset.
    pub(crate) accepted: u64,
    /// Whether the kernel had one.
    pub(crate) kernel: bool,
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
    /// Microseconds from T0 to the last request, plus one; 0 is none.
    last_request: AtomicU64,
    streams_told: AtomicU64,
    responses_finished: AtomicU64,
    crossed: AtomicU64,
    unanswered: AtomicU64,
    vanished: AtomicU64,
    cut: Mutex<BTreeMap<String, u64>>,
    counters: OnceLock<Vec<Arc<Counters>>>,
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
            last_request: AtomicU64::new(0),
            streams_told: AtomicU64::new(0),
            responses_finished: AtomicU64::new(0),
            crossed: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            vanished: AtomicU64::new(0),
            cut: Mutex::default(),
            counters: OnceLock::new(),
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

    /// Asks the workers whether their event loops go round, and waits for their answers a while.
    pub(crate) async fn ask_workers(&self) -> Workers {
        let counters = self.counters.get().into_iter().flatten();
        Workers::ask(counters.map(|counters| &counters.pulse)).await
    }

    /// What is known from the last time they were asked.
    pub(crate) fn workers(&self) -> Workers {
        let counters = self.counters.get().into_iter().flatten();
        Workers::known(counters.map(|counters| &counters.pulse))
    }

    /// Requests whose clients left before the end of the response, over all workers.
    pub(crate) fn aborted(&self) -> u64 {
        let counters = self.counters.get().into_iter().flatten();
        counters
            .map(|counters| counters.aborted.load(SeqCst) as u64)
            .sum()
    }

    /// Requests being handled, over all workers.
    pub(crate) fn requests(&self) -> usize {
        let counters = self.counters.get().into_iter().flatten();
        counters
            .map(|counters| counters.requests.load(SeqCst))
            .sum()
    }

    /// Connections that speak HTTP/2, over all workers.
    pub(crate) fn http2(&self) -> usize {
        let counters = self.counters.get().into_iter().flatten();
        counters.map(|counters| counters.http2()).sum()
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

    /// Counts a request that came behind the FIN of a connection whose client was never told to
    /// leave: it is lost, and neither side could see it coming.
    pub(crate) fn count_crossed(&self) {
        self.crossed.fetch_add(1, SeqCst);
    }

    pub(crate) fn crossed(&self) -> u64 {
        self.crossed.load(SeqCst)
    }

    /// Counts a connection whose client went on sending after it was told that nothing more would
    /// be answered.
    pub(crate) fn count_unanswered(&self) {
        self.unanswered.fetch_add(1, SeqCst);
    }

    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered.load(SeqCst)
    }

    /// Counts a peer that has gone without a word, and was waited for no longer.
    pub(crate) fn count_vanished(&self) {
        self.vanished.fetch_add(1, SeqCst);
    }

    pub(crate) fn vanished(&self) -> u64 {
        self.vanished.load(SeqCst)
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
