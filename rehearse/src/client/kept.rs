//! One HTTP/1.1 connection at a time: kept from request to request until the client knows that the
//! server has ended it.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::books::Shared;
use super::connection::{Connection, Fate, Idle};
use super::driver::Caller;
use super::exchange::Exchange;
use super::failure::{FailureKind, Fault};
use super::risk::Risk;
use super::schedule::Pace;
use super::stage::Stage;
use super::{CROSSING, Plan};

pub(super) struct Kept<E> {
    shared: Arc<Shared>,
    exchange: E,
    line: Line,
    risk: Risk,
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
    pub(super) fn new(shared: &Arc<Shared>, exchange: E) -> Self {
        Self {
            shared: Arc::clone(shared),
            exchange,
            line: Line::None,
            risk: Risk::new(&shared.plan),
        }
    }

    /// The kept connection, unless there is none or the client knows of its end.
    fn reuse(&mut self) -> Result<Option<(Connection, Origin)>, Fault> {
        if let Line::Open(connection) = &self.line {
            match connection.idle() {
                Idle::Quiet => {}
                Idle::Stray => return Err(Fault::bad("bytes on an idle connection")),
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
            Line::Ended(..) => {
                self.shared.tally(|outcome| outcome.reconnects += 1);
                Ok(None)
            }
        }
    }

    fn kept_peer(&self) -> Option<SocketAddr> {
        match &self.line {
            Line::None => None,
            Line::Open(connection) | Line::Ended(connection, _) => Some(connection.peer),
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

    /// The kernel knows of the connection's end, which nothing had announced.
    fn note_end(&mut self) {
        let now = Instant::now();
        if let Line::Open(connection) = mem::replace(&mut self.line, Line::None) {
            self.line = Line::Ended(connection, now);
        }
        self.count_end(now);
    }

    fn count_end(&mut self, at: Instant) {
        let at_risk = self.risk.closed(at);
        self.shared.tally(|outcome| {
            outcome.unannounced_closes += 1;
            at_risk.enter(outcome);
        });
    }

    /// A request failed that was sent at that instant.
    fn note_failure(&mut self, fault: &Fault, stage: Stage, origin: Origin, sent: Instant) {
        use FailureKind::{ClosedBeforeResponse, ResetBeforeResponse};
        let unanswered = stage == Stage::Nothing
            && matches!(fault.kind, ClosedBeforeResponse | ResetBeforeResponse);
        // A server that has had a request for longer has lost it in another way.
        let Plan { rtt, network, .. } = self.shared.plan;
        let in_time = sent.elapsed() <= rtt + network + CROSSING;
        if origin == Origin::New || !unanswered || !in_time {
            return;
        }
        if origin == Origin::Open {
            // The end came in the very moment in which the request was sent.
            self.count_end(sent);
        }
        self.shared.tally(|outcome| outcome.crossed += 1);
    }
}

impl<E: Exchange> Caller for Kept<E> {
    async fn request(
        &mut self,
        deadline: Instant,
        peer: &mut Option<SocketAddr>,
    ) -> Result<Option<Instant>, Fault> {
        let sent = Instant::now();
        let at_risk = self.risk.started(sent);
        self.shared.tally(|outcome| at_risk.enter(outcome));
        *peer = self.kept_peer();
        let (mut connection, origin) = match self.reuse()? {
            Some(kept) => kept,
            None => (self.connect(deadline, peer).await?, Origin::New),
        };
        connection.begin(deadline);
        let answered = match self.exchange.run(&mut connection).await {
            Ok(answered) => answered,
            Err(fault) => {
                self.note_failure(&fault, connection.stage, origin, sent);
                return Err(fault);
            }
        };
        match connection.fate {
            Fate::Kept => self.line = Line::Open(connection),
            Fate::Dismissed => {}
            Fate::Ended => self.shared.tally(|outcome| outcome.reconnects += 1),
        }
        Ok(Some(answered))
    }

    fn pace(&self) -> Pace {
        self.exchange.pace()
    }

    /// An idle connection that the server ends is closed when the client hears of that, not when it
    /// is next needed, so that the server's own close can end.
    async fn idle(&mut self) {
        match &self.line {
            Line::None => std::future::pending().await,
            Line::Open(connection) => {
                connection.ended().await;
                self.note_end();
            }
            Line::Ended(_, since) => {
                sleep_until(*since + self.shared.plan.rtt).await;
                self.line = Line::None;
                self.shared.tally(|outcome| outcome.reconnects += 1);
            }
        }
    }

    async fn leave(&mut self) {
        self.exchange.leave();
    }
}
