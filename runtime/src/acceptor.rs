//! Has workers accept connections, makes room for newcomers, and raises the fence.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use socket2::Socket;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::{
    accept::{self, Port},
    clock,
    conn::{Accepted, PeerAddress, Room, ToWorker},
    control::{Control, Counters, Fenced, Notice, OpenConnection, Workers},
    listener::Listener,
    rules::Rule,
};

/// So many connections are put out at once, at most.
const PUT_OUT: usize = 64;

/// How long a worker may take to say whom it could put out.
const ANSWER: Duration = Duration::from_millis(100);

/// How long connections may take to their end before others are looked for, and how often it is
/// looked. Being full is rare, so no connection pays for telling.
const ENDS: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_millis(5);

/// A worker, as the acceptor sees it.
#[derive(Clone, Debug)]
pub(crate) struct WorkerHandle {
    pub(crate) counters: Arc<Counters>,
    pub(crate) messages: mpsc::UnboundedSender<ToWorker>,
}

/// Has the workers of a listener accept, makes room where there is none, and raises the fence.
#[derive(Debug)]
pub(crate) struct Acceptor {
    control: Arc<Control>,
    workers: Arc<[WorkerHandle]>,
    listener: Listener,
    limits: Room,
    places: Arc<accept::Places>,
    full: Arc<Notify>,
    /// Whether the fence goes up; each change is a reason for a worker to look for room again.
    fence: watch::Sender<bool>,
}

impl Acceptor {
    /// From here on whoever connects is served.
    ///
    /// # Errors
    /// When there are not enough descriptors for each worker to have one of the listener.
    pub(crate) fn open(
        control: Arc<Control>,
        workers: Vec<WorkerHandle>,
        listener: Listener,
        limits: Room,
        places: Arc<accept::Places>,
    ) -> io::Result<Self> {
        let acceptor = Self {
            control,
            workers: workers.into(),
            listener,
            limits,
            places,
            full: Arc::default(),
            fence: watch::Sender::new(false),
        };
        for (number, worker) in acceptor.workers.iter().enumerate() {
            let port = Port {
                listener: acceptor.listener.share()?,
                newcomers: acceptor.listener.newcomers(),
                places: Arc::clone(&acceptor.places),
                full: Arc::clone(&acceptor.full),
                fence: acceptor.fence.subscribe(),
                workers: Arc::clone(&acceptor.workers),
                number,
            };
            // A worker's end is gone only if its thread has died; handlers cannot make it.
            let _ = worker.messages.send(ToWorker::Accept(port));
        }
        Ok(acceptor)
    }

    /// Makes room until `fence` is sent, then raises the fence and reports it to the driver.
    pub(crate) async fn run(self, mut fence: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                biased;
                _ = &mut fence => break,
                () = self.make_room_when_full() => {}
            }
        }
        let fenced = self.raise_fence().await;
        self.control.notify(Notice::Fenced(fenced));
    }

    async fn raise_fence(&self) -> Fenced {
        if self.control.lacks(Rule::Fence) {
            // Before anything that waits: workers would empty the queue meanwhile.
            self.listener.close();
            self.fence.send_replace(true);
            return Fenced {
                accepted: 0,
                kernel: Some(false),
            };
        }
        let free = self.workers_that_answer().await;
        self.fence.send_replace(true);
        // A connection that a worker has just accepted, and that is not counted yet, would be nobody's.
        while self.places.attempts() > 0 {
            tokio::task::yield_now().await;
        }
        if self.control.lacks(Rule::Given) {
            self.listener.deafen();
        }
        // Past the fence there is no later, so the limit is no reason to lose anybody.
        let deal = |socket, peer| self.deal(&free, socket, peer);
        // Idle connections hold the descriptors that those in the queue need.
        let held_up = || self.control.end_idle_at(clock::now());
        self.listener.fence(deal, held_up).await
    }

    /// All but those that a handler blocks: whoever is given to one waits for that handler.
    async fn workers_that_answer(&self) -> Vec<&WorkerHandle> {
        Workers::ask(self.workers.iter().map(|worker| &worker.counters.pulse)).await;
        let is_free = |worker: &&WorkerHandle| !worker.counters.pulse.is_blocked();
        let free: Vec<_> = self.workers.iter().filter(is_free).collect();
        match free.is_empty() {
            true => self.workers.iter().collect(),
            false => free,
        }
    }

    fn deal(&self, workers: &[&WorkerHandle], socket: Socket, peer: PeerAddress) {
        let fewest = workers
            .iter()
            .min_by_key(|worker| worker.counters.load().open);
        let Some(worker) = fewest else {
            return;
        };
        let place = Some(self.places.squeeze_in());
        let counters = Arc::clone(&worker.counters);
        let open = OpenConnection::new(Arc::clone(&self.control), counters, place);
        let accepted = Accepted { socket, peer, open };
        let _ = worker.messages.send(ToWorker::Serve(accepted));
    }

    /// Waits until a worker finds that there is no room, and until there is some again.
    async fn make_room_when_full(&self) {
        self.full.notified().await;
        while self.places.is_full() {
            self.make_room().await;
        }
        self.fence.send_replace(false);
    }

    /// Full is not deaf. Whoever comes waits in the kernel's queue; for each one there, somebody is
    /// put out who has waited for its client for long enough, if there is such a one.
    async fn make_room(&self) {
        let most = if self.control.lacks(Rule::Room) {
            0
        } else {
            PUT_OUT
        };
        let count = self.listener.waiting().await.min(most);
        if !self.places.is_full() {
            return;
        }
        let now = clock::now();
        let before = now.checked_sub(self.limits.after).unwrap_or(now);
        for (worker, key) in self.longest_waiting(count, before).await {
            // A worker's end is gone only if its thread has died.
            let _ = worker.messages.send(ToWorker::MakeRoom { key, before });
        }
        // The place is free once the peer has acknowledged the end.
        let room = async {
            while self.places.is_full() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(ENDS, room).await;
    }

    /// The connections that go first, over all workers.
    async fn longest_waiting(&self, count: usize, before: Instant) -> Vec<(&WorkerHandle, usize)> {
        let mut waiting = Vec::new();
        for worker in &*self.workers {
            let (reply, answer) = oneshot::channel();
            let _ = worker.messages.send(ToWorker::LongestWaiting {
                count,
                before,
                reply,
            });
            // One that a handler blocks has nobody to put out, as far as anybody knows.
            if let Ok(Ok(answer)) = tokio::time::timeout(ANSWER, answer).await {
                waiting.extend(answer.into_iter().map(|(waits, key)| (waits, worker, key)));
            }
        }
        waiting.sort_unstable_by_key(|(waits, ..)| *waits);
        waiting.truncate(count);
        waiting
            .into_iter()
            .map(|(_, worker, key)| (worker, key))
            .collect()
    }
}
