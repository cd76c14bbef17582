//! The strict client: it logs every request that it meant to make.
//!
//! Each intended request ends in exactly one way: a complete, correct response, or one failure
//! whose [`FailureKind`] says where it broke. Nothing is ever retried, and connections belong to
//! one client each, because pools retry behind their user's back and so hide the very losses this
//! client is here to count.
//!
//! * **Failure**: from the first byte of a request on, anything but a complete, correct response.
//! * **The network takes time**: for [`Plan::rtt`] the client does not see what the kernel knows of a
//!   connection's end: a FIN or RST, a GOAWAY, a WebSocket's Close. It sends all the same, and what
//!   the server then does not answer is a failure. On loopback sending is delivery: a client that
//!   looks at the kernel before it writes would win a race that others lose.
//! * **Reconnect**: a connection that had served this client before, and of whose end (FIN or RST)
//!   it knows before the first byte of the next request. A connection opened for a request and ended
//!   before its response is a failure, whoever was faster: the request's user got no answer.
//! * **HTTP/2**: a connection is left once GOAWAY is seen; its open streams must be finished. A
//!   stream that is reset, refused by a GOAWAY, or on a connection that ends under it is a failure:
//!   what was on its way is not sent again.
//! * **TLS**: the server's certificate must be the given authority's. A handshake that fails is a failure
//!   of its own kind. An end without `close_notify` may have cut something: then a body that the
//!   connection's end delimits is cut, and one behind `close_notify` complete; an idle connection
//!   that ends so is counted ([`TlsFigures::truncated`]).
//! * **WebSocket**: a message must come back, and a session must end by a proper Close; see
//!   [`Mode::WebSocket`].
//! * **Latency**: from the intended start to the last byte, connect time included, so that a
//!   stalled server cannot hide its stall (see [`Mode`] for the intended start of each mode).

mod buffer;
mod connection;
mod download;
mod driver;
mod events;
mod exchange;
mod failure;
mod h2;
mod headers;
mod kept;
pub mod log;
mod outcome;
mod pattern;
mod request;
mod response;
mod risk;
mod schedule;
mod shared;
mod stage;
mod summary;
#[cfg(test)]
mod tests;
mod think;
mod tls_figures;
mod upload;
mod websocket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use clap::ValueEnum;
use rehearse_tls::Trust;
use tokio_util::sync::CancellationToken;

pub use self::failure::{Example, FailureKind, Failures, Fault};
pub use self::h2::state::{Event as Http2Event, State as Http2State};
pub use self::headers::{Header, Headers};
pub use self::log::Log;
pub use self::outcome::Outcome;
pub use self::summary::{LatencySummary, Summary};
pub use self::think::Think;
pub use self::tls_figures::{Certificate, TlsFigures};

use self::download::Download;
use self::events::Events;
use self::exchange::Exchange;
use self::kept::Kept;
use self::request::Request;
use self::shared::Shared;
use self::upload::Upload;
use self::websocket::WebSocket;

/// How long what crosses on a network may be on its way beside [`Plan::rtt`]: the turns of two busy
/// processes.
const CROSSING: Duration = Duration::from_millis(250);

/// How long a server may take to end a connection of which it has said that it ends. Then we do.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where a new connection goes.
pub trait Endpoints: Send + Sync + 'static {
    /// Picks an endpoint, as kube-proxy does for each new connection. `None`: there is none now,
    /// and the request fails as [`FailureKind::ConnectRefused`], as kube-proxy would reject it.
    fn pick(&self) -> Option<SocketAddr>;
}

/// How a kept client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPER")]
pub enum Method {
    /// Without a body
    Get,
    /// With a body of a few bytes, in one piece with the head
    Post,
}

/// What is known of what a program answers to uploads and downloads, and sends on streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Every byte, as [`Mode`] describes it: the bundled services'.
    Known,
    /// Nothing. An answer is right if it is a success (2xx) and complete; a stream, if it ends by
    /// itself.
    Unknown,
}

/// What a client does, and when.
///
/// `think` is a closed loop: the next request is due one think time after the last one ended, so
/// that a slow service is not driven into an ever growing backlog. `every` is an open loop: due
/// times are fixed in advance and do not wait for responses; a client that is behind (it makes one
/// request at a time) starts at once, and the wait counts as latency. Periods vary by 10 % around
/// their mean. A request's latency counts from its due time in either case; only the timer's own
/// granularity (2 ms) is not charged to the server.
#[derive(Clone, Debug)]
pub enum Mode {
    /// Requests on one connection, kept until the server ends it.
    KeepAlive {
        /// From the end of a request to the next one.
        think: Think,
        /// Which requests.
        method: Method,
    },
    /// `GET` on a new connection each time, announced by `Connection: close`.
    OneShot {
        /// The time between two requests of a client; not zero (taken as 1 ms).
        every: Duration,
    },
    /// `POST` with a slow body, by turns with a length and chunked. The answer must be 200 with
    /// `{"bytes":N,"crc32":"xxxxxxxx"}`, both right.
    Upload {
        /// The time between two requests of a client; longer than one takes.
        every: Duration,
        /// The size of a body.
        bytes: u64,
        /// In how many parts the body is sent; at least 1.
        parts: u32,
        /// From the end of the head to the last part.
        over: Duration,
    },
    /// `GET target?bytes=N`; byte `i` of the answer must be `i % 251`.
    Download {
        /// The time between two requests of a client; longer than one takes.
        every: Duration,
        /// The size to ask for.
        bytes: u64,
        /// Bytes a second at which a slow reader reads (with a small receive buffer, so that the
        /// server feels it). `None`: as fast as they come.
        rate: Option<u64>,
    },
    /// `GET` on many streams of one HTTP/2 connection, by prior knowledge. Each stream has a schedule
    /// of its own, and makes one request at a time. Each client has one connection for new streams.
    H2 {
        /// How many streams a client has; at least 1. What the server does not allow waits.
        streams: usize,
        /// The time between two requests of a stream's place.
        every: Duration,
        /// What every fourth stream does instead.
        slow: Option<SlowStreams>,
    },
    /// Messages on a WebSocket, each of which must come back; what begins with `tick ` and a number
    /// that grows is taken for the server's own, and of a program whose content is not known
    /// everything else, too. A message is a request. The session must end by the server's Close (1001
    /// or 1012): a connection that ends without it is a failure, too.
    WebSocket {
        /// From a message's echo to the next message.
        think: Think,
        /// What each message says, and then any message is its answer. `None`: each message is
        /// another, and must come back.
        message: Option<String>,
    },
    /// Server-Sent Events whose ids, if the content is known, must count up by one, over all
    /// reconnects. A stream is one
    /// request; its latency is the time to the response's head, and `Plan::timeout` bounds the
    /// silence inside it. A stream that the server ends cleanly is complete and is resumed after
    /// the `retry:` hint.
    Events,
}

/// Streams of HTTP/2 that are held back by their window: `GET target?bytes=N`, as of
/// [`Mode::Download`].
#[derive(Clone, Debug)]
pub struct SlowStreams {
    /// Where such a body is.
    pub target: String,
    /// The time between two requests; longer than one takes.
    pub every: Duration,
    /// The size to ask for.
    pub bytes: u64,
    /// Bytes a second.
    pub rate: u64,
}

/// A number of clients of one kind.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What each client does.
    pub mode: Mode,
    /// How many clients, each with its own connection and schedule.
    pub clients: usize,
    /// The request's target, such as `/` or `/download`.
    pub target: String,
    /// Further header fields of each request.
    pub headers: Headers,
    /// The body of a [`Method::Post`].
    pub body: Vec<u8>,
    /// What is known of the answers of all other modes than the next ones.
    pub content: Content,
    /// The whole body that a request of [`Mode::KeepAlive`] and [`Mode::OneShot`] must be answered
    /// with. `None`: any body, if it is complete.
    pub expect: Option<String>,
    /// Decides phases and jitter; one seed, one schedule.
    pub seed: u64,
    /// From a request's actual start to its complete response.
    pub timeout: Duration,
    /// For how long the client does not see what the kernel knows of a connection's end. Zero: it
    /// sees everything at once.
    pub rtt: Duration,
    /// The round trip of the network itself, if it takes time without that.
    pub network: Duration,
    /// Whom the clients trust, if they speak TLS.
    pub tls: Option<Trust>,
}

/// Live counters, for a progress line.
#[derive(Debug, Default)]
pub struct Progress {
    /// Requests that have ended, in either way.
    pub requests: AtomicU64,
    /// Those of them that failed.
    pub failed: AtomicU64,
    /// Server-Sent Events received in order, and what WebSockets sent unasked.
    pub events: AtomicU64,
}

/// Runs the plan's clients on the current tokio runtime until `stop` is cancelled; each then
/// finishes the request it is in (event streams are closed from this side), and the log is
/// returned. `abandon` ends them at once: requests that they are in are in no log. Dropping the future
/// does so, too, without a log.
///
/// # Panics
/// Outside a tokio runtime with I/O and time enabled; and if a client's task panicked.
pub async fn run(
    plan: Plan,
    endpoints: Arc<dyn Endpoints>,
    progress: Arc<Progress>,
    stop: CancellationToken,
    abandon: CancellationToken,
) -> Log {
    let shared = Arc::new(Shared::new(plan, endpoints, progress, stop));
    tokio::select! {
        () = clients(&shared) => {}
        () = abandon.cancelled() => {}
    }
    shared.take_log()
}

async fn clients(shared: &Arc<Shared>) {
    let plan = &shared.plan;
    match &plan.mode {
        Mode::KeepAlive { think, method } => {
            kept(shared, || Request::keep_alive(plan, *think, *method)).await;
        }
        Mode::OneShot { every } => kept(shared, || Request::one_shot(plan, *every)).await,
        Mode::Upload {
            every,
            bytes,
            parts,
            over,
        } => {
            let upload = Upload::new(plan, *every, *bytes, *parts, *over);
            kept(shared, || upload.clone()).await;
        }
        Mode::Download { every, bytes, rate } => {
            let download = Download::new(plan, *every, *bytes, *rate);
            kept(shared, || download.clone()).await;
        }
        Mode::H2 {
            streams,
            every,
            slow,
        } => h2::run(shared, *streams, *every, slow.as_ref()).await,
        Mode::WebSocket { think, .. } => {
            let client = |index| WebSocket::new(shared, index, *think);
            driver::run(shared, plan.clients, client).await;
        }
        Mode::Events => kept(shared, || Events::new(shared)).await,
    }
}

/// Clients that keep an HTTP/1.1 connection as long as the server does.
async fn kept<E: Exchange>(shared: &Arc<Shared>, exchange: impl Fn() -> E) {
    let client = |index| Kept::new(shared, index, exchange());
    driver::run(shared, shared.plan.clients, client).await;
}
