//! The end of idle connections whose clients were never told to leave.

use crate::{
    harness::{Left, Service},
    ms, pass,
    process::{Setup, Signal},
    until,
    wire::{Wire, get},
};

/// No lame duck, and idle connections are waited for until `patience` after T0.
fn patient(patience: &str) -> Service {
    Setup::new().set("drain.patience", patience).serve()
}

/// A connection that has had a response, and was not told.
#[track_caller]
fn kept(service: &Service) -> Wire {
    let mut wire = service.connect();
    let response = wire.ask(&get("/hello/kept"));
    response.expect(200, "Hello, kept!");
    assert!(!response.head.says_goodbye());
    wire
}

#[track_caller]
fn expect_last(wire: &mut Wire) {
    let response = wire.ask(&get("/hello/late"));
    response.expect(200, "Hello, late!");
    assert!(response.head.says_goodbye());
    wire.expect_fin();
}

fn drained_ms(left: &Left) -> u64 {
    left.report["draining_ms"].as_u64().unwrap()
}

#[test]
fn an_idle_connection_is_kept_until_it_asks_and_is_told() {
    let service = patient("1h");
    let mut wire = kept(&service);
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    pass(ms(300), "its client thinks");
    assert!(wire.is_silent());
    expect_last(&mut wire);
    drop(wire);
    let left = service.left_in_good_order();
    assert_eq!(left.report["crossed"], 0);
}

#[test]
fn an_idle_connection_is_kept_until_its_client_leaves() {
    let service = patient("1h");
    let wire = kept(&service);
    service.process.signal(Signal::SIGTERM);
    until("the fence", || service.refuses().then_some(()));
    pass(ms(300), "it would have ended by now");
    assert!(wire.is_silent());
    drop(wire);
    service.left_in_good_order();
}

#[test]
fn patience_counts_from_t0_and_not_from_the_last_request() {
    let service = patient("1500ms");
    let mut wire = kept(&service);
    pass(ms(700), "silent before T0");
    service.process.signal(Signal::SIGTERM);
    wire.expect_fin();
    drop(wire);
    let left = service.left_in_good_order();
    let drained = drained_ms(&left);
    assert!((1_500..2_200).contains(&drained), "{drained} ms");
}

#[test]
fn one_silent_connection_does_not_hold_back_the_others() {
    let service = patient("1h");
    let mut wires: Vec<Wire> = (0..3).map(|_| kept(&service)).collect();
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    for wire in &mut wires {
        expect_last(wire);
    }
    drop(wires);
    service.left_in_good_order();
}

#[test]
fn keep_alive_ends_nothing_after_t0() {
    let service = Setup::new()
        .set("http.keep_alive", "500ms")
        .set("drain.patience", "1h")
        .set("drain.min", "1h")
        .set("drain.max", "1h")
        .serve();
    let mut wire = kept(&service);
    service.begin_lame_duck();
    pass(ms(900), "longer than keep_alive");
    assert!(wire.is_silent());
    expect_last(&mut wire);
    drop(wire);
    service.stop();
}

#[test]
fn sigint_ends_idle_connections_at_once() {
    for first in [Signal::SIGINT, Signal::SIGTERM] {
        let service = patient("1h");
        let mut wire = kept(&service);
        service.process.signal(first);
        if first == Signal::SIGTERM {
            service.wait_phase("draining");
            assert!(wire.is_silent());
            service.process.signal(Signal::SIGINT);
        }
        wire.expect_fin();
        drop(wire);
        service.left_in_good_order();
    }
}

#[test]
fn a_new_connection_has_a_second_from_the_fence_to_speak_however_long_ago_it_came() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    pass(ms(1_300), "longer than a second before T0");
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    pass(ms(500), "and a while after the fence");
    expect_last(&mut wire);
    drop(wire);
    service.left_in_good_order();
}

#[test]
fn a_new_connection_that_does_not_speak_in_that_second_is_waited_for_like_an_idle_one() {
    let service = patient("1h");
    let mut wire = service.connect();
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    pass(ms(1_300), "longer than a second");
    expect_last(&mut wire);
    drop(wire);
    service.left_in_good_order();
}

#[test]
fn a_request_behind_an_unannounced_fin_is_counted_as_crossed_and_no_failure_of_the_drain() {
    let service = patient("300ms");
    let mut wires: Vec<Wire> = (0..3).map(|_| kept(&service)).collect();
    service.process.signal(Signal::SIGTERM);
    for (wire, bytes) in wires.iter_mut().zip([&*get("/hello/lost"), "\r\n\r\n", ""]) {
        wire.expect_fin();
        wire.send(bytes);
    }
    drop(wires);
    let left = service.left_in_good_order();
    assert_eq!(left.report["crossed"], 1, "line ends are no request");
    assert!(left.end.logged("crossed"));
}

#[test]
fn a_request_that_crosses_the_end_by_keep_alive_is_counted_too() {
    let service = Setup::new().set("http.keep_alive", "200ms").serve();
    let mut wire = kept(&service);
    wire.expect_fin();
    wire.send(get("/hello/lost"));
    drop(wire);
    service.wait_connections("open", 0);
    let metrics = service.admin("/metrics").text();
    assert!(
        metrics.contains("lastcall_requests_crossed_total 1\n"),
        "{metrics}"
    );
    service.stop();
}
