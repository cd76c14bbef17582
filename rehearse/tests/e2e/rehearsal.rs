//! The rehearsal itself: it sees a loss where there is one, and leaves nothing behind.

use std::{
    io::Read as _,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::{process::program, until};

/// A short rehearsal of `unruly`, beside the bundled control.
pub(crate) fn rehearsal(sabotage: Option<&str>) -> Command {
    rehearsal_with(sabotage, &[])
}

/// The same with further options.
pub(crate) fn rehearsal_with(sabotage: Option<&str>, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(["run", "--json", "--quiet", "--arms", "control,service"]);
    command.args([
        "--replicas",
        "2",
        "--rollouts",
        "1",
        "--clients",
        "40",
        "--slow-clients",
        "20",
        "--rate",
        "40",
    ]);
    command.args([
        "--path",
        "/hello/you",
        "--ready",
        "/readyz",
        "--set",
        "drain.min=2s",
    ]);
    command.args(options);
    if let Some(rule) = sabotage {
        command.args(["--env", &format!("LASTCALL_SABOTAGE={rule}")]);
    }
    command.arg("--").arg(program());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(sabotage: Option<&str>) -> (Option<i32>, Value) {
    let output = rehearsal(sabotage).output().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.code(), json)
}

fn failed(report: &Value, arm: &str) -> u64 {
    let arms = report["scenarios"][0]["arms"].as_array().unwrap();
    let arm = arms.iter().find(|other| other["arm"] == arm).unwrap();
    arm["failed"].as_u64().unwrap()
}

#[test]
fn a_rolling_update_loses_nothing_and_beside_it_the_control_does() {
    let (code, report) = run(None);
    assert_eq!(failed(&report, "service"), 0, "{report:#}");
    assert!(failed(&report, "control") > 0, "{report:#}");
    assert_eq!(code, Some(0));
}

#[test]
fn the_control_speaks_http_2_where_clients_do() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(["rollout", "--json", "--quiet", "--arms", "control"]);
    command.args(["--replicas", "1", "--rollouts", "1", "--grace-period", "3s"]);
    command.args([
        "--clients",
        "5",
        "--slow-clients",
        "0",
        "--rate",
        "5",
        "--h2",
        "2",
        "--streams",
        "4",
    ]);
    let rehearse = env!("CARGO_BIN_EXE_rehearse");
    let folder = rehearse.rsplit_once('/').expect("the path of a binary").0;
    let output = command.args(["--bin-dir", folder]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let clients = report["scenarios"][0]["arms"][0]["clients"].as_array();
    let complete = |kind: &str| {
        let clients = clients.unwrap().iter().find(|other| other["kind"] == kind);
        clients.unwrap()["complete"].as_u64().unwrap()
    };
    // Beside HTTP/1.1, on the same port.
    assert!(
        complete("h2") > 0 && complete("keep-alive") > 0,
        "{report:#}"
    );
    assert_eq!(output.status.code(), Some(0), "no service, no verdict");
}

#[test]
fn without_the_lame_duck_the_rehearsal_fails() {
    let (code, report) = run(Some("no-lame-duck"));
    assert!(failed(&report, "service") > 0, "{report:#}");
    assert_eq!(code, Some(1));
}

/// What clients of HTTP/2 alone lose of `unruly`, by kind.
fn lost_by_http_2(sabotage: Option<&str>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(["run", "--json", "--quiet", "--arms", "service"]);
    command.args([
        "--replicas",
        "2",
        "--rollouts",
        "2",
        "--clients",
        "0",
        "--slow-clients",
        "0",
        "--rate",
        "0",
    ]);
    command.args(["--h2", "20", "--streams", "100", "--path", "/hello/you"]);
    command.args(["--ready", "/readyz", "--set", "drain.min=2s"]);
    if let Some(rule) = sabotage {
        command.args(["--env", &format!("LASTCALL_SABOTAGE={rule}")]);
    }
    let output = command.arg("--").arg(program()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    report["scenarios"][0]["arms"][0]["failures"].clone()
}

#[test]
fn a_goaway_in_one_step_or_too_early_is_seen_and_the_right_one_loses_nothing() {
    assert_eq!(lost_by_http_2(None), serde_json::json!({}));
    for rule in ["one-goaway", "goodbye-at-once"] {
        // Of 36 runs with one GOAWAY no stream crossed it in 3: so it has several.
        let refused = || lost_by_http_2(Some(rule))["stream-refused-by-goaway"].as_u64();
        assert!((0..5).any(|_| refused() > Some(0)), "{rule}");
    }
}

/// All kinds of client at once. The control is left with connections that never end by themselves:
/// they are cut when its grace period is over, and so are streams of HTTP/2 that are held back.
#[test]
fn a_rolling_update_loses_no_client_of_any_kind() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    command.args(["rollout", "--json", "--quiet", "--scenario"]);
    command.arg(format!("{root}/docs/scenarios/every-kind.toml"));
    let bins = env!("CARGO_BIN_EXE_rehearse");
    let folder = bins.rsplit_once('/').expect("the path of a binary").0;
    let output = command.args(["--bin-dir", folder]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        // Such as that `streaming` is not built: `cargo test` builds it, this package alone does not.
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let arms = report["scenarios"][0]["arms"].as_array().unwrap();
    let [control, service] = ["control", "service"].map(|name| {
        let arm = arms.iter().find(|arm| arm["arm"] == name);
        arm.unwrap()["clients"].as_array().unwrap()
    });
    assert_eq!(service.len(), 8);
    for kind in service {
        assert!(kind["complete"].as_u64() > Some(0), "{kind:#}");
        assert_eq!(kind["failed"], 0, "{kind:#}");
    }
    for kind in ["events", "websocket", "h2"] {
        let kind = control.iter().find(|other| other["kind"] == kind).unwrap();
        assert!(kind["failed"].as_u64() > Some(0), "{kind:#}");
    }
    assert_eq!(output.status.code(), Some(0));
}

/// The processes of this machine that were started with this marker in their environment.
pub(crate) fn marked(marker: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| std::fs::read(process.path().join("environ")).ok())
        .filter(|environment| {
            environment
                .split(|byte| *byte == 0)
                .any(|pair| pair == marker.as_bytes())
        })
        .count()
}

/// Who has been killed is gone a little later.
#[track_caller]
pub(crate) fn all_have_gone(marker: &str) {
    until("those left behind", || (marked(marker) == 0).then_some(()));
}

pub(crate) fn interrupt(child: &Child) {
    let pid = i32::try_from(child.id()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_leaves_no_process_behind() {
    let marker = format!("REHEARSED_BY={}", std::process::id());
    let mut command = rehearsal(None);
    let (name, value) = marker.split_once('=').unwrap();
    command.env(name, value);
    let mut child = command.spawn().unwrap();
    // The rehearsal itself, and its pods: at least one of each arm.
    while marked(&marker) < 3 {
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        std::thread::yield_now();
    }
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    all_have_gone(&marker);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(said.contains("interrupted"), "{said}");
}
