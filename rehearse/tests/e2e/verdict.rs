//! Programs that lose requests in ways that are easy to miss do not pass.

use std::process::Command;

use serde_json::Value;

use crate::process::example;

const BOTH: &str = "control,service";

/// A rehearsal of `examples/careless`, beside the control: its exit code, and its one scenario.
fn rehearsed(way: &str, arms: &str, args: &str) -> (Option<i32>, Value) {
    let control = env!("CARGO_BIN_EXE_rehearse");
    let folder = control.rsplit_once('/').expect("the path of a binary").0;
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(["run", "--json", "--quiet", "--arms", arms]);
    command.args(["--replicas", "2", "--rollouts", "1", "--rate", "20"]);
    command.args(["--bin-dir", folder]);
    command.args(args.split_whitespace());
    let output = command.arg("--").arg(example("careless")).arg(way).output();
    let output = output.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    (output.status.code(), report["scenarios"][0].clone())
}

fn summary(scenario: &Value) -> &str {
    scenario["summary"].as_str().unwrap()
}

#[test]
fn a_program_that_stands_still_fails_though_it_answers_everybody() {
    let load = "--clients 20 --slow-clients 0 --timeout 20s";
    let (code, scenario) = rehearsed("standstill", BOTH, load);
    let service = &scenario["arms"][1];
    assert_eq!(service["failed"], 0, "{scenario:#}");
    assert_eq!((code, &scenario["verdict"]), (Some(1), &"slow".into()));
    let words = summary(&scenario);
    assert!(words.contains("none of the control's more than"), "{words}");
    let patient = format!("{load} --max-longest 20s");
    let (code, scenario) = rehearsed("standstill", BOTH, &patient);
    assert_eq!((code, &scenario["verdict"]), (Some(0), &"pass".into()));
}

#[test]
fn a_program_whose_bodies_nobody_can_judge_fails() {
    let (code, scenario) = rehearsed("cut", BOTH, "--clients 20 --slow-clients 0");
    let service = &scenario["arms"][1];
    assert_eq!(
        (&service["failed"], &service["complete"]),
        (&0.into(), &0.into())
    );
    assert_eq!(service["unjudged"], service["requests"], "{scenario:#}");
    assert_eq!((code, &scenario["verdict"]), (Some(1), &"unjudged".into()));
    let words = summary(&scenario);
    assert!(
        words.contains("only the connection's end delimits"),
        "{words}"
    );
}

#[test]
fn a_program_that_ends_idle_connections_without_a_word_fails_by_bad_luck_or_for_its_luck() {
    let load = "--clients 20 --slow-clients 300 --slow-think uniform:500ms..3s";
    let (code, scenario) = rehearsed("silent", BOTH, load);
    let service = &scenario["arms"][1];
    assert!(
        service["expected_crossed"].as_f64().unwrap() >= 1.0,
        "{scenario:#}"
    );
    let verdict = scenario["verdict"].as_str().unwrap();
    assert!(["lost", "lucky"].contains(&verdict), "{scenario:#}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_service_without_a_control_is_no_success() {
    let load = "--clients 20 --slow-clients 0";
    let (code, scenario) = rehearsed("standstill", "service", load);
    assert_eq!(
        (code, &scenario["verdict"]),
        (Some(2), &"without-control".into())
    );
}
