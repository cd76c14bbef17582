//! Clients of HTTP/2 that take their time to read, and what the deadline cuts.

use serde_json::json;

use crate::{
    h2_wire::{Event, Peer},
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
    readers::pattern,
    wire::Wire,
};

const LARGE: usize = 2 << 20;

/// SETTINGS_INITIAL_WINDOW_SIZE.
const WINDOW: u16 = 4;

/// A client whose kernel takes only a few thousand bytes ahead, and whose windows never end.
pub(crate) fn slow_reader(service: &Service) -> Peer {
    let wire = Wire::connect_with_small_window(service.http);
    let mut peer = Peer::greet(wire, &[(WINDOW, 1 << 30)]);
    peer.widen(0, 1 << 30);
    peer.reads = false;
    peer.round_trip();
    peer
}

#[track_caller]
fn the_process_lives_until_everything_is_read(target: &str, bytes: usize) {
    let mut service = Setup::held().serve();
    let mut peer = slow_reader(&service);
    let stream = peer.get(&format!("{target}?bytes={bytes}"));
    while !matches!(peer.event(), Event::Head { .. }) {}
    service.begin_lame_duck();
    service.begin_draining();
    pass(
        ms(1_500),
        "a process that leaves too early would have left by now",
    );
    assert!(service.process.is_alive());
    assert_eq!(service.status()["connections"]["open"], 1);
    let response = peer.response(stream);
    assert!(response.body == pattern(bytes));
    while peer.try_event().is_ok() {}
    drop(peer);
    service.left_in_good_order();
}

#[test]
fn a_client_that_stops_reading_gets_every_byte_of_a_body_in_one_piece() {
    the_process_lives_until_everything_is_read("/big", LARGE);
}

#[test]
fn a_client_that_stops_reading_gets_every_byte_of_a_stream() {
    the_process_lives_until_everything_is_read("/big-stream", LARGE);
}

#[test]
fn a_response_that_the_kernel_has_taken_wholly_is_waited_for() {
    the_process_lives_until_everything_is_read("/big", 100_000);
}

#[test]
fn a_client_that_keeps_its_window_shut_and_opens_it_late_gets_every_byte() {
    let service = Setup::held().serve();
    let mut peer = Peer::connect(service.http);
    peer.reads = false;
    let stream = peer.get(&format!("/big?bytes={LARGE}"));
    let mut received = 0;
    // The initial window of RFC 9113, 6.9.2.
    while received < 65_535 {
        if let Event::Data { bytes, .. } = peer.event() {
            received += bytes.len();
        }
    }
    service.begin_lame_duck();
    service.begin_draining();
    pass(ms(200), "a window that stays shut is no reason to leave");
    peer.reads = true;
    peer.widen(0, 65_535);
    peer.widen(stream, 65_535);
    assert!(peer.response(stream).body == pattern(LARGE));
    drop(peer);
    service.left_in_good_order();
}

#[test]
fn what_hangs_is_cut_and_each_stream_counted_by_its_route() {
    let service = Setup::short().serve();
    let mut peer = Peer::connect(service.http);
    for target in ["/never/7", "/never/8", "/endless", "/hello/done"] {
        peer.get(target);
    }
    let upload = peer.post("/upload");
    peer.data(upload, b"01234", false);
    let mut shut = Peer::connect(service.http);
    shut.reads = false;
    shut.get("/big?bytes=1000000");
    // All but the one that is done.
    service.wait_requests(5);
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(left.code, Some(3), "{}", left.report);
    let cut = json!({"/never/{id}": 2, "/endless": 1, "/upload": 1, "/big": 1});
    assert_eq!(left.report["cut"], cut);
}

#[test]
fn bytes_that_are_not_acknowledged_at_the_deadline_are_a_cut() {
    let service = Setup::short().serve();
    let mut peer = slow_reader(&service);
    peer.get("/big?bytes=100000");
    while !matches!(peer.event(), Event::Head { .. }) {}
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(left.code, Some(3), "{}", left.report);
    assert_eq!(left.report["cut"], json!({"/big (unacknowledged)": 1}));
}

#[test]
fn half_a_head_at_the_deadline_is_a_cut() {
    let service = Setup::short().serve();
    let mut peer = Peer::connect(service.http);
    peer.ask("/hello/first").expect(200, "Hello, first!");
    peer.wire.send([0, 0, 9, 1]);
    service.wait_connections("in_flight", 1);
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(left.code, Some(3), "{}", left.report);
    assert_eq!(left.report["cut"], json!({"(half a request head)": 1}));
}
