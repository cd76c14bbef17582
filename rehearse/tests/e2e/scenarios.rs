//! The example files in `docs/scenarios`, and any program with clients of every kind.

use std::process::Command;

use serde_json::Value;

use crate::process::program;

/// Runs an example with more arguments: its exit code, and its scenario.
fn run(name: &str, args: &[&str]) -> (Option<i32>, Value) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenarios");
    let path = format!("{folder}/{name}.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (_, words) = text.split_once("#   rehearse ").unwrap();
    let control = env!("CARGO_BIN_EXE_control");
    let bins = control.rsplit_once('/').expect("the path of a binary").0;
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.arg(words.split(' ').next().unwrap());
    command.args(["--scenario", &path, "--json", "--quiet", "--bin-dir", bins]);
    let output = command.args(args).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        // Such as that `hello` is not built: `cargo test` builds it, this package alone does not.
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.code(), report["scenarios"][0].clone())
}

/// The service has lost nothing, and somebody was there to lose.
fn loses_nothing(name: &str, args: &[&str]) {
    let (code, scenario) = run(name, args);
    let service = &scenario["arms"][1];
    assert_eq!(service["failed"], 0, "{scenario:#}");
    assert!(service["complete"].as_u64() > Some(100), "{scenario:#}");
    assert_ne!(code, Some(1), "{}", scenario["summary"]);
}

#[test]
fn a_rolling_update_with_thresholds() {
    // As a machine is shared, not the one of the example.
    loses_nothing("rolling-update", &["--max-p99", "10s"]);
}

#[test]
fn a_scale_down() {
    loses_nothing("scale-down", &[]);
}

#[test]
fn a_lone_pod() {
    loses_nothing("lone-pod", &[]);
}

#[test]
fn slow_propagation() {
    loses_nothing("slow-propagation", &[]);
}

#[test]
fn every_kind_of_client() {
    loses_nothing("every-kind", &[]);
}

#[test]
fn any_program_has_clients_of_every_kind_that_it_has_a_path_for() {
    let (code, scenario) = run(
        "any-program",
        &[
            "--path",
            "/hello/you",
            "--post-path",
            "/streaming/upload",
            "--upload-path",
            "/streaming/upload",
            "--download-path",
            "/streaming/download?bytes=3000000",
            "--events-path",
            "/streaming/events",
            "--websocket-path",
            "/streaming/ws",
            "--",
            program().to_str().unwrap(),
        ],
    );
    assert_eq!(code, Some(0), "{}", scenario["summary"]);
    let [control, service] = [0, 1].map(|arm| scenario["arms"][arm]["clients"].as_array().unwrap());
    assert_eq!(service.len(), 8);
    for kind in service {
        assert!(kind["complete"].as_u64() > Some(0), "{kind:#}");
        assert_eq!(kind["failed"], 0, "{kind:#}");
    }
    for kind in ["events", "websocket"] {
        let kind = control.iter().find(|other| other["kind"] == kind).unwrap();
        assert!(kind["failed"].as_u64() > Some(0), "{kind:#}");
    }
}
