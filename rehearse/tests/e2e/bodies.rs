//! Request bodies that are still arriving, and those that nobody wants.

use crate::{
    gate::Gate,
    moments::{Moment, at_every_moment},
    ms, pass,
    process::Setup,
    wire::{Wire, get, post},
};

/// What `/upload` answers for the whole of `0123456789`.
const UPLOADED: &str = "10 a684c7c6";

#[track_caller]
fn expect_uploaded(wire: &mut Wire, moment: Moment) {
    let response = wire.response();
    response.expect(200, UPLOADED);
    assert_eq!(response.head.says_goodbye(), moment.is_told());
    if moment.is_told() {
        wire.expect_fin();
    }
}

#[test]
fn half_a_body_that_is_completed_later_is_served() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send(format!("{}01234", post("/upload", 10)));
            wire
        },
        |wire, moment| {
            wire.send("56789");
            expect_uploaded(wire, moment);
        },
    );
}

#[test]
fn half_a_chunk_that_is_completed_later_is_served() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send("POST /upload HTTP/1.1\r\nhost: e2e\r\ntransfer-encoding: chunked\r\n\r\n");
            wire.send("4\r\n0123\r\n6\r\n45");
            wire
        },
        |wire, moment| {
            wire.send("6789\r\n0\r\n");
            wire.send("\r\n");
            expect_uploaded(wire, moment);
        },
    );
}

#[test]
fn a_body_that_waits_to_be_asked_for_is_asked_for_and_served() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send("POST /upload HTTP/1.1\r\nhost: e2e\r\ncontent-length: 10\r\n");
            wire
        },
        |wire, moment| {
            wire.send("expect: 100-continue\r\n\r\n");
            assert_eq!(wire.head().status, 100);
            wire.send("0123456789");
            expect_uploaded(wire, moment);
        },
    );
}

/// The head of an upload of ten bytes whose client waits to be asked for them.
fn expecting(target: &str) -> String {
    post(target, 10).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n")
}

#[test]
fn a_client_is_asked_for_its_body_when_the_handler_asks_for_it() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(expecting(&gate.target("/gated-upload")));
    let waiting = gate.waiting();
    pass(ms(100), "a hasty 100 would be here");
    assert!(wire.is_silent(), "nobody has asked yet");
    waiting.let_go();
    assert_eq!(wire.head().status, 100);
    wire.send("0123456789");
    wire.response().expect(200, UPLOADED);
    wire.ask(&get("/hello/again")).expect(200, "Hello, again!");
    service.stop();
}

#[test]
fn a_client_that_is_refused_is_not_asked_for_its_body() {
    for (route, status) in [("/reject", 413), ("/ignore", 200), ("/nowhere", 404)] {
        at_every_moment(
            |service| {
                let mut wire = service.connect();
                wire.send("P");
                wire
            },
            |wire, _| {
                wire.send(&expecting(route)[1..]);
                let response = wire.response();
                assert_eq!(response.head.status, status);
                let why = "whether the body comes all the same cannot be known";
                assert!(response.head.says_goodbye(), "{why}");
                // It does come, from a client that had not seen the answer.
                wire.send("0123456789");
                wire.expect_fin();
            },
        );
    }
}

#[test]
fn a_client_that_sends_its_body_unasked_is_not_asked_for_it() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(expecting(&gate.target("/gated-upload")));
    let waiting = gate.waiting();
    wire.send("01234");
    pass(ms(100), "the server has read it");
    waiting.let_go();
    pass(ms(100), "a 100 that comes too late would be here");
    assert!(wire.is_silent());
    wire.send("56789");
    wire.response().expect(200, UPLOADED);
    service.stop();
}

#[test]
fn a_client_is_asked_for_a_body_that_the_response_goes_on_to_read() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send(expecting("/reflect"));
    assert_eq!(wire.head().status, 100);
    wire.send("0123456789");
    let head = wire.head();
    assert_eq!(head.status, 200);
    assert_eq!(wire.body(&head), b"0123456789");
    service.stop();
}

#[test]
fn a_client_of_http_1_0_is_not_asked() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send(expecting("/upload").replace("HTTP/1.1", "HTTP/1.0"));
    service.wait_requests(1);
    wire.send("0123456789");
    wire.response().expect(200, UPLOADED);
    service.stop();
}

#[test]
fn an_ignored_body_that_has_arrived_is_no_reason_to_close() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    let response = wire.ask(&format!("{}0123456789", post("/ignore", 10)));
    response.expect(200, "never mind");
    assert!(!response.head.says_goodbye());
    wire.ask(&get("/hello/again")).expect(200, "Hello, again!");
    service.stop();
}

/// More than the sockets' buffers hold, so that the server must go on reading.
const LARGE: usize = 16 << 20;

#[test]
fn an_early_response_reaches_a_client_that_sends_its_body_to_the_end_first() {
    for route in ["/reject", "/ignore"] {
        at_every_moment(
            |service| {
                let mut wire = service.connect();
                wire.send("P");
                wire
            },
            |wire, _| {
                wire.send(&post(route, LARGE)[1..]);
                wire.send(vec![b'x'; LARGE]);
                let response = wire.response();
                assert_eq!(
                    response.head.status,
                    if route == "/reject" { 413 } else { 200 }
                );
                assert!(
                    response.head.says_goodbye(),
                    "the rest cannot be told from a request"
                );
                wire.expect_fin();
            },
        );
    }
}

/// A client over a slow line: it reads the answer only when it has sent what it had at hand.
#[test]
fn an_early_response_reaches_a_client_that_pauses_before_it_sends_on() {
    for route in ["/reject", "/nowhere"] {
        at_every_moment(
            |service| {
                let mut wire = service.connect();
                wire.send("P");
                wire
            },
            |wire, _| {
                wire.send(&post(route, LARGE)[1..]);
                for _ in 0..3 {
                    wire.send(vec![b'x'; 10_000]);
                    pass(ms(1_500), "the line is busy");
                }
                let status = wire.response().head.status;
                assert_eq!(status, if route == "/reject" { 413 } else { 404 });
                wire.expect_fin();
            },
        );
    }
}

#[test]
fn a_large_upload_arrives_whole_while_the_process_drains() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send(post("/upload", LARGE));
            wire.send(vec![b'x'; LARGE / 2]);
            wire
        },
        |wire, _| {
            wire.send(vec![b'x'; LARGE / 2]);
            let crc32 = crc32fast::hash(&vec![b'x'; LARGE]);
            wire.response().expect(200, &format!("{LARGE} {crc32:08x}"));
        },
    );
}
