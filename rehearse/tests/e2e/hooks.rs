//! Start and shutdown hooks.

use serde_json::{Value, json};

use crate::{
    gate::Gate,
    harness::Left,
    process::{Setup, Signal},
    wire::get,
};

/// The hooks that ran, in their order.
fn ran(left: &Left) -> Vec<Value> {
    left.end
        .events("shutdown hook")
        .iter()
        .map(|event| event["hook"].clone())
        .collect()
}

#[test]
fn a_start_hook_that_fails_is_69_and_its_causes_are_logged() {
    let end = Setup::new().set("service.start", "fail").run(&[]);
    assert_eq!(end.code, Some(69));
    assert!(end.logged("the start hook failed"));
    assert!(end.logged("the database is away"));
    assert!(
        end.events("listening").is_empty(),
        "the port was never bound"
    );
}

#[test]
fn shutdown_hooks_run_in_reverse_order_after_the_last_response() {
    let service = Setup::held().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    service.begin_draining();
    assert!(service.process.log.with("shutdown hook").is_empty());
    waiting.let_go();
    wire.response().expect(200, "let go");
    drop(wire);
    let left = service.left_in_good_order();
    assert_eq!(ran(&left), ["buffers", "pool"]);
    assert_eq!(left.report["hooks_failed"], json!([]));
}

#[test]
fn a_shutdown_hook_that_fails_is_named_and_stops_no_other() {
    let service = Setup::new().set("service.shutdown", "fail").serve();
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(ran(&left), ["buffers", "pool"]);
    assert_eq!(left.report["hooks_failed"], json!(["buffers"]));
    assert!(left.end.logged("the disk is full"));
    assert_eq!(left.report["cut"], json!({}));
}

#[test]
fn a_shutdown_hook_that_hangs_is_cut_at_the_deadline() {
    let service = Setup::short().set("service.shutdown", "hang").serve();
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(left.code, Some(3));
    assert_eq!(ran(&left), ["buffers"]);
    let failed = left.report["hooks_failed"].to_string();
    assert!(
        failed.contains("unfinished") || failed.contains("buffers"),
        "{failed}"
    );
}

#[test]
fn the_report_says_what_a_kill_would_hide() {
    // Whoever is killed before the end has left a report of the phase it was in.
    let service = Setup::held().serve();
    service.begin_lame_duck();
    service.process.log.wait_for("drain report");
    service.process.signal(Signal::SIGKILL);
    let end = service.process.end();
    assert_eq!(end.code, None);
    let report = end.events("drain report").pop().unwrap();
    assert!(
        report["report"]
            .as_str()
            .unwrap()
            .contains(r#""phase":"lame-duck""#)
    );
}
