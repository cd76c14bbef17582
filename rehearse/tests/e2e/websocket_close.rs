//! WebSockets in a drain: each is told by a Close, and its answer is waited for, within bounds.

use std::time::Instant;

use serde_json::json;

use crate::{
    gate::Gate,
    moments::{Moment, at_every_moment},
    ms, pass,
    process::{Setup, Signal},
    socket::{HANDSHAKE, Message, Socket},
    websocket::ticking,
    wire::get,
};

const GOING_AWAY: u16 = 1001;
const SERVICE_RESTART: u16 = 1012;

#[test]
fn each_websocket_is_told_within_the_jitter_and_its_answer_is_waited_for() {
    let setup = ticking(Setup::new(), "5ms").set("drain.jitter", "300ms");
    let mut service = setup.serve();
    let mut sockets: Vec<Socket> = (0..8).map(|_| Socket::open(&service)).collect();
    for socket in &mut sockets {
        socket.expect_echo("before");
    }
    service.process.signal(Signal::SIGTERM);
    for socket in &mut sockets {
        socket.expect_close(GOING_AWAY);
    }
    pass(ms(700), "a process that waits for no answer would be gone");
    assert!(sockets.iter().all(|socket| socket.wire.is_silent()));
    assert!(service.process.is_alive());
    assert_eq!(service.status()["streams_told"], 8);
    for socket in &mut sockets {
        socket.answer_close(GOING_AWAY);
    }
    let left = service.left_in_good_order();
    assert_eq!(left.report["streams_told"], 8);
    assert_eq!(left.report["responses_finished"], 0);
}

/// With a jitter of weeks, the moment of none of them comes while the test runs.
#[test]
fn a_websocket_is_served_until_its_own_moment_has_come() {
    let setup = ticking(Setup::held(), "1h")
        .set("drain.jitter", "1000h")
        .set("grace_period", "1100h");
    let service = setup.serve();
    let mut sockets: Vec<Socket> = (0..8).map(|_| Socket::open(&service)).collect();
    service.begin_lame_duck();
    service.begin_draining();
    for socket in &mut sockets {
        socket.expect_echo("not yet");
    }
    assert_eq!(service.status()["streams_told"], 0);
}

#[test]
fn the_close_says_service_restart_where_that_is_set() {
    let code = SERVICE_RESTART.to_string();
    let setup = ticking(Setup::new(), "1h").set("service.streaming.close_code", &code);
    let service = setup.serve();
    let mut socket = Socket::open(&service);
    service.process.signal(Signal::SIGTERM);
    socket.expect_close(SERVICE_RESTART);
    socket.answer_close(SERVICE_RESTART);
    service.left_in_good_order();
}

#[test]
fn a_websocket_of_any_moment_is_opened_served_and_told() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send("G");
            Some(wire)
        },
        |wire, moment| {
            let mut wire = wire.take().unwrap();
            wire.send(&HANDSHAKE[1..]);
            // Without a goodbye at any moment.
            let mut socket = Socket::opened(wire);
            if moment <= Moment::LameDuck {
                socket.expect_echo("served");
                socket.send(&Message::Close(None));
                assert_eq!(socket.next_but_ticks(), Message::Close(None));
                socket.wire.expect_fin();
            } else {
                socket.expect_close(GOING_AWAY);
                socket.answer_close(GOING_AWAY);
            }
        },
    );
}

#[test]
fn a_websocket_that_is_opened_in_the_lame_duck_is_told_when_that_is_over() {
    let service = ticking(Setup::held(), "5ms").serve();
    service.begin_lame_duck();
    let mut socket = Socket::open(&service);
    for _ in 0..20 {
        socket.expect_echo("the lame duck serves");
    }
    service.process.signal(Signal::SIGINT);
    socket.expect_close(GOING_AWAY);
    socket.answer_close(GOING_AWAY);
    assert_eq!(service.left_in_good_order().report["streams_told"], 1);
}

/// If it had to wait for a moment of its own, that would be within the next weeks.
#[test]
fn a_websocket_that_is_born_while_the_process_drains_is_told_at_once_and_answered_first() {
    let setup = ticking(Setup::held(), "1h")
        .set("drain.jitter", "1000h")
        .set("grace_period", "1100h");
    let service = setup.serve();
    let mut wire = service.connect();
    wire.send("G");
    service.begin_lame_duck();
    service.begin_draining();
    let words = Message::text("first and last words");
    wire.send([&HANDSHAKE.as_bytes()[1..], &words.frame()].concat());
    let mut socket = Socket::opened(wire);
    assert_eq!(socket.next(), words);
    socket.expect_close(GOING_AWAY);
    socket.answer_close(GOING_AWAY);
    assert_eq!(service.left_in_good_order().report["streams_told"], 1);
}

#[test]
fn a_message_that_waits_in_the_kernel_is_answered_before_the_close() {
    let service = ticking(Setup::new(), "1h").set("http.workers", "1").serve();
    let gate = Gate::new();
    let mut sockets: Vec<Socket> = (0..8).map(|_| Socket::open(&service)).collect();
    let mut blocked = service.connect();
    blocked.send(get(&gate.target("/block")));
    let waiting = gate.waiting();
    let words = Message::text("last words");
    for socket in &mut sockets {
        socket.send(&words);
    }
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    waiting.let_go();
    for socket in &mut sockets {
        assert_eq!(socket.next(), words);
        socket.expect_close(GOING_AWAY);
    }
    for socket in &mut sockets {
        socket.answer_close(GOING_AWAY);
    }
    blocked.response().expect(200, "let go");
    drop((blocked, sockets));
    service.left_in_good_order();
}

/// RFC 6455, 5.5.1. With a tick each millisecond, and messages to echo.
#[test]
fn nothing_follows_the_close() {
    let service = ticking(Setup::new(), "1ms").serve();
    let mut socket = Socket::open(&service);
    socket.expect_echo("before");
    service.process.signal(Signal::SIGTERM);
    socket.expect_close(GOING_AWAY);
    socket.send(&Message::text("it has crossed the Close"));
    pass(ms(200), "ticks would have come");
    assert!(socket.wire.is_silent());
    socket.send(&Message::text("too late"));
    socket.answer_close(GOING_AWAY);
    service.left_in_good_order();
}

#[test]
fn a_client_that_does_not_answer_the_close_costs_five_seconds_and_no_more() {
    let service = ticking(Setup::new(), "1h").serve();
    let mut socket = Socket::open(&service);
    let told = Instant::now();
    service.process.signal(Signal::SIGTERM);
    socket.expect_close(GOING_AWAY);
    // It stays, and says nothing. The deadline is three hours away.
    let left = service.left_in_good_order();
    assert!(told.elapsed() >= ms(5_000), "{:?}", told.elapsed());
    assert_eq!(left.report["streams_told"], 1);
    socket.wire.expect_fin();
}

#[test]
fn a_client_that_has_not_answered_at_the_deadline_is_cut_and_named() {
    let service = ticking(Setup::short(), "1h").serve();
    let mut socket = Socket::open(&service);
    service.process.signal(Signal::SIGTERM);
    socket.expect_close(GOING_AWAY);
    let left = service.left();
    assert_eq!(left.code, Some(3), "{}", left.report);
    assert_eq!(left.report["cut"], json!({"/streaming/ws": 1}));
}

/// The control: one whose handler takes no `Drain` has to be cut.
#[test]
fn a_websocket_that_nobody_tells_holds_the_drain_to_its_deadline() {
    let service = Setup::short().serve();
    let mut wire = service.connect();
    wire.send(HANDSHAKE.replace("/streaming/ws", "/echo"));
    assert_eq!(wire.head().status, 101);
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(left.code, Some(3), "{}", left.report);
    assert_eq!(left.report["cut"], json!({"/echo": 1}));
    assert_eq!(left.report["streams_told"], 0);
}

#[test]
fn a_websocket_holds_nobody_else_up() {
    let service = ticking(Setup::new(), "1h").set("http.workers", "1").serve();
    let gate = Gate::new();
    let mut socket = Socket::open(&service);
    let mut other = service.connect();
    other.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    service.process.signal(Signal::SIGTERM);
    socket.expect_close(GOING_AWAY);
    socket.answer_close(GOING_AWAY);
    waiting.let_go();
    other.response().expect(200, "let go");
    drop((other, socket));
    let report = service.left_in_good_order().report;
    assert_eq!(
        (&report["streams_told"], &report["responses_finished"]),
        (&json!(1), &json!(1))
    );
}
