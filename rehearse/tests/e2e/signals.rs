//! Who says go, how often, and when.

use nix::sys::signal::SigSet;

use crate::{
    gate::{Gate, Waiting},
    harness::Service,
    ms, pass,
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

/// Every signal that tells it to go. Without SIGHUP where this test was begun by `nohup`: then its
/// children ignore it, as they should.
fn signals() -> Vec<Signal> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let mut signals = vec![Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT];
    if ignored.unwrap_or_default() >> (Signal::SIGHUP as u64 - 1) & 1 == 0 {
        signals.push(Signal::SIGHUP);
    } else {
        eprintln!("SIGHUP is ignored here: skipped");
    }
    signals
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
    pass(
        ms(500),
        "a second SIGINT counts from half a second after the first on",
    );
    service.process.signal(Signal::SIGINT);
    assert_eq!(service.left().code, Some(1));
    drop(wire);
}

#[test]
fn a_ctrl_c_that_a_runner_passes_on_as_well_is_one() {
    let service = Setup::held().serve();
    let (mut wire, waiting) = in_flight(&service);
    service.process.signal(Signal::SIGINT);
    pass(ms(50), "the signals must not be one to the kernel");
    service.process.signal(Signal::SIGINT);
    service.wait_phase("draining");
    waiting.let_go();
    wire.response().expect(200, "let go");
    service.left_in_good_order();
}

#[test]
fn a_mask_that_was_inherited_keeps_no_signal_away() {
    for signal in signals() {
        // A child inherits the mask of the thread that starts it.
        let mask = SigSet::from(signal);
        mask.thread_block().unwrap();
        let service = Setup::new().serve();
        mask.thread_unblock().unwrap();
        service.process.signal(signal);
        let cause = signal.as_str().to_lowercase();
        assert_eq!(service.left_in_good_order().report["cause"], cause);
    }
}

#[test]
fn sigquit_is_another_sigterm() {
    let service = Setup::held().serve();
    service.process.signal(Signal::SIGQUIT);
    service.wait_phase("lame-duck");
    service.process.signal(Signal::SIGQUIT);
    service.process.signal(Signal::SIGTERM);
    assert_eq!(service.status()["phase"], "lame-duck");
    assert_eq!(service.stop().report["cause"], "sigquit");
}

#[test]
fn sighup_is_another_sigint() {
    if !signals().contains(&Signal::SIGHUP) {
        return;
    }
    let service = Setup::held().serve();
    let (wire, _waiting) = in_flight(&service);
    service.process.signal(Signal::SIGHUP);
    service.wait_phase("draining");
    pass(
        ms(500),
        "a second one counts from half a second after the first on",
    );
    service.process.signal(Signal::SIGHUP);
    let left = service.left();
    assert_eq!(
        (left.code, &left.report["cause"]),
        (Some(1), &"sighup".into())
    );
    drop(wire);
}

#[test]
fn sighup_stays_ignored_where_it_was() {
    // As by `nohup`: the terminal goes, and the program is to stay.
    let service = Setup::held().after("trap '' HUP").serve();
    service.process.signal(Signal::SIGHUP);
    // Whatever it would do, it would do it before the next signal's work.
    service.begin_lame_duck();
    assert_eq!(service.stop().report["cause"], "sigterm");
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
        for signal in signals() {
            let process = Setup::new().set("service.start", how).spawn();
            process.log.wait_for("start hook");
            process.signal(signal);
            assert_eq!(process.end().code, Some(0), "{how}");
        }
    }
}
