//! Who says go, how often, and when.

use crate::{
    gate::{Gate, Waiting},
    harness::Service,
    process::{Setup, Signal},
    wire::{Wire, get},
};

/// A request that is in flight until it is let go.
fn in_flight(service: &Service) -> (Wire, Waiting) {
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    (wire, waiting)
}

#[test]
fn sigterm_without_connections_and_lame_duck_ends_it_with_0() {
    let service = Setup::new().serve();
    service.process.signal(Signal::SIGTERM);
    let report = service.left_in_good_order().report;
    assert_eq!(report["cause"], "sigterm");
    assert_eq!(report["service"], "unruly");
}

#[test]
fn sigint_knows_no_lame_duck() {
    // With one, it would take an hour.
    let service = Setup::held().serve();
    service.process.signal(Signal::SIGINT);
    assert_eq!(service.left_in_good_order().report["cause"], "sigint");
}

#[test]
fn sigint_ends_a_lame_duck_that_sigterm_began() {
    let service = Setup::held().serve();
    service.begin_lame_duck();
    service.process.signal(Signal::SIGINT);
    assert_eq!(service.left_in_good_order().report["cause"], "sigterm");
}

#[test]
fn a_second_sigint_aborts_with_1() {
    let service = Setup::held().serve();
    let (wire, _waiting) = in_flight(&service);
    service.begin_draining();
    service.process.signal(Signal::SIGINT);
    assert_eq!(service.left().code, Some(1));
    drop(wire);
}

#[test]
fn a_repeated_sigterm_changes_nothing() {
    let service = Setup::held().serve();
    let (mut wire, waiting) = in_flight(&service);
    service.begin_lame_duck();
    for _ in 0..3 {
        service.process.signal(Signal::SIGTERM);
        // It answers, so it has been around its event loop.
        assert_eq!(service.status()["phase"], "lame-duck");
        service
            .get("/hello/newcomer")
            .expect(200, "Hello, newcomer!");
    }
    service.begin_draining();
    service.process.signal(Signal::SIGTERM);
    assert_eq!(service.status()["phase"], "draining");
    waiting.let_go();
    wire.response().expect(200, "let go");
    wire.expect_fin();
    let report = service.left_in_good_order().report;
    assert!(
        report["repeated_signals"].as_u64().unwrap() >= 1,
        "{report}"
    );
}

#[test]
fn the_report_is_written_at_t0_and_at_each_phase() {
    let service = Setup::held().serve();
    let (mut wire, waiting) = in_flight(&service);
    service.begin_lame_duck();
    service.process.log.wait_for("drain report");
    service.begin_draining();
    waiting.let_go();
    wire.response().expect(200, "let go");
    let left = service.left_in_good_order();
    let phase = |event: &serde_json::Value| {
        let report = event["report"].as_str().unwrap();
        serde_json::from_str::<serde_json::Value>(report).unwrap()["phase"].clone()
    };
    let phases: Vec<_> = left.end.events("drain report").iter().map(phase).collect();
    assert_eq!(phases, ["lame-duck", "draining", "stopped"]);
    assert_eq!(left.report["at_t0"]["in_flight"], 1);
    assert!(left.report["at_fence"]["in_flight"].is_u64());
    assert_eq!(left.report["at_end"]["open"], 0);
}

#[test]
fn a_start_that_hangs_is_ended_by_a_signal_with_0() {
    for how in ["hang", "block"] {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let process = Setup::new().set("service.start", how).spawn();
            process.log.wait_for("start hook");
            process.signal(signal);
            assert_eq!(process.end().code, Some(0), "{how}");
        }
    }
}
