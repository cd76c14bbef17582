//! One connection of HTTP/2: the strict client's own reader and writer, attended to frame by frame, so
//! that a case sees each GOAWAY and can hold back the answer to a PING.

mod response;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::connection::{Connection, Target, Unexpected};
use rehearse_client::{Http2Event as Event, Http2State as State};
use rehearse_wire::http2::frame::{ACK, Frame, GOAWAY, PING, SETTINGS, put, setting};
use rehearse_wire::http2::hpack::{self, Scheme};

pub(super) use self::response::Answer;

/// The last stream of a GOAWAY that names none yet (RFC 9113, 6.8).
pub(super) const ANY_STREAM: u32 = (1 << 31) - 1;

/// The setting by which a client lets each stream send (6.5.2), and so much that this never holds a
/// server back.
const INITIAL_WINDOW_SIZE: u16 = 4;
const WINDOW: u32 = 0x3fff_ffff;

/// Whom requests are for.
const AUTHORITY: &str = "conform";

/// What a server says before it closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GoAway {
    pub(super) last_stream: u32,
    pub(super) error: u32,
}

/// A connection.
pub(super) struct Http2 {
    connection: Connection,
    scheme: Scheme,
    state: State,
    pub(super) goaways: Vec<GoAway>,
    streams: BTreeMap<u32, (UnboundedReceiver<Event>, Answer)>,
    /// PINGs whose answers are held back.
    held: Option<Vec<Vec<u8>>>,
}

fn scheme(to: &Target) -> Scheme {
    match to.tls {
        Some(_) => Scheme::Https,
        None => Scheme::Http,
    }
}

impl Http2 {
    /// A connection whose settings have been exchanged.
    pub(super) async fn connect(to: impl Into<Target>) -> Result<Self, Unexpected> {
        let to = to.into();
        let scheme = scheme(&to);
        Self::over(Connection::connect(to).await?, scheme).await
    }

    /// The same by a client whose kernel takes only a few thousand bytes ahead.
    pub(super) async fn connect_with_small_window(
        to: impl Into<Target>,
    ) -> Result<Self, Unexpected> {
        let to = to.into();
        let scheme = scheme(&to);
        Self::over(Connection::connect_with_small_window(to).await?, scheme).await
    }

    async fn over(connection: Connection, scheme: Scheme) -> Result<Self, Unexpected> {
        let mut state = State::default();
        let window = setting(INITIAL_WINDOW_SIZE, WINDOW);
        put(&mut state.out, SETTINGS, 0, 0, &window);
        let mut http2 = Self {
            connection,
            scheme,
            state,
            goaways: Vec::new(),
            streams: BTreeMap::new(),
            held: None,
        };
        http2.flush().await?;
        http2.until(|http2| http2.state.is_greeted()).await?;
        Ok(http2)
    }

    /// Sends a request without a body; its stream.
    pub(super) async fn get(&mut self, path: &str) -> Result<u32, Unexpected> {
        self.open(&hpack::get(self.scheme, AUTHORITY, path, []), State::open)
            .await
    }

    /// The same, with a `Host` beside `:authority`.
    pub(super) async fn get_for(&mut self, path: &str, host: &str) -> Result<u32, Unexpected> {
        let head = hpack::request(self.scheme, "GET", AUTHORITY, path, [("host", host)]);
        self.open(&head, State::open).await
    }

    /// Sends the head of a request with a body; its stream.
    pub(super) async fn post(&mut self, path: &str) -> Result<u32, Unexpected> {
        let head = hpack::request(self.scheme, "POST", AUTHORITY, path, []);
        self.open(&head, State::open_with_body).await
    }

    async fn open(
        &mut self,
        head: &[u8],
        open: impl Fn(&mut State, &[u8], tokio::sync::mpsc::UnboundedSender<Event>) -> u32,
    ) -> Result<u32, Unexpected> {
        let (sender, events) = unbounded_channel();
        let stream = open(&mut self.state, head, sender);
        self.streams.insert(stream, (events, Answer::default()));
        self.flush().await?;
        Ok(stream)
    }

    /// Sends a part of a request's body.
    pub(super) async fn data(
        &mut self,
        stream: u32,
        part: &[u8],
        last: bool,
    ) -> Result<(), Unexpected> {
        self.state.send_body(stream, part, last);
        self.flush().await
    }

    /// Answers no PING from now on until [`Self::answer_pings`].
    pub(super) fn hold_pings(&mut self) {
        self.held = Some(Vec::new());
    }

    pub(super) async fn answer_pings(&mut self) -> Result<(), Unexpected> {
        for ping in self.held.take().unwrap_or_default() {
            put(&mut self.state.out, PING, ACK, 0, &ping);
        }
        self.flush().await
    }

    /// Takes frames until `seen` is so.
    pub(super) async fn until(&mut self, seen: impl Fn(&Self) -> bool) -> Result<(), Unexpected> {
        while !seen(self) {
            self.step().await?;
        }
        Ok(())
    }

    /// Takes frames until the server's FIN.
    pub(super) async fn fin(&mut self) -> Result<(), Unexpected> {
        loop {
            match self.step().await {
                Ok(()) => {}
                Err(Unexpected::Fin) => return Ok(()),
                Err(other) => return Err(other),
            }
        }
    }

    /// Takes one frame, and answers what needs an answer. Cancel-safe while it waits: a frame is
    /// taken only once it is there wholly.
    async fn step(&mut self) -> Result<(), Unexpected> {
        let bad = |why: &str| Unexpected::Other(why.to_owned());
        loop {
            if let Some(frame) = Frame::parse(&self.connection.buffer).map_err(bad)? {
                let size = frame.size();
                match (&mut self.held, frame.kind) {
                    (Some(held), PING) if !frame.has(ACK) => held.push(frame.payload.to_vec()),
                    _ => self.state.take(&frame).map_err(bad)?,
                }
                if frame.kind == GOAWAY {
                    self.goaways.push(GoAway {
                        last_stream: frame.number(0).map_err(bad)? & ANY_STREAM,
                        error: frame.number(4).map_err(bad)?,
                    });
                }
                self.connection.buffer.drain(..size);
                break;
            }
            self.connection.fill().await?;
        }
        for (events, answer) in self.streams.values_mut() {
            while let Ok(event) = events.try_recv() {
                answer.note(event);
            }
        }
        // A server that has closed meanwhile needs no answer.
        let _closed = self.flush().await;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Unexpected> {
        let out = std::mem::take(&mut self.state.out);
        self.connection.send(out).await
    }
}
