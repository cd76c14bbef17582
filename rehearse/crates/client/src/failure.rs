//! What can go wrong with a request, by where it broke, and the book of what did.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use serde::{Serialize, Serializer};

/// Examples kept of each kind, so that a flood of one cannot push the others out.
const EXAMPLES_PER_KIND: usize = 5;

/// Where a request broke. The order is that of a request's life; the names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// The connection was refused, or there was no endpoint to connect to.
    ConnectRefused,
    /// No handshake in time.
    ConnectTimeout,
    /// Any other failure to connect, such as an unreachable network or a lack of local ports.
    ConnectOther,
    /// TLS's handshake failed, after TCP's: a refusal, an end, or nothing in time.
    HandshakeFailed,
    /// RST (or a broken pipe) before the first byte of the response.
    ResetBeforeResponse,
    /// FIN before the first byte of the response.
    ClosedBeforeResponse,
    /// The network gave the connection up (such as "no route to host") before the response.
    ConnectionLost,
    /// The connection ended inside the response's head.
    CutInHead,
    /// The connection ended inside the response's body, or before its end marker.
    CutInBody,
    /// HTTP/2: the server reset the stream (RST_STREAM), whatever the reason.
    StreamReset,
    /// HTTP/2: the stream is beyond the last one of a GOAWAY, or that came before the first stream.
    StreamRefusedByGoaway,
    /// Not the protocol that was spoken, or bytes that no request asked for.
    BadResponse,
    /// A response, but not the status that was due.
    WrongStatus,
    /// A complete response with a wrong body.
    WrongBody,
    /// An event stream left out at least one event.
    EventsLost,
    /// An event stream sent an event again.
    EventsDoubled,
    /// An event stream sent an event after a later one, and not before.
    EventsMisplaced,
    /// WebSocket: a message that the server had long before its Close did not come back.
    EchoMissing,
    /// WebSocket: the connection ended without a Close frame.
    NoCloseFrame,
    /// WebSocket: a Close that says neither 1001 (going away) nor 1012 (service restart).
    WrongCloseCode,
    /// No complete response within the plan's timeout.
    Timeout,
}

impl FailureKind {
    /// The kind's stable name, for tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectRefused => "connect-refused",
            Self::ConnectTimeout => "connect-timeout",
            Self::ConnectOther => "connect-other",
            Self::HandshakeFailed => "tls-handshake-failed",
            Self::ResetBeforeResponse => "reset-before-response",
            Self::ClosedBeforeResponse => "closed-before-response",
            Self::ConnectionLost => "connection-lost",
            Self::CutInHead => "cut-in-head",
            Self::CutInBody => "cut-in-body",
            Self::StreamReset => "stream-reset",
            Self::StreamRefusedByGoaway => "stream-refused-by-goaway",
            Self::BadResponse => "bad-response",
            Self::WrongStatus => "wrong-status",
            Self::WrongBody => "wrong-body",
            Self::EventsLost => "events-lost",
            Self::EventsDoubled => "events-doubled",
            Self::EventsMisplaced => "events-out-of-order",
            Self::EchoMissing => "echo-missing",
            Self::NoCloseFrame => "no-close-frame",
            Self::WrongCloseCode => "wrong-close-code",
            Self::Timeout => "timeout",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for FailureKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One failed request, in detail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Milliseconds from the start of the run to the failure.
    pub at_ms: u64,
    /// The endpoint, if there was one.
    pub peer: Option<SocketAddr>,
    /// Where it broke.
    pub kind: FailureKind,
    /// What was seen, such as the system's error.
    pub detail: String,
}

/// Failures by kind, with the first few of each kind in detail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    counts: BTreeMap<FailureKind, u64>,
    examples: Vec<Example>,
}

impl FromIterator<(FailureKind, u64)> for Failures {
    /// Failures of which nothing but their number is known.
    fn from_iter<T: IntoIterator<Item = (FailureKind, u64)>>(counts: T) -> Self {
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        Self {
            counts: counts.collect(),
            examples: Vec::new(),
        }
    }
}

impl Failures {
    /// The sum over all kinds.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many requests failed in this way.
    pub fn count(&self, kind: FailureKind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// The counts by kind; kinds that did not occur are absent.
    pub fn counts(&self) -> &BTreeMap<FailureKind, u64> {
        &self.counts
    }

    /// Up to five examples of each kind, in the order of their time.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }

    /// Adds another run's failures to these.
    pub fn merge(&mut self, other: Self) {
        for (kind, count) in other.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        let mut candidates = std::mem::take(&mut self.examples);
        candidates.extend(other.examples);
        candidates.sort_by_key(|example| example.at_ms);
        for example in candidates {
            self.keep(example);
        }
    }

    pub(super) fn record(&mut self, example: Example) {
        *self.counts.entry(example.kind).or_default() += 1;
        self.keep(example);
    }

    fn keep(&mut self, example: Example) {
        let kept = self
            .examples
            .iter()
            .filter(|kept| kept.kind == example.kind)
            .count();
        if kept < EXAMPLES_PER_KIND {
            self.examples.push(example);
        }
    }
}

/// A failure on its way to the log.
#[derive(Debug)]
pub struct Fault {
    /// What it is.
    pub kind: FailureKind,
    /// What was seen.
    pub detail: String,
    /// The request was sent while the end of its idle connection was on its way.
    pub(super) crossed: bool,
}

impl Fault {
    pub(super) fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            crossed: false,
        }
    }

    pub(super) fn bad(detail: impl Into<String>) -> Self {
        Self::new(FailureKind::BadResponse, detail)
    }

    pub(super) fn connect(error: &io::Error) -> Self {
        let kind = match error.kind() {
            ErrorKind::ConnectionRefused => FailureKind::ConnectRefused,
            ErrorKind::TimedOut => FailureKind::ConnectTimeout,
            // Only after the handshake: a handshake that is reset is "refused".
            ErrorKind::ConnectionReset => FailureKind::ResetBeforeResponse,
            _ => FailureKind::ConnectOther,
        };
        Self::new(kind, error.to_string())
    }
}
