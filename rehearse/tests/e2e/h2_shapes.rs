//! Heads of HTTP/2 that RFC 9113 calls malformed, and heads that are merely unusual.

use crate::{
    h2_wire::{Event, PROTOCOL_ERROR, Peer, field, head},
    process::Setup,
};

type Fields<'a> = &'a [(&'a str, &'a str)];

const GET: (&str, &str) = (":method", "GET");
const HTTP: (&str, &str) = (":scheme", "http");
const PATH: (&str, &str) = (":path", "/hello/you");
const E2E: (&str, &str) = (":authority", "e2e");

fn block(fields: Fields<'_>) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect()
}

/// Each of these is refused on its own stream, by what `h2` says to those that it finds itself, and
/// costs its connection nothing.
#[track_caller]
fn are_malformed(heads: &[Fields<'_>]) {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    for fields in heads {
        let stream = peer.open(&block(fields), true);
        let code = PROTOCOL_ERROR;
        assert_eq!(peer.event(), Event::Reset { stream, code }, "{fields:?}");
    }
    peer.ask("/hello/again").expect(200, "Hello, again!");
    drop(peer);
    service.stop();
}

/// Each of these is served.
#[track_caller]
fn are_served(heads: &[Fields<'_>]) {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    for fields in heads {
        let stream = peer.open(&block(fields), true);
        let response = peer.try_response(stream).map(|response| response.status);
        assert_eq!(response.ok(), Some(200), "{fields:?}");
    }
    drop(peer);
    service.stop();
}

#[test]
fn a_host_that_differs_from_the_authority_is_malformed() {
    are_malformed(&[
        &[GET, HTTP, PATH, E2E, ("host", "other")],
        &[GET, HTTP, PATH, E2E, ("host", "e2e:81")],
        &[GET, HTTP, PATH, E2E, ("host", "")],
        &[GET, HTTP, PATH, E2E, ("host", "e2e"), ("host", "other")],
        &[GET, HTTP, PATH, E2E, ("host", "e2e"), ("host", "e2e")],
    ]);
}

#[test]
fn a_host_that_is_the_authority_is_served() {
    are_served(&[
        &[GET, HTTP, PATH, E2E],
        &[GET, HTTP, PATH, E2E, ("host", "e2e")],
        &[GET, HTTP, PATH, E2E, ("host", "E2E:80")],
        &[GET, HTTP, PATH, ("host", "e2e")],
        &[GET, HTTP, PATH, (":authority", "[::1]:8080")],
    ]);
}

#[test]
fn a_request_for_nobody_or_for_no_host_is_malformed() {
    are_malformed(&[
        &[GET, HTTP, PATH],
        &[GET, HTTP, PATH, ("host", "")],
        &[GET, HTTP, PATH, ("host", "a b")],
        &[GET, HTTP, PATH, ("host", "u@a")],
        &[GET, HTTP, PATH, ("host", "a/b")],
        &[GET, HTTP, PATH, ("host", "a, b")],
        &[GET, HTTP, PATH, (":authority", "")],
        &[GET, HTTP, PATH, (":authority", "u@e2e")],
        &[GET, HTTP, PATH, (":authority", "u:p@e2e:80")],
        &[GET, HTTP, PATH, (":authority", "e2e,e2e")],
        &[GET, HTTP, PATH, (":authority", "e2e:99999")],
    ]);
}

#[test]
fn a_scheme_that_is_empty_and_a_path_that_is_none_are_malformed() {
    are_malformed(&[
        &[GET, (":scheme", ""), PATH, E2E],
        &[GET, PATH, E2E],
        &[GET, HTTP, ("host", "e2e")],
        &[GET, HTTP, (":path", ""), E2E],
        &[GET, HTTP, (":path", "hello/you"), E2E],
        &[GET, HTTP, (":path", "hello/you"), ("host", "e2e")],
        &[GET, HTTP, (":path", "*"), E2E],
        &[(":method", "CONNECT"), ("host", "e2e")],
    ]);
}

#[test]
fn a_connect_is_answered() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let connect = block(&[(":method", "CONNECT"), (":authority", "e2e:80")]);
    let stream = peer.open(&connect, false);
    let status = peer.response(stream).status;
    assert!(matches!(status, 404 | 405 | 0), "{status}");
    drop(peer);
    service.stop();
}

#[test]
fn cookies_that_come_in_crumbs_reach_the_handler_as_one_field() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let crumbs = block(&[
        ("cookie", "a=1"),
        ("x-other", "x"),
        ("cookie", "b=2"),
        ("cookie", "c=3"),
    ]);
    let stream = peer.open(&[head("GET", "/fields/cookie"), crumbs].concat(), true);
    peer.response(stream).expect(200, "a=1; b=2; c=3\n");
    let stream = peer.open(
        &[
            head("GET", "/fields/x-other"),
            block(&[("x-other", "x"), ("x-other", "y")]),
        ]
        .concat(),
        true,
    );
    peer.response(stream).expect(200, "x\ny\n");
    drop(peer);
    service.stop();
}

/// A GET with so many fields of its own.
fn with_fields(count: usize, crumbs: usize) -> Vec<u8> {
    let fields = (0..count).flat_map(|number| field(&format!("x-{number}"), "1"));
    let crumbs = (0..crumbs).flat_map(|number| field("cookie", &format!("c{number}=1")));
    let head = head("GET", "/hello/you").into_iter();
    head.chain(fields).chain(crumbs).collect()
}

#[test]
fn a_status_without_a_body_has_none() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    for (method, code) in [("GET", 204), ("HEAD", 204), ("GET", 304), ("HEAD", 304)] {
        let stream = peer.open(&head(method, &format!("/status/{code}")), true);
        let response = peer.response(stream);
        assert_eq!(
            (response.status, &response.body[..]),
            (code, &b""[..]),
            "{method}"
        );
    }
    peer.ask("/hello/again").expect(200, "Hello, again!");
    drop(peer);
    service.stop();
}

#[test]
fn a_head_has_at_most_96_fields_and_the_crumbs_of_its_cookie_count_as_one() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    for (fields, crumbs) in [(96, 0), (95, 1), (95, 200)] {
        let stream = peer.open(&with_fields(fields, crumbs), true);
        peer.response(stream).expect(200, "Hello, you!");
    }
    for (fields, crumbs) in [(97, 0), (96, 1), (96, 200), (1_000, 0)] {
        let stream = peer.open(&with_fields(fields, crumbs), true);
        // 431, which has no number in the static table.
        let refused = Event::Head {
            stream,
            status: 0,
            end: true,
        };
        assert_eq!(peer.event(), refused, "{fields}, {crumbs}");
    }
    peer.ask("/hello/again").expect(200, "Hello, again!");
    drop(peer);
    service.stop();
}
