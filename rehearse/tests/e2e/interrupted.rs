//! Ctrl+C in the middle of a run: the figures so far, and nothing that looks like a verdict.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{self, Child, Command, Stdio},
};

use serde_json::Value;

use crate::process::program;
use crate::rehearsal::{all_have_gone, interrupt};

/// A rehearsal that takes minutes, with its progress on standard error.
fn long_rehearsal(args: &[&str]) -> Child {
    let control = env!("CARGO_BIN_EXE_rehearse");
    let folder = control.rsplit_once('/').expect("the path of a binary").0;
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(["run", "--arms", "control,service", "--bin-dir", folder]);
    command.args(["--replicas", "2", "--rollouts", "50", "--clients", "40"]);
    command.args(["--path", "/hello/you", "--ready", "/readyz"]);
    command.args(args).arg("--").arg(program());
    let command = command.stdin(Stdio::null());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until a line of progress says that it is under way, interrupts, and hands back the exit code and
/// all of standard output.
fn interrupted_when(under_way: impl Fn(&str) -> bool, mut child: Child) -> (Option<i32>, String) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let under_way = lines.find(|line| under_way(line.as_ref().unwrap()));
    assert!(under_way.is_some(), "it ended by itself");
    interrupt(&child);
    let mut out = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut out).unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert!(
        rest.iter().any(|line| line.contains("interrupted")),
        "{rest:?}"
    );
    (child.wait().unwrap().code(), out)
}

fn interrupted(child: Child) -> (Option<i32>, String) {
    interrupted_when(|line| line.matches("rollout ").count() == 2, child)
}

/// Interrupts a run once its progress has these words, and hands back its exit code and its document.
pub(crate) fn interrupted_json(child: Child, under_way: &str) -> (Option<i32>, Value) {
    let (code, out) = interrupted_when(|line| line.contains(under_way), child);
    (code, serde_json::from_str(&out).expect(&out))
}

#[test]
fn the_json_document_is_whole_has_the_figures_so_far_and_no_verdict() {
    let path = env::temp_dir().join(format!("rehearse-interrupted-{}", process::id()));
    let [events, junit] = ["jsonl", "xml"].map(|end| path.with_extension(end));
    let files = [&events, &junit].map(|path| path.to_str().unwrap());
    let child = long_rehearsal(&["--json", "--events", files[0], "--junit", files[1]]);
    let (code, out) = interrupted(child);
    assert_eq!(code, Some(130));
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["verdict"], "interrupted");
    assert_eq!(report["exit_code"], 130);
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["verdict"], "interrupted");
    let summary = scenario["summary"].as_str().unwrap();
    assert!(summary.starts_with("INTERRUPTED: no verdict."), "{summary}");
    let log = fs::read_to_string(&events).unwrap();
    fs::remove_file(&events).unwrap();
    for arm in scenario["arms"].as_array().unwrap() {
        let requests = arm["requests"].as_u64().unwrap();
        assert!(requests > 100, "{arm:#}");
        let name = arm["arm"].as_str().unwrap();
        let line = format!("{{\"event\":\"request\",\"arm\":\"{name}\"");
        assert_eq!(log.matches(&line).count() as u64, requests, "{name}");
    }
    assert!(log.contains("\"verdict\":\"interrupted\""));
    assert!(!junit.exists(), "which would be taken for a verdict");
}

#[test]
fn the_text_says_so_in_place_of_a_verdict() {
    let (code, out) = interrupted(long_rehearsal(&[]));
    assert_eq!(code, Some(130));
    assert!(
        out.contains("\nINTERRUPTED: no verdict. Lost so far: the control "),
        "{out}"
    );
    for verdict in ["PASS", "FAIL", "PROOF", "UNPROVEN"] {
        assert!(!out.contains(verdict), "{out}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_benchs_json_has_what_was_measured_so_far() {
    let marker = format!("MEASURED_BY={}", process::id());
    let (name, value) = marker.split_once('=').unwrap();
    let control = env!("CARGO_BIN_EXE_rehearse");
    let folder = control.rsplit_once('/').expect("the path of a binary").0;
    let mut command = Command::new(control);
    command.args(["bench", "--json", "--skip-image", "--bin-dir", folder]);
    command.args(["--rounds", "1000", "--seconds", "0.1"]);
    let command = command.env(name, value).stdin(Stdio::null());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (code, report) = interrupted_json(command.spawn().unwrap(), "round 2 of");
    assert_eq!(code, Some(130));
    assert_eq!(report["interrupted"], true);
    let throughput = &report["throughput"][0];
    let rounds = throughput["rounds"].as_array().unwrap();
    assert!((2..1000).contains(&rounds.len()), "{report:#}");
    assert!(throughput["ratio"]["median"].as_f64().unwrap() > 0.0);
    assert_eq!(report["http2"]["throughput"].as_array().unwrap().len(), 0);
    all_have_gone(&marker);
}
