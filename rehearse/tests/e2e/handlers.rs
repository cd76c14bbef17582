//! Handlers that panic, and connections that become something else.

use crate::{
    gate::Gate,
    moments::at_every_moment,
    process::Setup,
    until,
    wire::{Wire, get},
};

#[test]
fn a_panic_is_a_500_with_content_and_the_connection_lives_on() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    for _ in 0..3 {
        let response = wire.ask(&get("/panic"));
        assert_eq!(response.head.status, 500);
        assert!(
            !response.body.is_empty(),
            "something to read for whoever sees it"
        );
        assert!(!response.head.says_goodbye());
        wire.ask(&get("/hello/again")).expect(200, "Hello, again!");
    }
    let left = service.stop();
    assert!(left.end.logged("a handler's bug"));
}

#[test]
fn a_panic_is_a_500_at_each_moment_of_the_drain() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send("G");
            wire
        },
        |wire, moment| {
            wire.send(&get("/panic")[1..]);
            let response = wire.response();
            assert_eq!(response.head.status, 500);
            assert_eq!(response.head.says_goodbye(), moment.is_told());
            match moment.is_told() {
                true => wire.expect_fin(),
                false => wire.ask(&get("/hello/again")).expect(200, "Hello, again!"),
            }
        },
    );
}

#[test]
fn a_panic_takes_nothing_from_the_requests_behind_it() {
    let service = Setup::held().serve();
    let mut wire = service.connect();
    service.begin_lame_duck();
    wire.send(format!("{}{}", get("/panic"), get("/hello/b")));
    let panic = wire.response();
    assert_eq!((panic.head.status, panic.head.says_goodbye()), (500, false));
    let last = wire.response();
    last.expect(200, "Hello, b!");
    assert!(last.head.says_goodbye());
    wire.expect_fin();
    drop(wire);
    service.stop();
}

#[test]
fn a_panic_leaves_those_alone_that_the_same_worker_serves() {
    let service = Setup::new().set("http.workers", "1").serve();
    let gate = Gate::new();
    let mut other = service.connect();
    other.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    assert_eq!(service.get("/panic").head.status, 500);
    waiting.let_go();
    other.response().expect(200, "let go");
    drop(other);
    service.wait_connections("open", 0);
    service.stop();
}

#[test]
fn a_panic_in_the_stream_of_a_response_ends_that_connection_without_a_proper_end() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send(get("/panic-in-body"));
    assert_eq!(wire.head().status, 200);
    assert_eq!(wire.chunk().unwrap(), b"a beginning");
    assert!(
        wire.try_chunk().is_err(),
        "a client must be able to tell that something is missing"
    );
    service.wait_connections("open", 0);
    service.get("/hello/after").expect(200, "Hello, after!");
    service.stop();
}

#[test]
fn a_stream_that_fails_takes_nothing_from_the_responses_before_it() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    // The bytes behind it are never read: closed just so, the socket would answer RST.
    let behind = get("/hello/behind").repeat(1_000);
    wire.send(format!(
        "{}{}{behind}",
        get("/hello/a"),
        get("/fail-in-body")
    ));
    wire.response().expect(200, "Hello, a!");
    assert_eq!(wire.head().status, 200);
    assert_eq!(wire.chunk().unwrap(), b"a beginning");
    wire.expect_fin();
    service.wait_connections("open", 0);
    service.stop();
}

#[test]
fn a_stream_without_a_length_that_fails_ends_in_a_reset() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send("GET /fail-in-body HTTP/1.0\r\nhost: e2e\r\n\r\n");
    let end = until("the connection's end", || wire.take(1).err());
    assert_eq!(
        end.kind(),
        std::io::ErrorKind::ConnectionReset,
        "a FIN would be the end of the body"
    );
    service.wait_connections("open", 0);
    service.stop();
}

/// Asks for another protocol.
const SWITCH: &str =
    "GET /echo HTTP/1.1\r\nhost: e2e\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

#[track_caller]
fn expect_switched(wire: &mut Wire) {
    let head = wire.head();
    assert_eq!(head.status, 101);
    assert_eq!(head.header("upgrade"), Some("websocket"));
    assert!(!head.says_goodbye(), "it has only begun");
    expect_echo(wire, "hello");
}

#[track_caller]
fn expect_echo(wire: &mut Wire, text: &str) {
    wire.send(text);
    assert_eq!(wire.take(text.len()).unwrap(), text.as_bytes());
}

#[test]
fn a_connection_that_switches_protocols_is_not_told_to_leave() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send("G");
            wire
        },
        |wire, _| {
            wire.send(&SWITCH[1..]);
            expect_switched(wire);
            expect_echo(wire, "and again");
            wire.shut_down();
            wire.expect_fin();
        },
    );
}

#[test]
fn a_connection_that_has_switched_protocols_goes_on_until_its_end() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send(SWITCH);
            expect_switched(&mut wire);
            wire
        },
        |wire, _| {
            expect_echo(wire, "still there");
            expect_echo(wire, "and now");
            wire.shut_down();
            wire.expect_fin();
        },
    );
}

#[test]
fn a_panic_is_in_the_log_though_the_program_has_a_logger_of_its_own() {
    let service = Setup::new().var("UNRULY_LOGGER", "1").serve();
    assert_eq!(service.get("/panic").head.status, 500);
    service.process.log.wait_for("panic: a handler's bug");
    service.stop();
}
