//! Heads that are none, and clients that have said all they want to say.

use crate::{
    gate::Gate,
    moments::at_every_moment,
    process::Setup,
    wire::{Wire, get},
};

#[test]
fn a_bad_head_is_answered_and_the_connection_closed_without_a_reset() {
    let long = "y".repeat(200_000);
    let bad = [
        (400, "GET / HTTP/1.1\r\nno header\r\n\r\n".to_owned()),
        (400, "\x16\x03\x01\x02\x01\x01\r\n\r\n".to_owned()),
        (
            400,
            "POST /upload HTTP/1.1\r\nhost: e2e\r\ncontent-length: -1\r\n\r\n".to_owned(),
        ),
        (
            431,
            format!(
                "GET / HTTP/1.1\r\nhost: e2e\r\n{}\r\n",
                "a: b\r\n".repeat(500)
            ),
        ),
        (
            431,
            format!("GET / HTTP/1.1\r\nhost: e2e\r\nlong: {long}\r\n\r\n"),
        ),
        (
            431,
            format!(
                "GET / HTTP/1.1\r\nhost: e2e\r\n{}: b\r\n\r\n",
                &long[..65_536]
            ),
        ),
        (
            431,
            format!("GET / HTTP/1.1\r\nhost: e2e\r\n{long}: b\r\n\r\n"),
        ),
        (414, get(&format!("/{}", &long[..65_534]))),
        (414, get(&format!("/{}", &long[..100_000]))),
        (414, get(&format!("/{long}"))),
        (414, get(&format!("/hello/a?{long}"))),
        (
            501,
            "CONNECT e2e:80 HTTP/1.1\r\nhost: e2e:80\r\n\r\n".to_owned(),
        ),
        (
            501,
            "CONNECT /hello/a HTTP/1.1\r\nhost: e2e\r\n\r\n".to_owned(),
        ),
        (
            501,
            "CONNECT e2e:80 HTTP/1.1\r\nhost: e2e\r\ncontent-length: 5\r\n\r\nhello".to_owned(),
        ),
    ];
    let service = Setup::held().serve();
    let expect_refused = |mut wire: Wire| {
        for (status, request) in &bad {
            let response = wire.ask(request);
            assert_eq!(response.head.status, *status, "{request:.40}");
            assert!(response.head.says_goodbye());
            wire.expect_fin();
            wire = service.connect();
        }
    };
    expect_refused(service.connect());
    let mut kept = service.connect();
    kept.ask(&get("/hello/kept"));
    service.begin_lame_duck();
    expect_refused(kept);
    service.stop();
}

#[test]
fn a_bad_request_behind_a_good_one_takes_nothing_from_it() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send(format!("{}no request at all\r\n\r\n", get("/hello/good")));
    wire.response().expect(200, "Hello, good!");
    assert_eq!(wire.response().head.status, 400);
    wire.expect_fin();
    service.stop();
}

#[test]
fn a_client_that_has_shut_its_side_is_answered() {
    at_every_moment(
        |service| {
            let gate = Gate::new();
            let mut wire = service.connect();
            wire.send(format!("{}{}", get(&gate.target("/gate")), get("/hello/b")));
            wire.shut_down();
            (wire, Some(gate.waiting()))
        },
        |(wire, waiting), _| {
            drop(waiting.take());
            wire.response().expect(200, "let go");
            wire.response().expect(200, "Hello, b!");
            wire.expect_fin();
        },
    );
}

#[test]
fn a_client_that_goes_away_in_the_middle_of_a_head_holds_nobody() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send("GET /hello/half HT");
            Some(wire)
        },
        |wire, _| drop(wire.take()),
    );
}
