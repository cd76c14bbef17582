//! Accepts connections and deals them out to the workers.

use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    clock,
    conn::{Accepted, Room, ToWorker},
    control::{Control, Counters, Notice, OpenConnection},
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

/// Deals connections out, until the fence.
#[derive(Debug)]
pub(crate) struct Acceptor {
    pub(crate) control: Arc<Control>,
    pub(crate) workers: Vec<WorkerHandle>,
    pub(crate) room: Room,
}

impl Acceptor {
    /// Accepts until `fence` is sent, then raises the fence and reports it to the driver.
    pub(crate) async fn run(self, listener: Listener, mut fence: oneshot::Receiver<()>) {
        loop {
            // Asked once: a connection may leave between two questions, and with the answers "full"
            // and "not full" nobody would be waited for but the fence.
            let is_full = self.is_full();
            tokio::select! {
                biased;
                _ = &mut fence => break,
                (socket, peer) = listener.accept(), if !is_full => self.deal(socket, peer),
                () = self.make_room(&listener), if is_full => {}
            }
        }
        // Past the fence there is no later, so the limit is no reason to lose anybody.
        let deal = |socket, peer| self.deal(socket, peer);
        // Idle connections hold the descriptors that those in the queue need.
        let held_up = || self.control.end_idle_at(clock::now());
        let fenced = listener.fence(deal, held_up, self.control.rules()).await;
        self.control.notify(Notice::Fenced(fenced));
    }

    fn deal(&self, socket: TcpStream, peer: SocketAddr) {
        let Some(worker) = self
            .workers
            .iter()
            .min_by_key(|worker| worker.counters.load().open)
        else {
            return;
        };
        let open = OpenConnection::new(Arc::clone(&self.control), Arc::clone(&worker.counters));
        // A worker's end is gone only if its thread has died; handlers cannot make it.
        let accepted = Accepted { socket, peer, open };
        let _ = worker.messages.send(ToWorker::Serve(accepted));
    }

    fn is_full(&self) -> bool {
        let open = self
            .workers
            .iter()
            .map(|worker| worker.counters.load().open);
        open.sum::<usize>() >= self.room.connections
    }

    /// Full is not deaf. Whoever comes waits in the kernel's queue; for each one there, somebody is
    /// put out who has waited for its client for long enough, if there is such a one.
    async fn make_room(&self, listener: &Listener) {
        let most = if self.control.lacks(Rule::Room) {
            0
        } else {
            PUT_OUT
        };
        let count = listener.waiting().await.min(most);
        if !self.is_full() {
            return;
        }
        let now = clock::now();
        let before = now.checked_sub(self.room.after).unwrap_or(now);
        for (worker, key) in self.longest_waiting(count, before).await {
            // A worker's end is gone only if its thread has died.
            let _ = worker.messages.send(ToWorker::MakeRoom { key, before });
        }
        // The place is free once the peer has acknowledged the end.
        let room = async {
            while self.is_full() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(ENDS, room).await;
    }

    /// The connections that go first, over all workers.
    async fn longest_waiting(&self, count: usize, before: Instant) -> Vec<(&WorkerHandle, usize)> {
        let mut waiting = Vec::new();
        for worker in &self.workers {
            let (reply, answer) = oneshot::channel();
            let _ = worker.messages.send(ToWorker::Waiting {
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
