//! Heads that come in halves, and requests that come before the response to the one before.

use crate::{
    gate::Gate,
    harness::Service,
    moments::{Moment, at_every_moment},
    wire::{Wire, get},
};

/// The last response on a connection that is not to be kept, and its end.
#[track_caller]
fn expect_last(wire: &mut Wire, moment: Moment, body: &str) {
    let response = wire.response();
    response.expect(200, body);
    assert_eq!(response.head.says_goodbye(), moment.is_told());
    if moment.is_told() {
        wire.expect_fin();
    }
}

/// A response after which more must come.
#[track_caller]
fn expect_more(wire: &mut Wire, body: &str) {
    let response = wire.response();
    response.expect(200, body);
    assert!(
        !response.head.says_goodbye(),
        "what was sent behind it would have to be discarded"
    );
}

fn sent(service: &Service, bytes: &str) -> Wire {
    let mut wire = service.connect();
    wire.send(bytes);
    wire
}

#[test]
fn half_a_head_that_is_completed_later_is_served() {
    at_every_moment(
        |service| sent(service, "GET /hello/half HTTP/1.1\r\nho"),
        |wire, moment| {
            wire.send("st: e2e\r\n\r\n");
            expect_last(wire, moment, "Hello, half!");
        },
    );
}

#[test]
fn half_a_head_on_a_reused_connection_is_served() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.ask(&get("/hello/first")).expect(200, "Hello, first!");
            wire.send("G");
            wire
        },
        |wire, moment| {
            wire.send("ET /hello/second HTTP/1.1\r\nhost: e2e\r\n\r\n");
            expect_last(wire, moment, "Hello, second!");
        },
    );
}

fn behind_a_stream(service: &Service, gate: &Gate) -> Wire {
    let mut wire = sent(service, &get(&gate.target("/gated-stream")));
    assert!(!wire.head().says_goodbye());
    assert_eq!(wire.chunk().unwrap(), b"a beginning");
    wire.send("GET /hello/behind HTTP/1.1\r\nho");
    wire
}

#[track_caller]
fn expect_the_stream_to_end(wire: &mut Wire) {
    assert_eq!(wire.chunk().unwrap(), b", an end");
    assert_eq!(wire.chunk(), None);
}

#[test]
fn half_a_head_behind_a_streaming_response_is_served_when_it_completes_during_the_stream() {
    at_every_moment(
        |service| {
            let gate = Gate::new();
            (behind_a_stream(service, &gate), Some(gate.waiting()))
        },
        |(wire, waiting), moment| {
            wire.send("st: e2e\r\n\r\n");
            drop(waiting.take());
            expect_the_stream_to_end(wire);
            expect_last(wire, moment, "Hello, behind!");
        },
    );
}

#[test]
fn half_a_head_behind_a_streaming_response_is_served_when_it_completes_after_the_stream() {
    at_every_moment(
        |service| {
            let gate = Gate::new();
            (behind_a_stream(service, &gate), Some(gate.waiting()))
        },
        |(wire, waiting), moment| {
            drop(waiting.take());
            expect_the_stream_to_end(wire);
            wire.send("st: e2e\r\n\r\n");
            expect_last(wire, moment, "Hello, behind!");
        },
    );
}

#[test]
fn a_whole_pipelined_pair_is_answered_and_only_the_last_says_goodbye() {
    at_every_moment(
        // The first byte holds the connection until the moment at which the rest comes.
        |service| sent(service, "G"),
        |wire, moment| {
            wire.send(format!("{}{}", &get("/hello/a")[1..], get("/hello/b")));
            expect_more(wire, "Hello, a!");
            expect_last(wire, moment, "Hello, b!");
        },
    );
}

#[test]
fn half_a_pipelined_pair_is_answered_and_the_rest_when_it_comes() {
    at_every_moment(
        |service| sent(service, "G"),
        |wire, moment| {
            let second = get("/hello/b");
            let (begin, end) = second.split_at(20);
            wire.send(format!("{}{begin}", &get("/hello/a")[1..]));
            expect_more(wire, "Hello, a!");
            wire.send(end);
            expect_last(wire, moment, "Hello, b!");
        },
    );
}

#[test]
fn a_pair_that_was_pipelined_before_is_answered_at_each_moment() {
    at_every_moment(
        |service| {
            let gate = Gate::new();
            let pair = format!("{}{}", get(&gate.target("/gate")), get("/hello/b"));
            (sent(service, &pair), Some(gate.waiting()))
        },
        |(wire, waiting), moment| {
            drop(waiting.take());
            expect_more(wire, "let go");
            expect_last(wire, moment, "Hello, b!");
        },
    );
}

#[test]
fn one_byte_of_a_next_request_behind_a_slow_one_withholds_the_goodbye() {
    at_every_moment(
        |service| {
            let gate = Gate::new();
            let wire = sent(service, &get(&gate.target("/gate")));
            (wire, Some(gate.waiting()))
        },
        |(wire, waiting), moment| {
            wire.send("G");
            drop(waiting.take());
            expect_more(wire, "let go");
            wire.send(&get("/hello/b")[1..]);
            expect_last(wire, moment, "Hello, b!");
        },
    );
}

#[test]
fn a_request_in_flight_is_answered_and_its_client_told_to_leave() {
    at_every_moment(
        |service| {
            let gate = Gate::new();
            let wire = sent(service, &get(&gate.target("/gate")));
            (wire, Some(gate.waiting()))
        },
        |(wire, waiting), moment| {
            drop(waiting.take());
            expect_last(wire, moment, "let go");
        },
    );
}
