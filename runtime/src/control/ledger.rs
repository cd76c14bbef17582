//! What has happened to requests and connections, for the drain report, the metrics and `/status`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use super::{Counters, Workers};
use crate::{background::Running, lifecycle::Load};

/// How often something has happened.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    /// Takes one back that turned out to be none.
    pub(crate) fn take_back(&self) {
        self.0.fetch_sub(1, SeqCst);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Microseconds from T0 to the last request, plus one; 0 is none.
    last_request: AtomicU64,
    /// Streams that were told to end themselves.
    pub(crate) streams_told: Count,
    /// Responses that were under way when the drain began, and that it has let end.
    pub(crate) responses_finished: Count,
    /// Requests that came behind the FIN of a connection whose client was never told to leave: each is
    /// lost, and neither side could see it coming.
    pub(crate) crossed: Count,
    /// Connections whose client went on sending after it was told that nothing more would be answered.
    pub(crate) unanswered: Count,
    /// Peers that have gone without a word, and were waited for no longer.
    pub(crate) vanished: Count,
    /// Background work, and jobs that handlers have handed over.
    pub(crate) background: Running,
    cut: Mutex<BTreeMap<String, u64>>,
    counters: OnceLock<Vec<Arc<Counters>>>,
}

impl Ledger {
    /// Makes the workers' counts part of [`Ledger::load`].
    pub(crate) fn count(&self, counters: Vec<Arc<Counters>>) {
        // Only once: the workers live as long as the process.
        let _ = self.counters.set(counters);
    }

    /// What is open and in flight, over all workers.
    pub(crate) fn load(&self) -> Load {
        let counters = self.counters.get().into_iter().flatten();
        let connections: Load = counters.map(|counters| counters.load()).sum();
        Load {
            background: self.background.count(),
            ..connections
        }
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
        counters.map(|counters| counters.aborted() as u64).sum()
    }

    /// Requests being handled, over all workers.
    pub(crate) fn requests(&self) -> usize {
        let counters = self.counters.get().into_iter().flatten();
        counters.map(|counters| counters.requests()).sum()
    }

    /// Connections that speak HTTP/2, over all workers.
    pub(crate) fn http2(&self) -> usize {
        let counters = self.counters.get().into_iter().flatten();
        counters.map(|counters| counters.http2()).sum()
    }

    /// Notes a request that came so long after T0.
    pub(super) fn request_came(&self, since_t0: Duration) {
        let micros = u64::try_from(since_t0.as_micros()).unwrap_or(u64::MAX - 1);
        self.last_request.fetch_max(micros + 1, SeqCst);
    }

    /// From T0 to the last request that came after it.
    pub(crate) fn last_request(&self) -> Option<Duration> {
        self.last_request
            .load(SeqCst)
            .checked_sub(1)
            .map(Duration::from_micros)
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
