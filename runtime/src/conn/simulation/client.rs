//! A strict client of HTTP/1.1: it sends nothing again, and every request is accounted for.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout, timeout_at};

use super::{
    network::{Network, Path},
    process::{MIN, Process},
    random::Random,
    responses::{Connection, Failure},
    socket::Socket,
    wire::Wire,
};
use crate::{clock, kernel::Waiting};

/// When a client gives up: the process must have ended long before.
pub(super) const TIMEOUT: Duration = Duration::from_secs(120);

const TURN: Duration = Duration::from_millis(10);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Answered,
    /// It was sent on an idle connection that had ended by then, as its client could not know yet.
    Crossed {
        sent: Instant,
        idle_since: Instant,
    },
    /// It was behind a response that said that nothing more would be answered.
    Unanswered,
    /// Nothing excuses this.
    Lost(&'static str),
}

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// One request at a time, on a kept connection.
    Quick,
    /// The same, with bodies.
    Posts,
    /// Up to three at a time.
    Pipelines,
    /// Its requests take a while.
    Slow,
    /// Reads large responses slowly.
    ReadsSlowly,
    /// Responses that come in pieces.
    Pieces,
    /// Follows events until they end.
    Follows,
    /// Says after each request that it has no more.
    HalfCloses,
    /// Connects long before it asks.
    ConnectsEarly,
    /// Sends more than anybody reads, and is refused.
    Refused,
    /// Some streams at a time, by HTTP/2.
    Http2,
}

impl Manner {
    pub(super) const ALL: [Self; 11] = [
        Self::Quick,
        Self::Posts,
        Self::Pipelines,
        Self::Slow,
        Self::ReadsSlowly,
        Self::Pieces,
        Self::Follows,
        Self::HalfCloses,
        Self::ConnectsEarly,
        Self::Refused,
        Self::Http2,
    ];
}

/// What all clients of a life have to say of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Rc<RefCell<Vec<(Manner, Outcome)>>>);

impl Tally {
    pub(super) fn outcomes(&self) -> Vec<(Manner, Outcome)> {
        self.0.borrow().clone()
    }
}

/// See the module's documentation.
pub(super) struct Client {
    pub(super) manner: Manner,
    pub(super) random: Random,
    pub(super) network: Network,
    pub(super) path: Path,
    pub(super) process: Process,
    pub(super) tally: Tally,
    /// Then its machine loses its power; what it has asked for is nobody's loss.
    pub(super) vanishes: Option<Instant>,
}

impl Client {
    /// Asks until nobody listens any more.
    pub(super) async fn live(self) {
        match self.vanishes {
            // A moment later, so that nothing is sent by what is dropped.
            Some(at) => {
                let _ = timeout_at((at + TURN).into(), self.ask_on()).await;
            }
            None => self.ask_on().await,
        }
    }

    async fn ask_on(&self) {
        while let Some(socket) = self.connect().await {
            if let Some(at) = self.vanishes {
                self.network.at(at, socket.power_switch());
            }
            let look = socket.look();
            match (self.shake_hands(socket).await, self.manner) {
                (None, _) => self.note(Outcome::Lost("no handshake of TLS")),
                (Some(wire), Manner::Http2) => self.converse_by_http_2(wire, look).await,
                (Some(wire), _) => self.converse(wire).await,
            }
            sleep(self.think()).await;
        }
    }

    async fn connect(&self) -> Option<Socket> {
        sleep(self.path.latency).await;
        let (client, server) = self.network.connect(self.path);
        let accepted = self.process.ended().is_none() && self.process.accept(server);
        if !accepted && self.since_t0().is_none_or(|since| since < MIN) {
            self.note(Outcome::Lost("refused in the lame duck"));
        }
        sleep(self.path.latency).await;
        accepted.then_some(client)
    }

    async fn shake_hands(&self, socket: Socket) -> Option<Wire> {
        #[cfg(feature = "tls")]
        if self.process.tls.is_some() {
            let shaken = timeout(TIMEOUT, super::tls::connect(socket)).await;
            return shaken.ok()?.ok();
        }
        Some(Wire::Plain(socket))
    }

    fn since_t0(&self) -> Option<Duration> {
        Some(clock::now() - self.process.control.t0()?)
    }

    /// From 60 ms to 30 s: log-uniform, more or less.
    pub(super) fn think(&self) -> Duration {
        let least = 60 << self.random.below(8);
        Duration::from_millis(least + self.random.below(3 * least))
    }

    /// Uses a connection until it is over.
    async fn converse(&self, wire: Wire) {
        let mut connection = Connection {
            wire,
            read: Vec::new(),
            idle_since: clock::now(),
        };
        if self.manner == Manner::ConnectsEarly {
            sleep(Duration::from_millis(self.random.below(900))).await;
        }
        while self.process.ended().is_none() {
            match connection.wire.waiting() {
                Waiting::Nothing => {}
                Waiting::End => return,
                Waiting::Bytes => return self.note(Outcome::Lost("bytes that nobody asked for")),
            }
            let count = match self.manner {
                Manner::Pipelines => 1 + self.random.below(3),
                _ => 1,
            };
            if self.exchange(&mut connection, count).await {
                return;
            }
            connection.idle_since = clock::now();
            sleep(self.think()).await;
        }
    }

    pub(super) fn note(&self, outcome: Outcome) {
        if self.vanishes.is_none_or(|at| clock::now() < at) {
            self.tally.0.borrow_mut().push((self.manner, outcome));
        }
    }

    /// Sends so many requests, and reads their responses. True if the connection is over.
    async fn exchange(&self, connection: &mut Connection, count: u64) -> bool {
        let sent = clock::now();
        let is_to_be_told = self.since_t0().is_some();
        let (request, expected) = self.request();
        let status = if self.manner == Manner::Refused {
            404
        } else {
            200
        };
        let bytes = request.repeat(count as usize);
        // Whether it fails or not, a response may be here.
        let _ = timeout(TIMEOUT, self.send(connection, &bytes)).await;
        for number in 0..count {
            let response = timeout(TIMEOUT, self.response(connection)).await;
            let outcome = match response.unwrap_or(Err(Failure::Never)) {
                Ok(response) if (response.status, &response.body) != (status, &expected) => {
                    Outcome::Lost("a wrong response")
                }
                Ok(response) if response.closes => {
                    self.note(Outcome::Answered);
                    (number + 1..count).for_each(|_| self.note(Outcome::Unanswered));
                    return true;
                }
                Ok(_) if is_to_be_told && number + 1 == count => Outcome::Lost("not told to leave"),
                Ok(_) => Outcome::Answered,
                Err(Failure::Nothing) if number == 0 => Outcome::Crossed {
                    sent,
                    idle_since: connection.idle_since,
                },
                Err(Failure::Nothing) => Outcome::Lost("no response behind a response"),
                Err(Failure::Half) => Outcome::Lost("half a response"),
                Err(Failure::Never) => Outcome::Lost("no response, and no end"),
                Err(Failure::Nonsense) => Outcome::Lost("no response, but something else"),
            };
            self.note(outcome);
            if outcome != Outcome::Answered {
                return true;
            }
        }
        self.manner == Manner::HalfCloses
    }
}
