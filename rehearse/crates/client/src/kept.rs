//! One HTTP/1.1 connection at a time: kept from request to request until the client knows that the
//! server has ended it.

use std::mem;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connection::{Connection, Fate, Idle};
use super::driver::Caller;
use super::exchange::Exchange;
use super::failure::{FailureKind, Fault};
use super::log::{Answer, Ended, Trace};
use super::schedule::Pace;
use super::shared::Shared;
use super::stage::Stage;
use super::{CROSSING, FAREWELL, Plan};

pub(super) struct Kept<E> {
    shared: Arc<Shared>,
    index: usize,
    exchange: E,
    line: Line,
    /// Connections over TLS that the server has yet to end.
    leaving: JoinSet<()>,
}

/// The connection between two requests.
enum Line {
    None,
    Open(Connection),
    /// The kernel has known of its end since then; the client will, a round trip later.
    Ended(Connection, Instant),
}

/// What a request's connection was before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    New,
    Open,
    Ended,
}

impl<E: Exchange> Kept<E> {
    pub(super) fn new(shared: &Arc<Shared>, index: usize, exchange: E) -> Self {
        Self {
            shared: Arc::clone(shared),
            index,
            exchange,
            line: Line::None,
            leaving: JoinSet::new(),
        }
    }

    /// The kept connection, unless there is none or the client knows of its end.
    fn reuse(&mut self) -> Result<Option<(Connection, Origin)>, Fault> {
        if let Line::Open(connection) = &mut self.line {
            match connection.idle() {
                Idle::Quiet => {}
                Idle::Stray => {
                    let number = connection.number;
                    self.line = Line::None;
                    self.shared
                        .ended(number, Instant::now(), Ended::WithRequest);
                    return Err(Fault::bad("bytes on an idle connection"));
                }
                Idle::Ended(_) => self.note_end(),
            }
        }
        let rtt = self.shared.plan.rtt;
        match mem::replace(&mut self.line, Line::None) {
            Line::None => Ok(None),
            Line::Open(connection) => Ok(Some((connection, Origin::Open))),
            Line::Ended(connection, since) if since.elapsed() < rtt => {
                Ok(Some((connection, Origin::Ended)))
            }
            Line::Ended(..) => Ok(None),
        }
    }

    fn note_kept(&self, trace: &mut Trace) {
        if let Line::Open(connection) | Line::Ended(connection, _) = &self.line {
            (trace.peer, trace.connection) = (Some(connection.peer), Some(connection.number));
        }
    }

    async fn connect(&self, deadline: Instant, trace: &mut Trace) -> Result<Connection, Fault> {
        trace.connection = None;
        let address = self.shared.pick(&mut trace.peer)?;
        let buffer = self.exchange.receive_buffer();
        let opening = Connection::open(address, deadline, buffer, self.shared.tls.as_ref());
        let mut connection = opening.await?;
        let secured = connection.secured();
        connection.number = self.shared.connected(self.index, address, secured);
        trace.connection = Some(connection.number);
        let fault = match connection.idle() {
            Idle::Quiet => return Ok(connection),
            Idle::Stray => Fault::bad("bytes before the first request"),
            // Not a reconnect: see the module's rules.
            Idle::Ended(fault) => fault,
        };
        self.end(&connection, Instant::now(), Ended::WithRequest);
        Err(fault)
    }

    fn end(&self, connection: &Connection, at: Instant, how: Ended) {
        self.shared.ended(connection.number, at, how);
        let by_tls = connection.tls_end();
        self.shared.ended_by_tls(connection.number, by_tls);
    }

    /// The server has told that it ends the connection. By TLS it owes `close_notify`, too.
    fn see_off(&mut self, mut connection: Connection) {
        self.end(&connection, Instant::now(), Ended::Announced);
        if connection.secured().is_none() {
            return;
        }
        while self.leaving.try_join_next().is_some() {}
        let shared = Arc::clone(&self.shared);
        self.leaving.spawn(async move {
            connection.see_off(Instant::now() + FAREWELL).await;
            shared.ended_by_tls(connection.number, connection.tls_end());
        });
    }

    /// The kernel knows of the connection's end, which nothing had announced.
    fn note_end(&mut self) {
        let now = Instant::now();
        if let Line::Open(connection) = mem::replace(&mut self.line, Line::None) {
            self.end(&connection, now, Ended::Unannounced);
            self.line = Line::Ended(connection, now);
        }
    }

    /// A request failed that was sent at that instant.
    fn note_failure(
        &self,
        fault: &mut Fault,
        connection: &Connection,
        origin: Origin,
        sent: Instant,
    ) {
        use FailureKind::{ClosedBeforeResponse, ResetBeforeResponse};
        let unanswered = connection.stage == Stage::Nothing
            && matches!(fault.kind, ClosedBeforeResponse | ResetBeforeResponse);
        // A server that has had a request for longer has lost it in another way.
        let Plan { rtt, network, .. } = self.shared.plan;
        let in_time = sent.elapsed() <= rtt + network + CROSSING;
        fault.crossed = origin != Origin::New && unanswered && in_time;
        match fault.crossed {
            // If it was open, the end came in the very moment in which the request was sent.
            true => self.end(connection, sent, Ended::Unannounced),
            false => self.end(connection, Instant::now(), Ended::WithRequest),
        }
    }
}

impl<E: Exchange> Caller for Kept<E> {
    async fn request(&mut self, deadline: Instant, trace: &mut Trace) -> Result<Answer, Fault> {
        self.note_kept(trace);
        let (mut connection, origin) = match self.reuse()? {
            Some(kept) => kept,
            None => (self.connect(deadline, trace).await?, Origin::New),
        };
        connection.begin(deadline);
        let answered = self.exchange.run(&mut connection).await;
        trace.first_byte = connection.first_byte;
        let answer = answered.map_err(|mut fault| {
            self.note_failure(&mut fault, &connection, origin, trace.started);
            fault
        })?;
        match connection.fate {
            Fate::Kept => self.line = Line::Open(connection),
            Fate::Dismissed => self.end(&connection, Instant::now(), Ended::ByClient),
            Fate::Ended => self.see_off(connection),
        }
        Ok(answer)
    }

    fn client(&self) -> usize {
        self.index
    }

    fn pace(&self) -> Pace {
        self.exchange.pace()
    }

    /// An idle connection that the server ends is closed when the client hears of that, not when it
    /// is next needed, so that the server's own close can end.
    async fn idle(&mut self) {
        match &mut self.line {
            Line::None => std::future::pending().await,
            Line::Open(connection) => {
                connection.ended().await;
                self.note_end();
            }
            Line::Ended(_, since) => {
                sleep_until(*since + self.shared.plan.rtt).await;
                self.line = Line::None;
            }
        }
    }

    async fn leave(&mut self) {
        self.exchange.leave();
        while self.leaving.join_next().await.is_some() {}
    }
}
