//! What a program is held to: each requirement with its level, and the sentence that it comes from.
//! Cases of one requirement weigh as one.

mod sources;

use serde::{Deserialize, Serialize};

use self::sources as source;

/// Where the requirements are explained; each has its section.
pub(super) const DOCUMENT: &str = "docs/conformance.md";

/// How binding a requirement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// The source says MUST (RFC 2119).
    Must,
    /// The source says SHOULD, or says what servers do and why.
    Should,
    /// Ours: no source asks for it, though one may allow it.
    Convention,
}

impl Level {
    pub(super) const ALL: [Self; 3] = [Self::Must, Self::Should, Self::Convention];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::Convention => "convention",
        }
    }
}

/// A requirement.
#[derive(Debug)]
pub(super) struct Requirement {
    pub(super) name: &'static str,
    /// In one sentence.
    pub(super) statement: &'static str,
    pub(super) level: Level,
    /// Of a convention: what allows it, if anything speaks of it at all.
    pub(super) source: Option<Source>,
    /// The heading in the document, as its links have it.
    pub(super) section: &'static str,
}

/// Where a requirement comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    document: Document,
    section: &'static str,
    /// Word for word.
    pub(super) sentence: &'static str,
}

/// What sources are sections of.
#[derive(Clone, Copy, Debug)]
enum Document {
    /// Of this number.
    Rfc(u16),
    /// The Kubernetes documentation's concepts: the page's path.
    Kubernetes(&'static str),
}

impl Source {
    /// The document and its section, in a few words.
    pub(super) fn reference(&self) -> String {
        match self.document {
            Document::Rfc(number) => format!("RFC {number}, {}", self.section),
            Document::Kubernetes(_) => format!("Kubernetes, {}", self.section),
        }
    }

    pub(super) fn url(&self) -> String {
        match self.document {
            Document::Rfc(number) => {
                format!(
                    "https://www.rfc-editor.org/rfc/rfc{number}#section-{}",
                    self.section
                )
            }
            Document::Kubernetes(page) => {
                let section = self.section.to_lowercase().replace(' ', "-");
                format!("https://kubernetes.io/docs/concepts/{page}/#{section}")
            }
        }
    }
}

/// One constant for each, and the list of all.
macro_rules! requirements {
    ($($constant:ident = $level:ident($name:literal, $section:literal, $source:expr), $statement:literal;)*) => {
        $(pub(super) static $constant: Requirement = Requirement {
            name: $name,
            statement: $statement,
            level: Level::$level,
            source: $source,
            section: $section,
        };)*

        /// All of them: by level, and then in the order of the tables.
        pub(super) static ALL: &[&Requirement] = &[$(&$constant),*];
    };
}

requirements! {
    VALID_HOST = Must("valid-host", "host", Some(source::HOST_INVALID)),
        "A Host that is no host is answered by 400.";
    LONG_TARGET = Must("long-target", "framing", Some(source::TARGET_TOO_LONG)),
        "A request-target that is too long is answered by 414.";
    HEAD_WITHOUT_CONTENT = Must("head-without-content", "framing", Some(source::HEAD_NO_CONTENT)),
        "The response to HEAD ends with its head.";
    REQUEST_BODY_DELIMITED = Must("request-body-delimited", "framing", Some(source::READ_WHOLE_BODY)),
        "A request's body is read, and not taken for the next request.";
    WEBSOCKET_CLOSE = Must("websocket-close", "websocket", Some(source::CLOSE_FRAME)),
        "A WebSocket is ended by a Close frame.";
    WEBSOCKET_CLOSING_HANDSHAKE = Must("websocket-closing-handshake", "websocket", Some(source::CLOSE_TCP)),
        "After Close and its answer the server closes the connection.";
    CLOSE_NOTIFY = Must("close-notify", "tls", Some(source::CLOSE_NOTIFY)),
        "TLS: close_notify comes before each FIN.";
    ACCEPT_QUEUE = Should("accept-queue", "the-accept-queue", Some(source::FINISH_OPEN)),
        "A connection that the kernel has accepted is served.";
    REQUESTS_IN_FLIGHT = Should("requests-in-flight", "in-flight", Some(source::FINISH_OPEN)),
        "A request is in flight from the first byte of its head, and is finished.";
    KEPT_CONNECTION_REQUESTS = Should("kept-connection-requests", "idle-connections", Some(source::FINISH_OPEN)),
        "A request that has arrived on a kept connection is served.";
    REQUEST_BODIES = Should("request-bodies", "request-bodies", Some(source::FINISH_OPEN)),
        "A body that is still arriving is awaited.";
    LONG_RESPONSES = Should("long-responses", "the-last-byte", Some(source::FINISH_OPEN)),
        "A response that takes long arrives whole.";
    HTTP2_STREAMS = Should("h2-streams", "http2-streams", Some(source::FINISH_STREAMS)),
        "HTTP/2: streams that are open are finished.";
    CLOSE_ANNOUNCED = Should("close-announced", "connection-close", Some(source::ANNOUNCE_CLOSE)),
        "The last response on a connection says Connection: close, and FIN follows.";
    NO_RESET = Should("no-reset", "no-reset", Some(source::CLOSE_IN_STAGES)),
        "A client that still sends meets FIN, and no RST that destroys the response.";
    LAST_BYTE = Should("last-byte", "the-last-byte", Some(source::LAST_ACKNOWLEDGED)),
        "The process stays until its client has acknowledged the last byte.";
    HALF_CLOSE = Should("half-close", "half-close", Some(source::STILL_INTERESTED)),
        "A client that has sent FIN behind its request gets its answer.";
    EMPTY_LINES = Should("empty-lines", "framing", Some(source::IGNORE_EMPTY_LINE)),
        "An empty line before a request is ignored.";
    MALFORMED_CHUNKS = Should("malformed-chunks", "framing", Some(source::NOT_THE_GRAMMAR)),
        "A malformed chunked body is answered by 400, and the connection ends.";
    HEAD_LIKE_GET = Should("head-like-get", "probes", Some(source::HEAD_AS_GET)),
        "Probes answer HEAD as they answer GET.";
    READINESS = Should("readiness", "probes", Some(source::READY_TO_RESPOND)),
        "Readiness says whether new connections are served.";
    GOAWAY = Should("h2-goaway", "goaway", Some(source::ALWAYS_GOAWAY)),
        "HTTP/2: GOAWAY is sent before a connection is closed.";
    GOAWAY_FIRST = Should("h2-goaway-first", "goaway", Some(source::INITIAL_GOAWAY)),
        "HTTP/2: the first GOAWAY allows every stream, and those that cross it are served.";
    HTTP2_HOST = Should("h2-host", "host", Some(source::HOST_DIFFERS)),
        "HTTP/2: a Host that differs from :authority is refused.";
    WEBSOCKET_PROTOCOL_ERROR = Should("websocket-protocol-error", "websocket", Some(source::FAIL_BY_CLOSE)),
        "A frame that breaks the protocol is answered by Close 1002.";
    PRESTOP_REPEATED = Should("prestop-repeated", "prestop", Some(source::HOOK_AGAIN)),
        "The preStop hook may be called more than once.";
    TLS_RECORDS = Should("tls-records", "tls", Some(source::FINISH_OPEN)),
        "TLS: a request is in flight from the first byte of its first record, and is finished.";
    TLS_RESUMPTION = Should("tls-resumption", "tls", Some(source::NO_ACCEPTABLE_SESSION)),
        "TLS: a session that another replica began is taken up, or begun anew.";
    LAME_DUCK = Convention("lame-duck", "lame-duck", None),
        "For some time after the signal new connections are served.";
    REFUSED_CLEANLY = Convention("refused-cleanly", "the-accept-queue", None),
        "New connections are refused in the end: none hangs, none is accepted and dropped.";
    FIRST_REQUEST = Convention("late-first-request", "the-accept-queue", None),
        "Who connected just before the end has time for a first request.";
    TLS_HANDSHAKES = Convention("tls-handshakes", "tls", None),
        "TLS: a handshake that has begun is finished, and its request served.";
    IDLE_KEPT = Convention("idle-kept", "idle-connections", Some(source::MAY_CLOSE)),
        "An idle connection is left to its client while there is something to wait for.";
    IDLE_ENDED = Convention("idle-ended", "idle-connections", None),
        "A connection with nothing in flight ends by FIN, and holds nobody.";
    PIPELINING = Convention("pipelining", "pipelining", None),
        "Pipelined requests that have arrived are answered; the last response says close.";
    UPGRADE_OFFERS = Convention("upgrade-offers", "upgrade-offers", Some(source::MAY_IGNORE_UPGRADE)),
        "An offer of h2c that is not taken costs nothing.";
    EARLY_REFUSAL = Convention("early-refusal", "request-bodies", None),
        "A request that is refused is not asked for its body.";
    EVENT_STREAMS = Convention("event-streams", "streams", None),
        "Server-Sent Events go on in the lame duck, then end in good order.";
    WEBSOCKET_DRAIN = Convention("websocket-drain", "websocket", Some(source::CLOSE_CODES)),
        "A WebSocket goes on in the lame duck; its Close says why.";
    GOAWAY_SECOND = Convention("h2-goaway-second", "goaway", Some(source::SECOND_GOAWAY)),
        "HTTP/2: a second GOAWAY, a round trip later, names the last stream.";
    HTTP2_NEW_CONNECTIONS = Convention("h2-new-connections", "goaway", None),
        "HTTP/2: who connects in the lame duck is told after its first request.";
    LIVENESS = Convention("liveness", "probes", None),
        "Liveness passes until the process has exited.";
    HEALTH_CHECK = Convention("health-check", "probes", None),
        "A check for load balancers that poll fails from the signal on.";
    ADMIN_PORT = Convention("admin-port", "the-admin-port", None),
        "The admin port answers to the end, and whoever holds connections to it.";
    PRESTOP = Convention("prestop", "prestop", None),
        "The preStop hook answers when the lame duck is over, and only its caller may call it.";
    REPEATED_SIGNALS = Convention("repeated-signals", "signals", None),
        "A termination signal that is repeated changes nothing.";
    OTHER_SIGNALS = Convention("other-signals", "signals", None),
        "SIGINT, SIGHUP and SIGQUIT end the process in good order, too.";
    EXIT_CODE = Convention("exit-code", "exit-code", None),
        "The exit code is 0 if nothing was cut, and only then.";
    DEADLINE = Convention("deadline", "deadline", None),
        "The process exits before its grace period is over, whatever is in flight.";
    PROMPT_EXIT = Convention("prompt-exit", "prompt-exit", None),
        "With nothing in flight the process exits soon after its lame duck.";
    SETTINGS_CHECKED = Convention("settings-checked", "settings", None),
        "Settings that cannot work are refused before a port is bound.";
}
