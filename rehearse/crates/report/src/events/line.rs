//! The log of events as it is written: JSON, one object a line. `docs/events.md` describes it for
//! those who read it, and changes with it.

use std::borrow::Cow;

pub use rehearse_platform::Condition;
pub use rehearse_platform::PodChange;
use serde::{Deserialize, Serialize};

/// Changes whenever a reader of the version before would misread a log.
pub const VERSION: u32 = 1;

/// A line of the log. Times are milliseconds from the beginning of their scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Line {
    /// The first line.
    Log(Header),
    /// A scenario begins; what follows is of it, up to the next one.
    Scenario(Scenario),
    /// A request has ended.
    Request(Request),
    /// A client's connection.
    Connection(Connection),
    /// Something happened to a pod.
    Pod(Pod),
    /// The clients' node learnt something of an endpoint.
    Endpoint(Endpoint),
    /// The scenario is over.
    Verdict(Verdict),
}

/// What holds for the whole log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`].
    pub version: u32,
    /// Which `rehearse`.
    pub rehearse: String,
    /// The command line, word by word.
    pub command: Vec<String>,
    /// When it began: seconds since 1970 (UTC).
    pub began: u64,
    /// Repeats the run's delays and schedules.
    pub seed: u64,
    /// How late nodes learnt of changes, in words.
    pub propagation: String,
}

/// What is rehearsed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// The service.
    pub service: String,
    /// The conditions in one line.
    pub conditions: String,
    /// The arms that take part.
    pub arms: Vec<String>,
}

/// A request: of HTTP/1.1, on a stream of HTTP/2, a WebSocket's message with its echo, a whole event
/// stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Whose.
    pub arm: Cow<'static, str>,
    /// The kind of client.
    pub kind: Cow<'static, str>,
    /// Which client of this arm and kind.
    pub client: u32,
    /// Its connection, if it got one: unique for the arm and kind.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connection: Option<u32>,
    /// The endpoint, if there was one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peer: Option<String>,
    /// When it was due. Latency counts from here.
    pub intended_ms: f64,
    /// When its client turned to it.
    pub started_ms: f64,
    /// The first byte of its response, by HTTP.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_byte_ms: Option<f64>,
    /// When it counts as answered, or has failed.
    pub ended_ms: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Where it broke, by the names of failures.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub failure: Option<Cow<'static, str>>,
    /// What was seen then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// It was sent while the end of its idle connection was on its way.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub crossed: bool,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// By a complete, correct response.
    Complete,
    /// By a response whose body only the connection's end delimits: whether it is complete nobody
    /// can know.
    Unjudged,
    /// Not at all, and nobody may answer it: a WebSocket's message that met the server's Close on its way
    /// (RFC 6455, 5.5.1). It is in no figure.
    Overtaken,
    /// Otherwise.
    Failed,
}

/// A connection, from its handshake to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Whose.
    pub arm: Cow<'static, str>,
    /// The kind of client.
    pub kind: Cow<'static, str>,
    /// Which client of this arm and kind.
    pub client: u32,
    /// Which connection of this arm and kind.
    pub connection: u32,
    /// The endpoint.
    pub peer: String,
    /// When the handshake was complete.
    pub opened_ms: f64,
    /// When it ended, unless it outlived the run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_ms: Option<f64>,
    /// Who ended it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended: Option<Ended>,
    /// What TLS came to, if it was spoken.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tls: Option<Tls>,
}

/// What TLS came to on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The CRC-32 of the server's certificate.
    pub certificate: u32,
    /// Whether the handshake took up an earlier session, in which that was shown.
    pub resumed: bool,
    /// How the server ended it, as far as the client has seen.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<TlsEnd>,
}

/// How a server ended a connection over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsEnd {
    /// By `close_notify`.
    CloseNotify,
    /// Without it.
    Truncated,
}

/// Who ended a connection, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The client, or the run.
    ByClient,
    /// The server, which had told its client: by `Connection: close`, GOAWAY, Close, or the end of an
    /// event stream.
    Announced,
    /// The server, while nothing was due, and without a word before.
    Unannounced,
    /// A request failed with it.
    WithRequest,
}

/// Something happened to a pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    /// Whose.
    pub arm: Cow<'static, str>,
    /// Its number within its arm, in order of creation.
    pub pod: u64,
    /// Its public address, to which requests and connections go.
    pub address: String,
    /// When.
    pub at_ms: f64,
    /// What.
    pub what: PodChange,
    /// The exit code or signal of `exited`; the drain report's JSON of `reported`; what went wrong.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// What the node that clients connect through knows of an endpoint from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Whose.
    pub arm: Cow<'static, str>,
    /// The pod's number.
    pub pod: u64,
    /// When the change was made.
    pub announced_ms: f64,
    /// When the node knows of it.
    pub known_ms: f64,
    /// Whether new connections go there.
    pub condition: Condition,
}

/// What the figures say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Its name, as in `--json`.
    pub verdict: String,
    /// In words.
    pub summary: String,
}
