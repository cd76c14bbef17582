//! What the clients of one plan did, request by request: every figure is made from it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Fault;
pub use rehearse_tls::End as TlsEnd;
use rehearse_tls::Secured;

/// The log of one plan's clients. It takes 64 bytes for a request, and 96 for a
/// connection.
#[derive(Debug, Default)]
pub struct Log {
    /// In the order in which they ended.
    pub requests: Vec<Request>,
    /// In the order in which they were opened; a connection's number is its place.
    pub connections: Vec<Connection>,
    /// What was received unasked, for each client that does receive so.
    pub streams: Vec<Streamed>,
    /// Requests of an open-loop plan that were due before the stop, and that their clients, still
    /// behind, did not get to start. They are in no other figure.
    pub unstarted: u64,
}

/// A request: on a connection of HTTP/1.1 or a stream of HTTP/2, a WebSocket's message with its echo,
/// a whole event stream.
#[derive(Debug)]
pub struct Request {
    /// Which client.
    pub client: u32,
    /// Its connection's number, if it got one.
    pub connection: Option<u32>,
    /// When it was due.
    pub intended: Instant,
    /// From there until its client turned to it.
    pub started: Micros,
    /// Until the first byte of its response, by HTTP.
    pub first_byte: Option<Micros>,
    /// Until it counted as answered, or failed.
    pub ended: Micros,
    /// How it ended.
    pub end: End,
}

/// How a request ended.
#[derive(Debug)]
pub enum End {
    /// By a complete, correct response.
    Complete,
    /// By a response whose body only the connection's end delimits: nobody can know whether it is
    /// complete.
    Unjudged,
    /// A message met the server's Close on its way, after which nobody may answer it (RFC 6455, 5.5.1).
    Overtaken,
    /// Otherwise.
    Failed(Box<Failed>),
}

/// A request that failed.
#[derive(Debug)]
pub struct Failed {
    /// Where it broke, and what was seen.
    pub(super) fault: Fault,
    /// The endpoint, if there was one.
    pub peer: Option<SocketAddr>,
}

/// A client's connection.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Which client.
    pub client: u32,
    /// The endpoint.
    pub peer: SocketAddr,
    /// When the handshake was complete.
    pub opened: Instant,
    /// When it ended, and by whom; `None` if it outlived the run.
    pub ended: Option<(Instant, Ended)>,
    /// What TLS came to on it, if it was spoken.
    pub tls: Option<Tls>,
}

/// What TLS came to on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The handshake.
    pub handshake: Secured,
    /// How the server ended it, as far as the client has seen.
    pub end: Option<TlsEnd>,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client.
    ByClient,
    /// The server, which had told its client, or ended an event stream with it.
    Announced,
    /// The server (by FIN or RST), while nothing was due on it and nothing had announced it, after it
    /// had served a client.
    Unannounced,
    /// A request failed with it.
    WithRequest,
}

/// What one client received unasked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Streamed {
    /// Server-Sent Events, in order; `None` if it is no client of those.
    pub events: Option<u64>,
    /// Events left out, that did not come later.
    pub missing: u64,
    /// Events that came again.
    pub doubled: u64,
    /// Events that came late, after one that follows them.
    pub misplaced: u64,
    /// What a WebSocket sent unasked, in order.
    pub ticks: u64,
}

/// Microseconds, up to an hour and eleven minutes; what takes longer counts as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(u32);

impl Micros {
    /// From one instant to another; none if that is earlier.
    pub fn between(from: Instant, to: Instant) -> Self {
        let micros = to.saturating_duration_since(from).as_micros();
        Self(u32::try_from(micros).unwrap_or(u32::MAX))
    }
}

impl From<Micros> for Duration {
    fn from(Micros(micros): Micros) -> Self {
        Self::from_micros(micros.into())
    }
}

impl Log {
    /// Where a request went, if it got a connection.
    pub fn peer(&self, request: &Request) -> Option<SocketAddr> {
        let connection = self.connections.get(request.connection? as usize)?;
        Some(connection.peer)
    }
}

impl Request {
    /// When its client turned to it.
    pub fn began(&self) -> Instant {
        self.intended + Duration::from(self.started)
    }

    /// It was sent while the end of its idle connection was on its way, and failed.
    pub fn has_crossed(&self) -> bool {
        matches!(&self.end, End::Failed(failed) if failed.crossed())
    }
}

impl Failed {
    /// Where it broke.
    pub fn kind(&self) -> super::FailureKind {
        self.fault.kind
    }

    /// What was seen.
    pub fn detail(&self) -> &str {
        &self.fault.detail
    }

    /// It was sent while the end of its idle connection was on its way.
    pub fn crossed(&self) -> bool {
        self.fault.crossed
    }
}

/// What is known of a request while it is under way.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) started: Instant,
    pub(super) peer: Option<SocketAddr>,
    pub(super) connection: Option<u32>,
    pub(super) first_byte: Option<Instant>,
}

impl Trace {
    pub(super) fn new(started: Instant) -> Self {
        Self {
            started,
            peer: None,
            connection: None,
            first_byte: None,
        }
    }
}

/// An answer that counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    Complete(Instant),
    Unjudged(Instant),
    Overtaken(Instant),
}

impl Answer {
    pub(super) fn at(self) -> Instant {
        match self {
            Self::Complete(at) | Self::Unjudged(at) | Self::Overtaken(at) => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_requests_take_64_mb() {
        assert!(size_of::<Request>() <= 64, "{}", size_of::<Request>());
        assert!(size_of::<Connection>() <= 96, "{}", size_of::<Connection>());
    }
}
