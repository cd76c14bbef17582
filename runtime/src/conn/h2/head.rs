//! Heads on their way between `h2` and actix, which use two generations of the `http` crate.

use std::net::SocketAddr;

use actix_http::{
    Method, Request, RequestHead, ResponseHead, Uri, Version,
    body::BodySize,
    header::{self, HeaderName, HeaderValue, InvalidHeaderValue},
    uri,
};
use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap,
    header::{COOKIE, HOST},
    uri::PathAndQuery,
};

use crate::conn::{authority::Authority, dates::Dates};

/// Headers that are a single connection's, and HTTP/1.1's (RFC 9113, 8.2.2).
const OF_CONNECTION: [HeaderName; 3] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
const OF_CONNECTION_BY_HABIT: [&str; 2] = ["keep-alive", "proxy-connection"];

/// As many fields as actix' decoder of HTTP/1.1 takes.
const FIELDS: usize = 96;

/// Why a head is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// RFC 9113, 8.1.1; or it holds something that actix' generation of types does not.
    Malformed,
    TooManyFields,
    /// With this one the heads of its connection would weigh too much.
    TooMuch,
}

impl Refusal {
    /// What it is counted under, though a stream that is reset has no status.
    pub(super) fn status(&self) -> actix_http::StatusCode {
        use actix_http::StatusCode;
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TooMuch => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What fields hold in memory beside their bytes: actix keeps them in a table of which an eighth and
/// more is free, with room for several values in each place, and each has its name and value apart.
fn overhead(fields: usize) -> usize {
    const PLACE: usize = 210;
    const APART: usize = 64;
    (fields * 8).div_ceil(7).next_power_of_two() * PLACE + fields * APART
}

/// The request as actix wants it, and what its head weighs. What `h2` finds malformed does not come
/// here.
pub(super) fn request(
    parts: http::request::Parts,
    peer: Option<SocketAddr>,
) -> Result<(Request, usize), Refusal> {
    let cookies = crumbs(&parts.headers);
    if parts.headers.len() > FIELDS + cookies.saturating_sub(1) {
        return Err(Refusal::TooManyFields);
    }
    let mut request = Request::new();
    let weight = fill(request.head_mut(), parts, peer).ok_or(Refusal::Malformed)?;
    Ok((request, weight))
}

/// The fields that the cookie comes in, if there are so many that it matters.
fn crumbs(headers: &HeaderMap) -> usize {
    match headers.len() > FIELDS {
        true => headers.get_all(COOKIE).iter().count(),
        false => 0,
    }
}

fn fill(
    head: &mut RequestHead,
    parts: http::request::Parts,
    peer: Option<SocketAddr>,
) -> Option<usize> {
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).ok()?;
    head.uri = uri(&parts.uri)?;
    head.version = Version::HTTP_2;
    head.peer_addr = peer;
    let place = Place::of(&parts)?;
    let mut named = place.authority.is_some();
    let (mut hosts, mut cookies) = (0, 0);
    let mut weight = parts.uri.path().len() + overhead(parts.headers.len());
    for (name, value) in &parts.headers {
        weight += name.as_str().len() + value.len();
        let value = if name == HOST {
            hosts += 1;
            named = true;
            (hosts == 1 && place.is(value)).then(|| HeaderValue::from_bytes(value.as_bytes()))?
        } else if name == COOKIE {
            cookies += 1;
            if cookies > 1 {
                continue;
            }
            cookie(&parts.headers)
        } else {
            HeaderValue::from_bytes(value.as_bytes())
        };
        let name = HeaderName::from_bytes(name.as_ref()).ok()?;
        head.headers.append(name, value.ok()?);
    }
    named.then_some(weight)
}

/// The whole cookie: its crumbs are for HPACK alone (RFC 9113, 8.2.3).
fn cookie(headers: &HeaderMap) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut whole = BytesMut::new();
    for crumb in headers.get_all(COOKIE) {
        if !whole.is_empty() {
            whole.extend_from_slice(b"; ");
        }
        whole.extend_from_slice(crumb.as_bytes());
    }
    HeaderValue::from_maybe_shared(whole.freeze())
}

/// Whether there is a path at all: `h2` asks for one only beside an authority, and what is missing
/// looks like `/`.
fn has_path(uri: &http::Uri) -> bool {
    let root = PathAndQuery::from_static("/");
    match uri.path_and_query() {
        Some(path) if path.as_str() == "/" => uri.authority().is_some() || *path == root,
        path => path.is_some(),
    }
}

/// Whom a request is for.
struct Place<'a> {
    scheme: &'a str,
    authority: Option<Authority<'a>>,
}

impl<'a> Place<'a> {
    /// `None` if the pseudo-fields do not name a place, and one alone.
    fn of(parts: &'a http::request::Parts) -> Option<Self> {
        let scheme = parts.uri.scheme_str();
        let path = parts.uri.path_and_query().map(|path| path.as_str());
        let well_formed = match (parts.method.as_str(), path) {
            ("CONNECT", None) => parts.uri.authority().is_some(),
            ("OPTIONS", Some("*")) => true,
            (_, path) => path.is_some_and(|path| path.starts_with('/')) && has_path(&parts.uri),
        };
        let authority = match parts.uri.authority() {
            Some(authority) => Some(Authority::parse(authority.as_str().as_bytes())?),
            None => None,
        };
        (well_formed && scheme != Some("")).then_some(Self {
            scheme: scheme.unwrap_or_default(),
            authority,
        })
    }

    /// Whether `Host` says the same (RFC 9113, 8.3.1).
    fn is(&self, host: &http::HeaderValue) -> bool {
        let host = Authority::parse(host.as_bytes());
        host.is_some_and(|host| {
            self.authority
                .is_none_or(|place| place.is(host, self.scheme))
        })
    }
}

/// From its parts, and not from its text: that would have to be put together first.
fn uri(uri: &http::Uri) -> Option<Uri> {
    let copy = |part: &str| Bytes::copy_from_slice(part.as_bytes());
    let mut parts = uri::Parts::default();
    if let Some(path) = uri.path_and_query() {
        let path = uri::PathAndQuery::from_maybe_shared(copy(path.as_str()));
        parts.path_and_query = Some(path.ok()?);
    }
    if let Some(authority) = uri.authority() {
        let authority = uri::Authority::from_maybe_shared(copy(authority.as_str()));
        parts.authority = Some(authority.ok()?);
    }
    if let Some(scheme) = uri.scheme_str() {
        parts.scheme = Some(scheme.try_into().ok()?);
    }
    Uri::from_parts(parts).ok()
}

/// The head of a response whose body has this size, as far as it is known.
pub(super) fn response(head: &ResponseHead, size: BodySize, dates: &Dates) -> http::Response<()> {
    let mut response = http::Response::new(());
    // Both generations know the same numbers.
    *response.status_mut() = http::StatusCode::from_u16(head.status.as_u16()).unwrap_or_default();
    let headers = response.headers_mut();
    headers.reserve(head.headers.len() + 2);
    for (name, value) in &head.headers {
        let known = size != BodySize::Stream && name == header::CONTENT_LENGTH;
        if known || is_of_connection(name) {
            continue;
        }
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
        let value = http::HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    if let BodySize::Sized(length) = size {
        headers.insert(http::header::CONTENT_LENGTH, length.into());
    }
    if !headers.contains_key(http::header::DATE) {
        headers.insert(http::header::DATE, dates.value());
    }
    response
}

fn is_of_connection(name: &HeaderName) -> bool {
    OF_CONNECTION.contains(name) || OF_CONNECTION_BY_HABIT.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use actix_http::{Response, StatusCode};
    use tokio::task::LocalSet;

    use super::*;

    fn parts(request: http::request::Builder) -> http::request::Parts {
        request.body(()).unwrap().into_parts().0
    }

    async fn sent(response: Response<()>, size: BodySize) -> http::Response<()> {
        let convert = async { super::response(response.head(), size, &Dates::default()) };
        LocalSet::new().run_until(convert).await
    }

    #[test]
    fn a_request_keeps_all_it_has() {
        let asked = http::Request::builder()
            .method("PROPFIND")
            .uri("http://example.com:8080/a/b?c=d")
            .header("x-twice", "one")
            .header("x-twice", "two \u{fc}");
        let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
        let (request, _) = request(parts(asked), Some(peer)).unwrap();
        let head = request.head();
        assert_eq!(head.method.as_str(), "PROPFIND");
        assert_eq!(head.uri.to_string(), "http://example.com:8080/a/b?c=d");
        assert_eq!(
            (head.version, head.peer_addr),
            (Version::HTTP_2, Some(peer))
        );
        let values: Vec<_> = head.headers.get_all("x-twice").collect();
        assert_eq!(values, ["one".as_bytes(), "two \u{fc}".as_bytes()]);
    }

    #[test]
    fn targets_without_an_authority_and_without_a_path_are_taken() {
        let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
        for (method, target) in [
            ("GET", "/a?b"),
            ("OPTIONS", "*"),
            ("CONNECT", "a.example:80"),
        ] {
            let asked = http::Request::builder().method(method).uri(target);
            let asked = parts(asked.header("host", "a.example:80"));
            let (request, _) = request(asked, Some(peer)).unwrap();
            assert_eq!(request.uri().to_string(), target);
        }
    }

    #[tokio::test]
    async fn what_is_a_connections_own_is_not_sent() {
        let mut response = Response::new(StatusCode::OK).drop_body();
        let names = [
            "connection",
            "keep-alive",
            "proxy-connection",
            "transfer-encoding",
            "upgrade",
        ];
        for name in names.into_iter().chain(["x-own"]) {
            let value = HeaderValue::from_static("a");
            response
                .headers_mut()
                .append(HeaderName::from_static(name), value);
        }
        let sent = sent(response, BodySize::Sized(7)).await;
        let mut names: Vec<_> = sent
            .headers()
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "date", "x-own"]);
        assert_eq!(sent.headers()["content-length"], "7");
        assert_eq!(sent.headers()["date"].len(), 29);
    }

    #[tokio::test]
    async fn a_length_and_a_date_of_the_handlers_own_are_kept_where_they_are_all_there_is() {
        let mut response = Response::new(StatusCode::OK).drop_body();
        let value = HeaderValue::from_static("9");
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, value.clone());
        response.headers_mut().insert(header::DATE, value);
        let streamed = sent(response, BodySize::Stream).await;
        assert_eq!(streamed.headers()["content-length"], "9");
        assert_eq!(streamed.headers().get_all("date").iter().count(), 1);
        let empty = sent(
            Response::new(StatusCode::NO_CONTENT).drop_body(),
            BodySize::None,
        )
        .await;
        assert!(!empty.headers().contains_key("content-length"));
    }
}
