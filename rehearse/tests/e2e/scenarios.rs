//! The example files in `docs/scenarios`, and any program with clients of every kind.

use std::process::Command;

use serde_json::Value;

use crate::process::program;

/// Runs an example with more arguments.
fn run(name: &str, args: &[&str]) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/scenarios");
    let path = format!("{folder}/{name}.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (_, words) = text.split_once("#   rehearse ").unwrap();
    let control = env!("CARGO_BIN_EXE_rehearse");
    let bins = control.rsplit_once('/').expect("the path of a binary").0;
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.arg(words.split(' ').next().unwrap());
    command.args(["--scenario", &path, "--json", "--quiet", "--bin-dir", bins]);
    let output = command.args(args).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        // Such as that `hello` is not built: `cargo test` builds it, this package alone does not.
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    report["scenarios"][0].clone()
}

/// The service has lost nothing, and somebody was there to lose. How long requests took is not looked
/// at: machines are shared.
fn loses_nothing(name: &str) {
    let few = ["--clients", "10", "--slow-clients", "5", "--rate", "10"];
    let scenario = run(name, &few);
    let service = &scenario["arms"][1];
    assert_eq!(service["failed"], 0, "{scenario:#}");
    assert!(service["complete"].as_u64() > Some(50), "{scenario:#}");
}

#[test]
fn a_rolling_update_with_thresholds() {
    loses_nothing("rolling-update");
}

#[test]
fn a_scale_down() {
    loses_nothing("scale-down");
}

#[test]
fn a_lone_pod() {
    loses_nothing("lone-pod");
}

#[test]
fn slow_propagation() {
    loses_nothing("slow-propagation");
}

#[test]
fn any_program_has_clients_of_every_kind_that_it_has_a_path_for() {
    let scenario = run(
        "any-program",
        &[
            "--path",
            "/hello/you",
            "--post-path",
            "/streaming/upload",
            "--upload-path",
            "/streaming/upload",
            "--download-path",
            "/streaming/download?bytes=300000",
            "--downloads",
            "2",
            "--events-path",
            "/streaming/events",
            "--websocket-path",
            "/streaming/ws",
            "--",
            program().to_str().unwrap(),
        ],
    );
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
