//! Accepts connections and deals them out to the workers.

use std::{
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    conn::Accepted,
    control::{Control, Counters, Notice, Slot},
    listener::Listener,
};

/// A worker, as the acceptor sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) counters: Arc<Counters>,
    pub(crate) connections: mpsc::UnboundedSender<Accepted>,
}

/// Deals connections out, until the fence.
#[derive(Debug)]
pub(crate) struct Acceptor {
    pub(crate) control: Arc<Control>,
    pub(crate) seats: Vec<Seat>,
    pub(crate) max_connections: usize,
}

impl Acceptor {
    /// Accepts until `fence` is sent, then raises the fence and reports it to the driver.
    pub(crate) async fn run(self, listener: Listener, mut fence: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                biased;
                _ = &mut fence => break,
                (socket, peer) = listener.accept(), if !self.is_full() => self.deal(socket, peer),
                // Full: the queue of the kernel holds whoever comes, until somebody leaves.
                () = self.room(), if self.is_full() => {}
            }
        }
        // Past the fence there is no later, so the limit is no reason to lose anybody.
        let deal = |socket, peer| self.deal(socket, peer);
        // Idle connections hold the descriptors that those in the queue need.
        let held_up = || self.control.end_idle_at(Instant::now());
        let fenced = listener.fence(deal, held_up).await;
        self.control.notify(Notice::Fenced(fenced));
    }

    fn deal(&self, socket: TcpStream, peer: SocketAddr) {
        let Some(seat) = self
            .seats
            .iter()
            .min_by_key(|seat| seat.counters.load().open)
        else {
            return;
        };
        let slot = Slot::new(Arc::clone(&self.control), Arc::clone(&seat.counters));
        // A worker's end is gone only if its thread has died; handlers cannot make it.
        let _ = seat.connections.send(Accepted { socket, peer, slot });
    }

    fn is_full(&self) -> bool {
        self.seats
            .iter()
            .map(|seat| seat.counters.load().open)
            .sum::<usize>()
            >= self.max_connections
    }

    /// Waits until somebody may have left. Being full is rare, so no connection pays for telling.
    async fn room(&self) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
