//! What stands around actix's codec ([`Codec`], actix-http 3.20), each with the input that it is
//! there for.
//!
//! | input | what the codec does | here |
//! |---|---|---|
//! | `GET / HTTP/1.1\nhost: a\n\n` | takes a lone LF for the end of a line | [`Lines::look`] |
//! | a head that comes byte by byte | begins anew with each | [`Lines::look`] |
//! | a head of 250 kB, if it pauses shortly before 128 KiB | takes it | [`Lines::look`] |
//! | `\r\n`, and nothing else | keeps it for the half of a head | [`Lines::skip_line_ends`] |
//! | a field's name of 65,536 bytes | panics | [`before`] |
//! | a target of 65,535 bytes, or of 128 KiB | says that it is bad, or that the head is | [`status`] |
//! | `CONNECT a:1` | takes all that follows for its body | [`behind`] |
//! | `GET a:1`, `GET a`, `GET *` | serves them | [`behind`] |
//! | `host: a b`, `u@a`, `a/b`, `a, b`, `[a]`, `a:b` | serves them | [`behind`] |
//! | `GET http://a/` with `host: b`; `http://u@a/` | serves them | [`behind`] |
//! | `connection: upgrade`, granted or not | keeps no connection | [`without_offer`] |
//! | `upgrade: websocket` | forgets `content-length`, and that chunks are chunks | [`without_offer`], [`Content::of`] |
//! | `upgrade: websocket` by HTTP/1.0 | shows it to the handler | `head.rs` |
//! | a body in chunks | lets pass whatever stands behind the last one | [`Chunks`] |
//! | `NoContent().body("x")`, HEAD, `body::None` | writes `x`; produces it; no length at all | [`Framing::of`] |
//! | a stream to a client of HTTP/1.0 | sends chunks | `respond.rs` |
//! | a status of 102, or of 101 that nobody asked for | is the answer | `respond.rs` |
//!
//! [`Lines::look`]: super::lines::Lines::look
//! [`Lines::skip_line_ends`]: super::lines::Lines::skip_line_ends
//! [`Content::of`]: super::content::Content::of
//! [`Chunks`]: super::chunks::Chunks
//! [`Framing::of`]: crate::conn::framing::Framing::of

use actix_http::{
    ConnectionType, Method, RequestHead, ServiceConfig, StatusCode, Uri, Version,
    error::ParseError,
    h1::Codec,
    header::{self, HeaderMap, HeaderValue},
};
use bytes::BytesMut;
use memchr::memchr;
use tokio_util::codec::Decoder as _;

use crate::conn::authority::{Authority, LastHost};

/// The longest name of a field, and the longest target, of which the `http` crate can make one.
const LONGEST_NAME: usize = u16::MAX as usize;
const LONGEST_TARGET: usize = u16::MAX as usize - 1;

/// Why a head may not be shown to the codec.
#[inline]
pub(super) fn before(read: &[u8]) -> Option<StatusCode> {
    if read.len() <= LONGEST_NAME {
        return None;
    }
    let is_too_long = |line: &[u8]| memchr(b':', line).unwrap_or(line.len()) > LONGEST_NAME;
    let mut fields = lines(read).skip(1).take_while(|line| *line != b"\r");
    let too_long = fields.any(is_too_long);
    too_long.then_some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
}

fn lines(read: &[u8]) -> impl Iterator<Item = &[u8]> {
    read.split(|byte| *byte == b'\n')
}

/// What is answered to a head that the codec does not take.
pub(super) fn status(error: &ParseError, read: &[u8]) -> StatusCode {
    let bad = match error {
        ParseError::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ParseError::Uri(_) => StatusCode::BAD_REQUEST,
        _ => return StatusCode::BAD_REQUEST,
    };
    let mut line = lines(read)
        .next()
        .unwrap_or_default()
        .split(|byte| *byte == b' ');
    match line.nth(1) {
        Some(target) if target.len() > LONGEST_TARGET => StatusCode::URI_TOO_LONG,
        _ => bad,
    }
}

/// Why a head that the codec takes is no request for us.
pub(super) fn behind(head: &RequestHead, last_host: &LastHost) -> Option<StatusCode> {
    if head.method == Method::CONNECT {
        // Nobody here makes a tunnel.
        return Some(StatusCode::NOT_IMPLEMENTED);
    }
    // The codec has seen to it that there is one, unless by HTTP/1.0, and no more than one.
    let field = head.headers.get(header::HOST).map(HeaderValue::as_bytes);
    // Empty where the target names none (RFC 9112, 3.2).
    let is_bad = field.is_some_and(|field| !field.is_empty() && !last_host.is_good(field));
    let is_same = |authority: Authority<'_>, scheme: &str| {
        let host = field.and_then(Authority::parse);
        field.is_none() || host.is_some_and(|host| authority.is(host, scheme))
    };
    let good = !is_bad && is_target(&head.uri, &head.method, is_same);
    (!good).then_some(StatusCode::BAD_REQUEST)
}

/// RFC 9112, 3.2: the other forms are for other methods. A target that names a host names the same
/// as the field: otherwise two parties may see different ones.
fn is_target(
    uri: &Uri,
    method: &Method,
    is_same: impl FnOnce(Authority<'_>, &str) -> bool,
) -> bool {
    match (uri.scheme_str(), uri.authority()) {
        (None, None) => {
            let path = uri.path();
            path.starts_with('/') || path == "*" && method == Method::OPTIONS
        }
        (Some(scheme), Some(authority)) => Authority::parse(authority.as_str().as_bytes())
            .is_some_and(|authority| is_same(authority, scheme)),
        _ => false,
    }
}

/// A codec for the response to a request that has offered another protocol, whether it is granted
/// or not: to the codec that has read the offer the connection is another protocol's. So this one
/// has read a request that offers nothing.
pub(super) fn without_offer(config: ServiceConfig, head: &RequestHead) -> Codec {
    let method = if head.method == Method::HEAD {
        "HEAD"
    } else {
        "GET"
    };
    let is_http_1_0 = head.version < Version::HTTP_11;
    let kept = match head.connection_type() {
        ConnectionType::KeepAlive => true,
        ConnectionType::Close => false,
        ConnectionType::Upgrade => !is_http_1_0 || says_keep_alive(&head.headers),
    };
    let (version, connection) = (
        u8::from(!is_http_1_0),
        if kept { "keep-alive" } else { "close" },
    );
    let plain = format!("{method} / HTTP/1.{version}\r\nhost:\r\nconnection: {connection}\r\n\r\n");
    let mut codec = Codec::new(config);
    let read = codec.decode(&mut BytesMut::from(plain.as_bytes()));
    debug_assert!(matches!(read, Ok(Some(_))), "it is a request");
    codec
}

fn says_keep_alive(headers: &HeaderMap) -> bool {
    let connection = headers.get_all(header::CONNECTION);
    let mut options = connection
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    options.any(|option| option.trim().eq_ignore_ascii_case("keep-alive"))
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
