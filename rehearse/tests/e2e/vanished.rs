//! Clients whose network is gone: no packet of theirs arrives any more, and none reaches them.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    delayed::{Delayed, delayed},
    h2_wire::{Event, Peer},
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
    readers::pattern,
    websocket::ticking,
    wire::{Wire, get},
};

/// What a process may take to notice, and to leave: the five seconds for which a peer's bytes are
/// outstanding at least, its retransmissions, and as much again.
const NOTICED: Duration = Duration::from_secs(15);

fn begin(network: &Delayed) -> Service {
    let setup = ticking(Setup::new(), "50ms");
    network.within_reach(setup).serve()
}

/// Drains a process that has lost sight of a client.
#[track_caller]
fn leaves_with(service: Service, code: i32, vanished: u64, cut: serde_json::Value) {
    let started = Instant::now();
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    let took = started.elapsed();
    assert!(took < NOTICED, "{took:?}: {}", left.report);
    let report = &left.report;
    assert_eq!(left.code, Some(code), "{report}");
    assert_eq!(
        (&report["vanished"], &report["cut"]),
        (&json!(vanished), &cut),
        "{report}"
    );
}

/// A client that has sent this, and had the head of a response.
#[track_caller]
fn asked(network: &Delayed, service: &Service, target: &str) -> Wire {
    let mut wire = network.connect(service);
    wire.send(get(target));
    assert_eq!(wire.head().status, 200);
    wire
}

#[test]
fn an_event_stream_to_nobody_does_not_hold_the_drain_and_is_cut() {
    delayed(ms(25), |network| {
        let service = begin(network);
        let wire = asked(network, &service, "/events");
        network.vanish(&wire);
        leaves_with(service, 3, 1, json!({"/events (unacknowledged)": 1}));
    });
}

#[test]
fn a_websocket_with_nobody_does_not_hold_the_drain() {
    delayed(ms(25), |network| {
        let service = begin(network);
        let socket = network.open(&service);
        network.vanish(&socket.wire);
        leaves_with(service, 3, 1, json!({"/streaming/ws (unacknowledged)": 1}));
    });
}

#[test]
fn a_response_to_nobody_does_not_hold_the_drain_and_is_cut() {
    delayed(ms(25), |network| {
        let service = begin(network);
        let wire = asked(network, &service, "/big?bytes=3000000");
        network.vanish(&wire);
        leaves_with(service, 3, 1, json!({"/big": 1}));
    });
}

#[test]
fn the_end_of_an_idle_connection_that_nobody_hears_is_no_cut() {
    delayed(ms(25), |network| {
        let service = begin(network);
        let mut wire = network.connect(&service);
        wire.ask(&get("/hello/idle")).expect(200, "Hello, idle!");
        // With this round trip the acknowledgement of that response has arrived, too.
        let _other = network.connect(&service);
        network.vanish(&wire);
        leaves_with(service, 0, 0, json!({}));
    });
}

#[test]
fn a_stream_of_http_2_to_nobody_does_not_hold_the_drain_and_is_cut() {
    delayed(ms(25), |network| {
        let service = begin(network);
        let mut peer = Peer::greet(network.connect(&service), &[]);
        peer.get("/endless");
        while !matches!(peer.event(), Event::Data { .. }) {}
        network.vanish(&peer.wire);
        leaves_with(service, 3, 1, json!({"/endless": 1}));
    });
}

#[test]
fn others_are_served_to_their_end_meanwhile() {
    delayed(ms(25), |network| {
        let service = begin(network);
        let gone = asked(network, &service, "/events");
        network.vanish(&gone);
        let mut slow = network.connect(&service);
        slow.send(get("/slow?ms=9000"));
        service.wait_requests(2);
        service.process.signal(Signal::SIGTERM);
        slow.response().expect(200, "awake");
        let left = service.left();
        assert_eq!(left.report["cut"], json!({"/events (unacknowledged)": 1}));
    });
}

#[test]
fn a_reader_that_stands_still_for_long_has_not_vanished() {
    const BYTES: usize = 2 << 20;
    delayed(ms(25), |network| {
        let service = begin(network);
        let mut wire = network.connect_with_small_window(&service);
        wire.send(get(&format!("/big?bytes={BYTES}")));
        let head = wire.head();
        service.process.signal(Signal::SIGTERM);
        pass(
            Duration::from_secs(12),
            "for twice as long as it takes to tell that a peer has vanished",
        );
        assert!(wire.body(&head) == pattern(BYTES));
        wire.expect_fin();
        drop(wire);
        let left = service.left_in_good_order();
        assert_eq!(left.report["vanished"], 0);
    });
}
