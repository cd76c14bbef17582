//! One HTTP/1.1 connection at a time: kept from request to request until the server ends it.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::time::Instant;

use super::books::Shared;
use super::connection::{Connection, Fate, Idle};
use super::driver::Caller;
use super::exchange::Exchange;
use super::failure::Fault;
use super::schedule::Pace;

pub(super) struct Kept<E> {
    shared: Arc<Shared>,
    exchange: E,
    connection: Option<Connection>,
}

impl<E: Exchange> Kept<E> {
    pub(super) fn new(shared: &Arc<Shared>, exchange: E) -> Self {
        Self {
            shared: Arc::clone(shared),
            exchange,
            connection: None,
        }
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
        let address = self.shared.pick(peer)?;
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

impl<E: Exchange> Caller for Kept<E> {
    async fn request(
        &mut self,
        deadline: Instant,
        peer: &mut Option<SocketAddr>,
    ) -> Result<Option<Instant>, Fault> {
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
        Ok(Some(answered))
    }

    fn pace(&self) -> Pace {
        self.exchange.pace()
    }

    /// An idle connection that the server ends is closed when that happens, not when it is next
    /// needed, so that the server's own close can end.
    async fn idle(&mut self) {
        match &self.connection {
            Some(connection) => connection.ended().await,
            None => std::future::pending().await,
        }
        self.forget_ended();
    }

    async fn leave(&mut self) {
        self.exchange.leave();
    }
}
