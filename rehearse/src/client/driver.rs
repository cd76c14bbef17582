//! What all modes share: the schedule, the connection between requests, the books.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::books::Shared;
use super::connection::{Connection, Fate, Idle};
use super::exchange::Exchange;
use super::failure::{FailureKind, Fault};
use super::schedule::{Schedule, intended};

/// Runs one task for each client until all have ended. Dropping the future aborts them.
pub(super) async fn run<E: Exchange>(shared: &Arc<Shared>, exchange: impl Fn() -> E) {
    let mut clients = JoinSet::new();
    for index in 0..shared.plan.clients {
        let client = Client {
            shared: Arc::clone(shared),
            exchange: exchange(),
            schedule: Schedule::new(shared.plan.seed, index),
            connection: None,
        };
        clients.spawn(client.run());
    }
    let all = async {
        while let Some(ended) = clients.join_next().await {
            // A client that panicked would have dropped its request from the books.
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    };
    let note_stop = async {
        shared.stop.cancelled().await;
        let _ = shared.stopped.set(Instant::now());
        std::future::pending().await
    };
    tokio::select! {
        () = all => {}
        () = note_stop => {}
    }
}

struct Client<E> {
    shared: Arc<Shared>,
    exchange: E,
    schedule: Schedule,
    connection: Option<Connection>,
}

impl<E: Exchange> Client<E> {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut due = self.schedule.first(shared.started, self.exchange.pace());
        let mut free = shared.started;
        while let Some(intended) = self.wait(due).await {
            let (mut peer, deadline) = (None, Instant::now() + shared.plan.timeout);
            let result = self.request(deadline, &mut peer).await;
            let failed = result.is_err();
            free = Instant::now();
            shared.enter(intended, peer, result);
            due = self.schedule.next(self.exchange.pace(), due, free, failed);
        }
        // What fell due after the stop, or to a client that was free to start it, was not missed.
        let until = shared
            .stopped
            .get()
            .map_or(free, |stopped| free.min(*stopped));
        let unstarted = self.schedule.missed(self.exchange.pace(), due, until);
        shared.tally(|outcome| outcome.unstarted += unstarted);
    }

    /// Waits for a request's due time and returns its intended start; `None` at the stop. An idle
    /// connection that the server ends meanwhile is closed when that happens, not when it is next
    /// needed, so that the server's own close can end.
    async fn wait(&mut self, due: Instant) -> Option<Instant> {
        if self.shared.stop.is_cancelled() {
            return None;
        }
        if due <= Instant::now() {
            return Some(due);
        }
        let shared = Arc::clone(&self.shared);
        let (mut stopped, mut timer) = (pin!(shared.stop.cancelled()), pin!(sleep_until(due)));
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => return None,
                () = &mut timer => return Some(intended(due, Instant::now())),
                () = ended(self.connection.as_ref()) => self.forget_ended(),
            }
        }
    }

    async fn request(
        &mut self,
        deadline: Instant,
        peer: &mut Option<SocketAddr>,
    ) -> Result<Instant, Fault> {
        let mut connection = match self.reuse(peer)? {
            Some(connection) => connection,
            None => self.connect(deadline, peer).await?,
        };
        connection.begin(deadline);
        let answered = self.exchange.run(&mut connection).await?;
        match connection.fate {
            Fate::Kept => self.connection = Some(connection),
            Fate::Dismissed => {}
            Fate::Ended => self.shared.tally(|outcome| outcome.reconnects += 1),
        }
        Ok(answered)
    }

    /// The kept connection, if there is one and the kernel knows of no end to it.
    fn reuse(&mut self, peer: &mut Option<SocketAddr>) -> Result<Option<Connection>, Fault> {
        let Some(connection) = self.connection.take() else {
            return Ok(None);
        };
        match connection.idle() {
            Idle::Quiet => {
                *peer = Some(connection.peer);
                Ok(Some(connection))
            }
            Idle::Stray => {
                *peer = Some(connection.peer);
                Err(Fault::bad("bytes on an idle connection"))
            }
            Idle::Ended(_) => {
                self.forget_ended();
                Ok(None)
            }
        }
    }

    async fn connect(
        &self,
        deadline: Instant,
        peer: &mut Option<SocketAddr>,
    ) -> Result<Connection, Fault> {
        *peer = self.shared.endpoints.pick();
        let Some(address) = *peer else {
            return Err(Fault::new(FailureKind::ConnectRefused, "no endpoint"));
        };
        let connection =
            Connection::open(address, deadline, self.exchange.receive_buffer()).await?;
        match connection.idle() {
            Idle::Quiet => Ok(connection),
            Idle::Stray => Err(Fault::bad("bytes before the first request")),
            // Not a reconnect: see the module's rules.
            Idle::Ended(fault) => Err(fault),
        }
    }

    fn forget_ended(&mut self) {
        self.connection = None;
        self.shared.tally(|outcome| {
            outcome.reconnects += 1;
            outcome.idle_closes += 1;
        });
    }
}

/// Resolves once the server has ended the connection; never without one.
async fn ended(connection: Option<&Connection>) {
    match connection {
        Some(connection) => connection.ended().await,
        None => std::future::pending().await,
    }
}
