//! Clients that take their time to read: the process waits until they have acknowledged all.

use crate::{
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
    wire::{Head, Wire, get},
};

const LARGE: usize = 2 << 20;

/// The body of `bytes` that every large response has.
pub(crate) fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i % 251) as u8).collect()
}

/// A client that has asked for a large response, and then reads nothing of it.
fn stopped_reader(service: &Service, target: &str) -> (Wire, Head) {
    let mut wire = Wire::connect_with_small_window(service.http);
    wire.send(get(target));
    let head = wire.head();
    (wire, head)
}

#[track_caller]
fn the_process_lives_until_everything_is_read(route: &str, bytes: usize) {
    let mut service = Setup::held().serve();
    let (mut wire, head) = stopped_reader(&service, &format!("{route}?bytes={bytes}"));
    service.begin_lame_duck();
    service.begin_draining();
    pass(
        ms(1_500),
        "a process that leaves too early would have left by now",
    );
    assert!(service.process.is_alive());
    assert_eq!(service.status()["connections"]["open"], 1);
    assert_eq!(service.status()["phase"], "draining");
    assert!(wire.body(&head) == pattern(bytes));
    wire.expect_fin();
    drop(wire);
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
fn a_client_that_goes_away_instead_of_reading_holds_nobody() {
    let service = Setup::held().serve();
    let (wire, _) = stopped_reader(&service, "/big?bytes=2000000");
    service.begin_lame_duck();
    service.begin_draining();
    drop(wire);
    service.left_in_good_order();
}

#[test]
fn a_client_that_never_closes_its_side_holds_nobody() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send(get("/trickle?chunks=20&every_ms=10"));
    wire.head();
    service.process.signal(Signal::SIGTERM);
    while wire.chunk().is_some() {}
    wire.expect_fin();
    service.left_in_good_order();
    drop(wire);
}
