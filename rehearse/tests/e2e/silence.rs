//! Connections that say nothing, or not enough.

use crate::{
    gate::Gate,
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
    wire::{Wire, get},
};

#[test]
fn a_connection_that_never_speaks_is_ended_and_not_counted_as_cut() {
    let before: fn(&Service) -> Wire = |service| {
        let wire = service.connect();
        service.begin_lame_duck();
        service.process.signal(Signal::SIGINT);
        wire
    };
    let in_the_lame_duck: fn(&Service) -> Wire = |service| {
        service.begin_lame_duck();
        let wire = service.connect();
        service.process.signal(Signal::SIGINT);
        wire
    };
    for opened in [before, in_the_lame_duck] {
        let service = Setup::held().serve();
        let mut wire = opened(&service);
        wire.expect_fin();
        service.left_in_good_order();
    }
}

#[test]
fn one_that_was_opened_just_before_the_fence_and_speaks_later_is_served() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    pass(ms(20), "the client connects just before the fence ...");
    service.process.signal(Signal::SIGTERM);
    pass(ms(350), "... and takes its time to ask");
    let response = wire.ask(&get("/hello/late"));
    response.expect(200, "Hello, late!");
    assert!(response.head.says_goodbye());
    wire.expect_fin();
    service.left_in_good_order();
}

#[test]
fn a_connection_that_is_still_in_the_kernels_queue_at_the_fence_is_served() {
    // The limit keeps newcomers in the queue.
    let service = Setup::held().set("http.max_connections", "1").serve();
    let gate = Gate::new();
    let mut first = service.connect();
    first.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    let mut queued: Vec<Wire> = (0..10).map(|_| service.connect()).collect();
    service.begin_lame_duck();
    service.begin_draining();
    for wire in &mut queued {
        wire.ask(&get("/hello/queued"))
            .expect(200, "Hello, queued!");
    }
    waiting.let_go();
    first.response().expect(200, "let go");
    let report = service.left_in_good_order().report;
    assert!(
        report["accepted_after_fence"].as_u64().unwrap() >= 10,
        "{report}"
    );
}

/// Half a head, in a process whose heads may take half a second.
fn half_a_head() -> (Service, Wire) {
    let service = Setup::new().set("http.head_timeout", "500ms").serve();
    let mut wire = service.connect();
    wire.send("GET /hello/half HTTP/1.1\r\n");
    (service, wire)
}

#[track_caller]
fn expect_408(wire: &mut Wire) {
    let response = wire.response();
    assert_eq!(response.head.status, 408);
    assert!(response.head.says_goodbye());
    wire.expect_fin();
}

#[test]
fn half_a_head_that_never_completes_gets_408() {
    let (service, mut wire) = half_a_head();
    expect_408(&mut wire);
    service.stop();
}

#[test]
fn half_a_head_on_a_reused_connection_that_never_completes_gets_408() {
    let service = Setup::new().set("http.head_timeout", "500ms").serve();
    let mut wire = service.connect();
    wire.ask(&get("/hello/first")).expect(200, "Hello, first!");
    wire.send("G");
    expect_408(&mut wire);
    service.stop();
}

#[test]
fn a_connection_is_in_flight_from_a_requests_first_byte_on() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.ask(&get("/hello/first")).expect(200, "Hello, first!");
    service.wait_connections("in_flight", 0);
    wire.send("G");
    service.wait_connections("in_flight", 1);
    wire.send(&get("/hello/second")[1..]);
    wire.response().expect(200, "Hello, second!");
    service.wait_connections("in_flight", 0);
    service.stop();
}

#[test]
fn half_a_head_that_never_completes_does_not_hold_the_drain() {
    let (service, mut wire) = half_a_head();
    service.wait_connections("in_flight", 1);
    service.process.signal(Signal::SIGTERM);
    expect_408(&mut wire);
    service.left_in_good_order();
}

#[test]
fn the_head_timeout_does_not_count_the_silence_before_a_head() {
    let service = Setup::new().set("http.head_timeout", "200ms").serve();
    let mut wire = service.connect();
    for _ in 0..2 {
        pass(ms(400), "silent for longer than a head may take");
        wire.ask(&get("/hello/slow")).expect(200, "Hello, slow!");
    }
    service.stop();
}

#[test]
fn a_connection_that_is_silent_for_longer_than_keep_alive_is_closed() {
    let service = Setup::new().set("http.keep_alive", "300ms").serve();
    let mut wire = service.connect();
    wire.ask(&get("/hello/once")).expect(200, "Hello, once!");
    wire.expect_fin();
    let mut mute = service.connect();
    mute.expect_fin();
    drop((wire, mute));
    service.wait_connections("open", 0);
    service.stop();
}
