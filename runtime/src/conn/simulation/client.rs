//! A strict client of HTTP/1.1: it sends nothing again, and every request is accounted for.

use std::{
    cell::RefCell,
    io,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::future::poll_immediate;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{sleep, timeout, timeout_at},
};

use super::{
    app::LARGE,
    network::{Network, Path, Socket},
    process::{MIN, Process},
    random::Random,
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

/// A connection, as its client sees it.
struct Connection {
    socket: Socket,
    read: Vec<u8>,
    idle_since: Instant,
}

impl Connection {
    /// A reset may take what has not been read.
    async fn take_what_is_there(&mut self) {
        while self.socket.waiting() == Waiting::Bytes {
            let mut bytes = [0; 4096];
            match poll_immediate(self.socket.read(&mut bytes)).await {
                Some(Ok(count)) => self.read.extend_from_slice(&bytes[..count]),
                _ => return,
            }
        }
    }
}

/// A response's head and body.
struct Response {
    status: u16,
    closes: bool,
    body: Vec<u8>,
}

/// How reading a response failed.
#[derive(Debug)]
enum Failure {
    /// Before its first byte.
    Nothing,
    Half,
    Never,
    Nonsense,
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
            match self.manner {
                Manner::Http2 => self.converse_by_http_2(socket).await,
                _ => self.converse(socket).await,
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

    fn since_t0(&self) -> Option<Duration> {
        Some(clock::now() - self.process.control.t0()?)
    }

    /// From 60 ms to 30 s: log-uniform, more or less.
    pub(super) fn think(&self) -> Duration {
        let least = 60 << self.random.below(8);
        Duration::from_millis(least + self.random.below(3 * least))
    }

    /// Uses a connection until it is over.
    async fn converse(&self, socket: Socket) {
        let mut connection = Connection {
            socket,
            read: Vec::new(),
            idle_since: clock::now(),
        };
        if self.manner == Manner::ConnectsEarly {
            sleep(Duration::from_millis(self.random.below(900))).await;
        }
        while self.process.ended().is_none() {
            match connection.socket.waiting() {
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
        let _ = self.send(connection, &bytes).await;
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

    /// A request, and the body of its response; empty if it is not known.
    fn request(&self) -> (Vec<u8>, Vec<u8>) {
        let get = |path: String| format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").into_bytes();
        match self.manner {
            Manner::Quick
            | Manner::Pipelines
            | Manner::HalfCloses
            | Manner::ConnectsEarly
            | Manner::Http2 => (get("/quick".to_owned()), b"quick".to_vec()),
            Manner::Slow => {
                let millis = 1 << self.random.below(12);
                (get(format!("/slow/{millis}")), b"slow".to_vec())
            }
            Manner::ReadsSlowly => (get("/large".to_owned()), vec![b'l'; LARGE]),
            Manner::Pieces => {
                let count = self.random.below(20);
                (
                    get(format!("/pieces/{count}")),
                    b"piece".repeat(count as usize),
                )
            }
            Manner::Follows => (get("/events".to_owned()), b"last".to_vec()),
            Manner::Refused => {
                let body = vec![b'b'; 100 + self.random.below(40_000) as usize];
                let head = format!(
                    "POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                ([head.as_bytes(), &body].concat(), Vec::new())
            }
            Manner::Posts => self.post(),
        }
    }

    fn post(&self) -> (Vec<u8>, Vec<u8>) {
        let body = vec![b'b'; 1 + self.random.below(3_000) as usize];
        let mut request = b"POST /echo HTTP/1.1\r\nhost: a\r\n".to_vec();
        if self.random.percent(50) {
            request.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            request.extend_from_slice(&body);
            return (request, body);
        }
        request.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        for chunk in body.chunks(1 + self.random.below(1_000) as usize) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        // Old clients put a line end behind a body.
        request.extend_from_slice(b"0\r\n\r\n\r\n");
        (request, body)
    }

    /// In one piece, or in a few, with a pause in between.
    async fn send(&self, connection: &mut Connection, mut bytes: &[u8]) -> io::Result<()> {
        while self.random.percent(30) && bytes.len() > 1 {
            let (piece, rest) =
                bytes.split_at(1 + self.random.below(bytes.len() as u64 - 1) as usize);
            connection.socket.write_all(piece).await?;
            sleep(Duration::from_millis(self.random.below(200))).await;
            connection.take_what_is_there().await;
            bytes = rest;
        }
        connection.socket.write_all(bytes).await?;
        if self.manner == Manner::HalfCloses {
            connection.socket.shutdown().await?;
        }
        Ok(())
    }

    async fn response(&self, connection: &mut Connection) -> Result<Response, Failure> {
        let head = loop {
            if let Some(end) = find(&connection.read, b"\r\n\r\n") {
                break connection.read.drain(..end + 4).collect::<Vec<_>>();
            }
            self.read(connection).await?;
        };
        let head = String::from_utf8(head).map_err(|_| Failure::Nonsense)?;
        let head = head.to_ascii_lowercase();
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let field = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find_map(|(field, value)| (field == name).then(|| value.to_owned()))
        };
        let body = match field("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| Failure::Nonsense)?;
                self.exactly(connection, length).await?
            }
            None => self.chunks(connection).await?,
        };
        let body = match self.manner {
            Manner::Follows => b"last"
                .iter()
                .copied()
                .filter(|_| body.ends_with(b"last"))
                .collect(),
            _ => body,
        };
        Ok(Response {
            status: status.ok_or(Failure::Nonsense)?,
            closes: field("connection").as_deref() == Some("close"),
            body,
        })
    }

    async fn exactly(
        &self,
        connection: &mut Connection,
        length: usize,
    ) -> Result<Vec<u8>, Failure> {
        while connection.read.len() < length {
            self.read(connection).await.map_err(|_| Failure::Half)?;
        }
        Ok(connection.read.drain(..length).collect())
    }

    async fn chunks(&self, connection: &mut Connection) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match find(&connection.read, b"\r\n") {
                    Some(end) => break end,
                    None => self.read(connection).await.map_err(|_| Failure::Half)?,
                }
            };
            let line = String::from_utf8_lossy(&connection.read[..end]).into_owned();
            let length = usize::from_str_radix(&line, 16).map_err(|_| Failure::Nonsense)?;
            connection.read.drain(..end + 2);
            let mut chunk = self.exactly(connection, length + 2).await?;
            chunk.truncate(length);
            if length == 0 {
                return Ok(body);
            }
            body.append(&mut chunk);
        }
    }

    async fn read(&self, connection: &mut Connection) -> Result<(), Failure> {
        if self.manner == Manner::ReadsSlowly {
            sleep(Duration::from_millis(self.random.below(300))).await;
        }
        let mut bytes = [0; 4096];
        let nothing_yet = connection.read.is_empty();
        match connection.socket.read(&mut bytes).await {
            Ok(0) | Err(_) if nothing_yet => Err(Failure::Nothing),
            Ok(0) | Err(_) => Err(Failure::Half),
            Ok(count) => {
                connection.read.extend_from_slice(&bytes[..count]);
                Ok(())
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
