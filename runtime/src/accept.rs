//! A worker's end of the public listener: each accepts what it serves, from the one socket that all
//! share.

use std::{
    io,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use socket2::Socket;
use tokio::{
    io::unix::AsyncFdReadyGuard,
    sync::{Notify, watch},
};

use crate::{
    acceptor::WorkerHandle,
    conn::{Accepted, App, PeerAddress, Worker},
    control::{Control, Newcomers, OpenConnection},
    kernel,
    listener::is_of_one_connection,
};

/// The pause after an `accept` that failed for want of descriptors or memory.
pub(crate) const RETRY: Duration = Duration::from_millis(20);

/// A worker that has so many connections more than another stands back for a moment when somebody
/// comes: whichever worker newcomers wake first would else have all of them, and for as long as they
/// stay. Then it takes them nevertheless, since a handler may block the other.
const AHEAD: usize = 1;
const STAND_BACK: Duration = Duration::from_millis(1);

/// Places for so many connections, over all workers.
#[derive(Debug)]
pub(crate) struct Places {
    limit: usize,
    taken: AtomicUsize,
    /// Workers that are just accepting somebody, or looking whether there is anybody.
    attempts: AtomicUsize,
    /// The last attempt failed, and that is in the log: once for as long as it lasts, because fifty
    /// lines a second would hide all others.
    held_up: AtomicBool,
}

/// A worker is just accepting somebody, who is not counted as a connection yet.
#[derive(Debug)]
struct Attempt<'a>(&'a Places);

/// A connection's place among as many as there may be.
#[derive(Debug)]
pub(crate) struct Place(Arc<Places>);

impl Places {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: AtomicUsize::new(0),
            attempts: AtomicUsize::new(0),
            held_up: AtomicBool::new(false),
        })
    }

    pub(crate) fn is_full(&self) -> bool {
        self.taken.load(SeqCst) >= self.limit
    }

    /// Counted first and the fence looked at second, while the fence is announced first and this is
    /// looked at second: so, once it is 0, whoever was accepted by a worker is counted, and none of
    /// them accepts any more.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(SeqCst)
    }

    fn attempt(&self) -> Attempt<'_> {
        self.attempts.fetch_add(1, SeqCst);
        Attempt(self)
    }

    /// A place, if there is one.
    fn take(self: &Arc<Self>) -> Option<Place> {
        let place = self.squeeze_in();
        (self.taken.load(SeqCst) <= self.limit).then_some(place)
    }

    /// A place, if there is one or not.
    pub(crate) fn squeeze_in(self: &Arc<Self>) -> Place {
        self.taken.fetch_add(1, SeqCst);
        Place(Arc::clone(self))
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.0.attempts.fetch_sub(1, SeqCst);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, SeqCst);
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) listener: Arc<Socket>,
    pub(crate) newcomers: Newcomers,
    pub(crate) places: Arc<Places>,
    /// Told when there is none.
    pub(crate) full: Arc<Notify>,
    /// Whether the fence goes up. Each change is a reason to look for room again.
    pub(crate) fence: watch::Receiver<bool>,
    /// This one among them.
    pub(crate) workers: Arc<[WorkerHandle]>,
    pub(crate) number: usize,
}

/// What comes of looking into the accept queue.
enum Outcome {
    Connection(Accepted),
    /// The queue is empty.
    Nobody,
    /// Somebody who has gone already.
    Gone,
    Failed(io::Error),
    /// There is no room for another connection.
    Full,
    Fence,
}

impl Port {
    /// Has a worker accept until the fence.
    pub(crate) async fn accept<A: App>(self, worker: Rc<Worker<A>>) {
        let listener = match kernel::watch(Arc::clone(&self.listener)) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "a worker cannot accept connections"),
        };
        let mut fence = self.fence.clone();
        let mut stood_back = false;
        loop {
            // A crowd must not keep the worker from those that it serves already.
            tokio::task::consume_budget().await;
            fence.mark_unchanged();
            let ready = tokio::select! {
                biased;
                // Without its sender nobody accepts any more.
                changed = fence.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                ready = listener.readable() => ready,
            };
            let Ok(mut ready) = ready else { return };
            if !stood_back && self.is_ahead() {
                stood_back = true;
                tokio::time::sleep(STAND_BACK).await;
                continue;
            }
            match self.try_accept(worker.control(), &mut ready) {
                Outcome::Connection(accepted) => {
                    self.places.held_up.store(false, SeqCst);
                    worker.spawn(accepted);
                }
                Outcome::Nobody => stood_back = false,
                Outcome::Gone => {}
                Outcome::Failed(error) => {
                    if !self.places.held_up.swap(true, SeqCst) {
                        tracing::warn!(%error, "a connection could not be accepted; trying again");
                    }
                    tokio::time::sleep(RETRY).await;
                }
                Outcome::Fence => return,
                Outcome::Full => {
                    self.full.notify_one();
                    if fence.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// A place is taken first, since what was accepted cannot be given back.
    fn try_accept(
        &self,
        control: &Arc<Control>,
        ready: &mut AsyncFdReadyGuard<'_, Arc<Socket>>,
    ) -> Outcome {
        // Until the connection is counted.
        let _attempt = self.places.attempt();
        if *self.fence.borrow() {
            return Outcome::Fence;
        }
        let Some(place) = self.places.take() else {
            return Outcome::Full;
        };
        match ready.try_io(|listener| listener.get_ref().accept()) {
            Ok(Ok((socket, address))) => {
                let peer = PeerAddress::accepted(&address);
                let counters = Arc::clone(&self.workers[self.number].counters);
                let open = OpenConnection::new(Arc::clone(control), counters, Some(place));
                let open = open.of(self.newcomers);
                Outcome::Connection(Accepted { socket, peer, open })
            }
            Ok(Err(error)) if is_of_one_connection(&error) => Outcome::Gone,
            Ok(Err(error)) => Outcome::Failed(error),
            Err(_would_block) => Outcome::Nobody,
        }
    }

    /// Whether another worker should have the next connection.
    fn is_ahead(&self) -> bool {
        let open = |worker: &WorkerHandle| worker.counters.load().open;
        let fewest = self.workers.iter().map(open).min();
        fewest.is_some_and(|fewest| fewest + AHEAD < open(&self.workers[self.number]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_places_and_one_that_is_left_is_free_again() {
        let places = Places::new(2);
        let first = places.take().unwrap();
        let _second = places.take().unwrap();
        assert!(places.is_full() && places.take().is_none());
        drop(first);
        assert!(!places.is_full());
        assert!(places.take().is_some());
    }

    #[test]
    fn at_the_fence_there_is_a_place_for_whoever_has_come() {
        let places = Places::new(1);
        let _one = places.take().unwrap();
        let more = (places.squeeze_in(), places.squeeze_in());
        assert!(places.take().is_none());
        drop(more);
        assert!(places.is_full());
    }
}
