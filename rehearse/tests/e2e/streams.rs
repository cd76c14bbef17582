//! Responses without an end are told to end; those with one are finished.

use crate::{
    gate::Gate,
    process::{Setup, Signal},
    readers::pattern,
    wire::{Wire, get},
};

/// Reads to the proper end of the body; the last chunk.
#[track_caller]
fn last_chunk(wire: &mut Wire) -> Vec<u8> {
    let mut last = Vec::new();
    while let Some(chunk) = wire.chunk() {
        last = chunk;
    }
    last
}

#[test]
fn streams_are_told_and_end_cleanly() {
    let service = Setup::new().set("drain.jitter", "300ms").serve();
    let mut wires: Vec<Wire> = (0..8).map(|_| service.connect()).collect();
    for wire in &mut wires {
        wire.send(get("/events"));
        assert_eq!(wire.head().status, 200);
        assert_eq!(wire.chunk().unwrap(), b"tick\n");
    }
    service.process.signal(Signal::SIGTERM);
    for wire in &mut wires {
        assert_eq!(last_chunk(wire), b"bye\n");
        wire.expect_fin();
    }
    drop(wires);
    assert_eq!(service.left_in_good_order().report["streams_told"], 8);
}

#[test]
fn streams_go_on_in_the_lame_duck() {
    let service = Setup::held().serve();
    let mut wire = service.connect();
    wire.send(get("/events"));
    wire.head();
    service.begin_lame_duck();
    for _ in 0..20 {
        assert_eq!(wire.chunk().unwrap(), b"tick\n");
    }
    service.process.signal(Signal::SIGINT);
    assert_eq!(last_chunk(&mut wire), b"bye\n");
    wire.expect_fin();
    drop(wire);
    service.left_in_good_order();
}

#[test]
fn a_stream_that_is_born_while_the_process_drains_is_told_at_once() {
    // If it were not, its moment would be somewhere in the next hour.
    let service = Setup::held()
        .set("drain.jitter", "1h")
        .set("grace_period", "5h")
        .serve();
    let mut wire = service.connect();
    wire.send("G");
    service.begin_lame_duck();
    service.begin_draining();
    wire.send(&get("/events")[1..]);
    assert!(wire.head().says_goodbye());
    assert_eq!(last_chunk(&mut wire), b"bye\n");
    wire.expect_fin();
    drop(wire);
    assert_eq!(service.left_in_good_order().report["streams_told"], 1);
}

#[test]
fn a_request_behind_a_stream_that_is_told_is_served() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send(get("/events"));
    assert!(!wire.head().says_goodbye());
    wire.send("GET /hello/behind HTTP/1.1\r\nho");
    wire.chunk();
    service.process.signal(Signal::SIGTERM);
    assert_eq!(last_chunk(&mut wire), b"bye\n");
    wire.send("st: e2e\r\n\r\n");
    let response = wire.response();
    response.expect(200, "Hello, behind!");
    assert!(response.head.says_goodbye());
    wire.expect_fin();
    drop(wire);
    service.left_in_good_order();
}

#[test]
fn a_download_that_nobody_tells_is_finished() {
    const LARGE: usize = 10_000_000;
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut gated = service.connect();
    gated.send(get(&gate.target("/gated-stream")));
    let waiting = gate.waiting();
    let mut slow = service.connect();
    slow.send(get("/trickle?chunks=300&every_ms=10"));
    slow.head();
    let mut large = Wire::connect_with_small_window(service.http);
    // More than the kernel's buffers take, so that it is in flight until it is read.
    large.send(get(&format!("/big-stream?bytes={LARGE}")));
    service.wait_connections("in_flight", 3);
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    assert!(large.response().body == pattern(LARGE));
    assert_eq!(std::iter::from_fn(|| slow.chunk()).count(), 300);
    waiting.let_go();
    gated.response().expect(200, "a beginning, an end");
    for wire in [&mut large, &mut slow, &mut gated] {
        wire.expect_fin();
    }
    assert_eq!(service.left_in_good_order().report["streams_told"], 0);
}

/// Its client comes back as soon as it sees the end, and must not come back to this process.
#[test]
fn an_event_stream_that_ends_after_t0_ends_its_connection() {
    let service = Setup::held().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gated-events")));
    assert!(!wire.head().says_goodbye(), "it is older than the goodbye");
    let waiting = gate.waiting();
    service.begin_lame_duck();
    waiting.let_go();
    assert_eq!(last_chunk(&mut wire), b"bye\n");
    wire.expect_fin();
    drop(wire);
    service.stop();
}

#[test]
fn an_event_stream_that_ends_before_t0_leaves_its_connection_open() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gated-events")));
    wire.head();
    gate.waiting().let_go();
    assert_eq!(last_chunk(&mut wire), b"bye\n");
    wire.ask(&get("/hello/again")).expect(200, "Hello, again!");
    service.stop();
}

#[test]
fn a_request_behind_an_event_stream_that_ends_in_the_lame_duck_is_served() {
    let service = Setup::held().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gated-events")));
    wire.head();
    wire.send("GET /hello/behind HTTP/1.1\r\nho");
    let waiting = gate.waiting();
    service.begin_lame_duck();
    waiting.let_go();
    assert_eq!(last_chunk(&mut wire), b"bye\n");
    wire.send("st: e2e\r\n\r\n");
    let response = wire.response();
    response.expect(200, "Hello, behind!");
    assert!(response.head.says_goodbye());
    wire.expect_fin();
    drop(wire);
    service.stop();
}

#[test]
fn a_client_that_leaves_a_stream_is_forgotten() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send(get("/endless"));
    wire.head();
    drop(wire);
    service.wait_connections("open", 0);
    service.stop();
}
