//! A worker's end of the public listener: each accepts what it serves, from the one socket that all
//! share.

use std::{
    future::poll_fn,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Poll, ready},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
};

use crate::{
    acceptor::WorkerHandle,
    conn::{Accepted, App, ToWorker, Worker},
    control::OpenConnection,
    listener::is_of_one_connection,
};

/// The pause after an `accept` that failed for want of descriptors or memory.
pub(crate) const RETRY: Duration = Duration::from_millis(20);

/// So many connections more than another a worker may have when it takes one. Whichever worker the
/// newcomers wake first would else have all of them, and for as long as they stay.
const AHEAD: usize = 1;

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
    pub(crate) places: Arc<Places>,
    /// Told when there is none.
    pub(crate) full: Arc<Notify>,
    /// Whether the fence goes up. Each change is a reason to look for room again.
    pub(crate) fence: watch::Receiver<bool>,
    /// This one among them.
    pub(crate) workers: Arc<[WorkerHandle]>,
    pub(crate) number: usize,
}

/// Why a worker accepts nobody.
enum Closed {
    /// There is no room for another connection.
    Full,
    Fence,
}

type Newcomer<'a> = (TcpStream, SocketAddr, Place, Attempt<'a>);

impl Port {
    /// Has a worker accept until the fence, by a descriptor of its own.
    pub(crate) async fn accept<A: App>(
        self,
        listener: std::net::TcpListener,
        worker: Rc<Worker<A>>,
    ) {
        let listener = match TcpListener::from_std(listener) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "a worker cannot accept connections"),
        };
        let mut fence = self.fence.clone();
        loop {
            fence.mark_unchanged();
            let accepted = tokio::select! {
                biased;
                // Without its sender nobody accepts any more.
                changed = fence.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                accepted = self.next(&listener) => accepted,
            };
            match accepted {
                Ok(Ok((socket, peer, place, attempt))) => {
                    self.places.held_up.store(false, SeqCst);
                    self.deal(&worker, socket, peer, place);
                    drop(attempt);
                }
                Ok(Err(error)) if is_of_one_connection(&error) => {}
                Ok(Err(error)) => {
                    if !self.places.held_up.swap(true, SeqCst) {
                        tracing::warn!(%error, "a connection could not be accepted; trying again");
                    }
                    tokio::time::sleep(RETRY).await;
                }
                Err(Closed::Fence) => return,
                Err(Closed::Full) => {
                    self.full.notify_one();
                    if fence.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// The next connection. A place is taken first, since what was accepted cannot be given back.
    async fn next(&self, listener: &TcpListener) -> Result<io::Result<Newcomer<'_>>, Closed> {
        poll_fn(|cx| {
            let attempt = self.places.attempt();
            if *self.fence.borrow() {
                return Poll::Ready(Err(Closed::Fence));
            }
            let Some(place) = self.places.take() else {
                return Poll::Ready(Err(Closed::Full));
            };
            let accepted = ready!(listener.poll_accept(cx));
            Poll::Ready(Ok(
                accepted.map(|(socket, peer)| (socket, peer, place, attempt))
            ))
        })
        .await
    }

    /// Serves it here, unless another worker has fewer.
    fn deal<A: App>(
        &self,
        here: &Rc<Worker<A>>,
        socket: TcpStream,
        peer: SocketAddr,
        place: Place,
    ) {
        let open = |number: usize| self.workers[number].counters.load().open;
        let fewest = (0..self.workers.len()).min_by_key(|number| open(*number));
        let to = fewest.filter(|to| open(*to) + AHEAD < open(self.number));
        let counters = &self.workers[to.unwrap_or(self.number)].counters;
        let connection = OpenConnection::new(
            Arc::clone(here.control()),
            Arc::clone(counters),
            Some(place),
        );
        let Some(to) = to else {
            return here.serve_tcp(socket, peer, connection);
        };
        match socket.into_std() {
            Ok(socket) => {
                let accepted = Accepted {
                    socket,
                    peer,
                    open: connection,
                };
                // A worker's end is gone only if its thread has died.
                let _ = self.workers[to].messages.send(ToWorker::Serve(accepted));
            }
            Err(error) => tracing::error!(%peer, %error, "a connection could not be handed over"),
        }
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
