//! The sentences that requirements come from, word for word.

use super::{Document, Source};

const fn rfc(number: u16, section: &'static str, sentence: &'static str) -> Source {
    source(Document::Rfc(number), section, sentence)
}

const fn source(document: Document, section: &'static str, sentence: &'static str) -> Source {
    Source {
        document,
        section,
        sentence,
    }
}

const PODS: Document = Document::Kubernetes("workloads/pods/pod-lifecycle");
const HOOKS: Document = Document::Kubernetes("containers/container-lifecycle-hooks");

pub(super) const HOST_INVALID: Source = rfc(
    9112,
    "3.2",
    "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message \
     that lacks a Host header field and to any request message that contains more than one Host \
     header field line or a Host header field with an invalid field value.",
);

pub(super) const CLOSE_NOTIFY: Source = rfc(
    8446,
    "6.1",
    "Each party MUST send a \"close_notify\" alert before closing its write side of the connection, \
     unless it has already sent some error alert.",
);

pub(super) const NO_ACCEPTABLE_SESSION: Source = rfc(
    8446,
    "4.2.11",
    "If no acceptable PSKs are found, the server SHOULD perform a non-PSK handshake if possible.",
);

pub(super) const TARGET_TOO_LONG: Source = rfc(
    9112,
    "3",
    "A server that receives a request-target longer than any URI it wishes to parse MUST respond \
     with a 414 (URI Too Long) status code.",
);

pub(super) const HEAD_NO_CONTENT: Source = rfc(
    9110,
    "9.3.2",
    "The HEAD method is identical to GET except that the server MUST NOT send content in the \
     response.",
);

pub(super) const READ_WHOLE_BODY: Source = rfc(
    9112,
    "9.3",
    "A server MUST read the entire request message body or close the connection after sending its \
     response; otherwise, the remaining data on a persistent connection would be misinterpreted \
     as the next request.",
);

pub(super) const CLOSE_FRAME: Source = rfc(
    6455,
    "7.1.2",
    "To Start the WebSocket Closing Handshake with a status code (Section 7.4) /code/ and an \
     optional close reason (Section 7.1.6) /reason/, an endpoint MUST send a Close control frame.",
);

pub(super) const CLOSE_TCP: Source = rfc(
    6455,
    "5.5.1",
    "After both sending and receiving a Close message, an endpoint considers the WebSocket \
     connection closed and MUST close the underlying TCP connection. The server MUST close the \
     underlying TCP connection immediately …",
);

pub(super) const FINISH_OPEN: Source = source(
    PODS,
    "Pod Termination Flow",
    "Pods that shut down slowly should not continue to serve regular traffic and should start \
     terminating and finish processing open connections.",
);

pub(super) const FINISH_STREAMS: Source = rfc(
    9113,
    "6.8",
    "GOAWAY allows an endpoint to gracefully stop accepting new streams while still finishing \
     processing of previously established streams.",
);

pub(super) const ANNOUNCE_CLOSE: Source = rfc(
    9112,
    "9.6",
    "A sender SHOULD send a Connection header field (Section 7.6.1 of [HTTP]) containing the \
     \"close\" connection option when it intends to close a connection.",
);

pub(super) const CLOSE_IN_STAGES: Source = rfc(
    9112,
    "9.6",
    "To avoid the TCP reset problem, servers typically close a connection in stages. First, the \
     server performs a half-close by closing only the write side of the read/write connection. \
     The server then continues to read from the connection until it receives a corresponding \
     close by the client …",
);

pub(super) const LAST_ACKNOWLEDGED: Source = rfc(
    9112,
    "9.6",
    "[The server continues to read] until the server is reasonably certain that its own TCP stack \
     has received the client's acknowledgement of the packet(s) containing the server's last \
     response.",
);

pub(super) const STILL_INTERESTED: Source = rfc(
    9112,
    "9.6",
    "Note that a TCP connection that is half-closed by the client does not delimit a request \
     message, nor does it imply that the client is no longer interested in a response.",
);

pub(super) const IGNORE_EMPTY_LINE: Source = rfc(
    9112,
    "2.2",
    "In the interest of robustness, a server that is expecting to receive and parse a \
     request-line SHOULD ignore at least one empty line (CRLF) received prior to the \
     request-line.",
);

pub(super) const NOT_THE_GRAMMAR: Source = rfc(
    9112,
    "2.2",
    "When a server listening only for HTTP request messages, or processing what appears from the \
     start-line to be an HTTP request message, receives a sequence of octets that does not match \
     the HTTP-message grammar aside from the robustness exceptions listed above, the server \
     SHOULD respond with a 400 (Bad Request) response and close the connection.",
);

pub(super) const HEAD_AS_GET: Source = rfc(
    9110,
    "9.3.2",
    "The server SHOULD send the same header fields in response to a HEAD request as it would have \
     sent if the request method had been GET.",
);

pub(super) const READY_TO_RESPOND: Source = source(
    PODS,
    "Types of probe",
    "[readinessProbe] Indicates whether the container is ready to respond to requests.",
);

pub(super) const ALWAYS_GOAWAY: Source = rfc(
    9113,
    "6.8",
    "Endpoints SHOULD always send a GOAWAY frame before closing a connection so that the remote \
     peer can know whether a stream has been partially processed or not.",
);

pub(super) const INITIAL_GOAWAY: Source = rfc(
    9113,
    "6.8",
    "A server that is attempting to gracefully shut down a connection SHOULD send an initial \
     GOAWAY frame with the last stream identifier set to 2^31-1 and a NO_ERROR code.",
);

pub(super) const SECOND_GOAWAY: Source = rfc(
    9113,
    "6.8",
    "After allowing time for any in-flight stream creation (at least one round-trip time), the \
     server MAY send another GOAWAY frame with an updated last stream identifier.",
);

pub(super) const HOST_DIFFERS: Source = rfc(
    9113,
    "8.3.1",
    "A server SHOULD treat a request as malformed if it contains a Host header field that \
     identifies an entity that differs from the entity in the \":authority\" pseudo-header field.",
);

pub(super) const FAIL_BY_CLOSE: Source = rfc(
    6455,
    "7.1.7",
    "If The WebSocket Connection is Established prior to the point where the endpoint is required \
     to Fail the WebSocket Connection, the endpoint SHOULD send a Close frame with an appropriate \
     status code (Section 7.4) before proceeding to Close the WebSocket Connection.",
);

pub(super) const HOOK_AGAIN: Source = source(
    HOOKS,
    "Hook delivery guarantees",
    "Hook delivery is intended to be at least once, which means that a hook may be called multiple \
     times for any given event, such as for PostStart or PreStop. It is up to the hook \
     implementation to handle this correctly.",
);

pub(super) const MAY_CLOSE: Source = rfc(
    9112,
    "9.5",
    "A client, server, or proxy MAY close the transport connection at any time.",
);

pub(super) const MAY_IGNORE_UPGRADE: Source = rfc(
    9110,
    "7.8",
    "A server MAY ignore a received Upgrade header field if it wishes to continue using the \
     current protocol on that connection.",
);

pub(super) const CLOSE_CODES: Source = rfc(
    6455,
    "7.4.1",
    "Endpoints MAY use the following pre-defined status codes when sending a Close frame.",
);
