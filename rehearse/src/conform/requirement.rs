//! The rules that the cases hold a program to. `docs/conformance.md` has a section for each, with
//! the reason and the source.

/// Where the rules are explained.
pub(super) const DOCUMENT: &str = "docs/conformance.md";

/// A rule; its anchor is the heading in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    LameDuck,
    Fence,
    NoReset,
    Goodbye,
    Idle,
    InFlight,
    Pipelining,
    Framing,
    Host,
    Offers,
    HalfClose,
    Bodies,
    LastByte,
    Streams,
    WebSocket,
    Http2Goodbye,
    Http2Streams,
    Probes,
    Admin,
    Signals,
    Prestop,
    ExitCode,
    Deadline,
    Early,
    Budget,
}

impl Rule {
    /// The heading, as the document's links have it.
    pub(super) fn anchor(self) -> &'static str {
        match self {
            Self::LameDuck => "lame-duck",
            Self::Fence => "the-fence",
            Self::NoReset => "no-reset",
            Self::Goodbye => "goodbye",
            Self::Idle => "idle-connections",
            Self::InFlight => "in-flight",
            Self::Pipelining => "pipelining",
            Self::Framing => "framing",
            Self::Host => "host",
            Self::Offers => "upgrade-offers",
            Self::HalfClose => "half-close",
            Self::Bodies => "request-bodies",
            Self::LastByte => "the-last-byte",
            Self::Streams => "streams",
            Self::WebSocket => "websocket",
            Self::Http2Goodbye => "goaway-in-two-steps",
            Self::Http2Streams => "http2-streams",
            Self::Probes => "probes",
            Self::Admin => "the-admin-port",
            Self::Signals => "signals",
            Self::Prestop => "prestop",
            Self::ExitCode => "exit-code",
            Self::Deadline => "deadline",
            Self::Early => "no-waiting-for-nothing",
            Self::Budget => "one-budget",
        }
    }

    /// Where it comes from, in a few words.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::LameDuck | Self::Idle | Self::Probes | Self::Admin => "Kubernetes: pod lifecycle",
            Self::Signals | Self::Prestop | Self::Deadline | Self::Early | Self::Budget => {
                "Kubernetes: pod termination"
            }
            Self::Fence => "Linux: listen(2), tcp(7)",
            Self::NoReset | Self::Goodbye => "RFC 9112, 9.6",
            Self::InFlight | Self::Pipelining => "RFC 9112, 9.3",
            Self::Framing => "RFC 9112, 2.2, 6.3 and 7.1; RFC 9110, 9.3.2",
            Self::Host => "RFC 9112, 3.2; RFC 9113, 8.3.1",
            Self::Offers => "RFC 9110, 7.8",
            Self::HalfClose => "RFC 9293, 3.6",
            Self::Bodies => "RFC 9110, 10.1.1; RFC 9112, 6 and 7",
            Self::LastByte => "Linux: tcp(7), SIOCOUTQ",
            Self::Streams => "RFC 9112, 7.1 and 8",
            Self::WebSocket => "RFC 6455, 5.5.1 and 7.4.1",
            Self::Http2Goodbye | Self::Http2Streams => "RFC 9113, 6.8",
            Self::ExitCode => "Kubernetes: container exit codes; sysexits.h",
        }
    }
}
