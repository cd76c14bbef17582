//! Connections that end without a word: the rehearsal sees what that costs on a network that takes
//! time, and both sides count it alike.

use std::process::Command;

use serde_json::Value;

use crate::process::program;

/// The service's arm of a rehearsal of this program, alone.
fn rehearsed(args: &str, program: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(["run", "--json", "--quiet", "--arms", "service"]);
    command.args(["--replicas", "2", "--rollouts", "1", "--rate", "0"]);
    command.args(["--ready", "/readyz", "--path", "/hello/you"]);
    command.args(args.split_whitespace());
    let output = command.arg("--").args(program).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    report["scenarios"][0]["arms"][0].clone()
}

fn count(arm: &Value, figure: &str) -> u64 {
    arm[figure].as_u64().unwrap()
}

/// Plain actix-web that keeps idle connections for as long as its clients think.
#[test]
fn a_program_that_ends_idle_connections_without_a_word_loses_the_share_that_was_to_be_expected() {
    let arm = rehearsed(
        "--clients 100 --slow-clients 0 --think 1s --rtt 100ms --env LASTCALL__HTTP__KEEP_ALIVE=1s",
        &[env!("CARGO_BIN_EXE_rehearse"), "control", "hello"],
    );
    assert!(count(&arm, "unannounced_closes") > 100, "{arm:#}");
    let expected = arm["expected_crossed"].as_f64().unwrap();
    let share = count(&arm, "at_risk") as f64 / 10.0;
    assert!(
        (expected - share).abs() < 1e-6 && expected > 10.0,
        "{arm:#}"
    );
    assert!(count(&arm, "crossed") as f64 > expected / 2.0, "{arm:#}");
    assert!(count(&arm, "crossed") <= count(&arm, "failed"), "{arm:#}");
}

/// Clients that cannot be told in so short a lame duck, and nobody waits for.
#[test]
fn what_clients_lose_by_crossing_the_end_of_their_connection_the_pods_count_too() {
    let arm = rehearsed(
        "--clients 0 --slow-clients 300 --slow-think uniform:500ms..3s --rtt 100ms \
         --set drain.patience=0s --set drain.min=1500ms --set drain.quiet=100ms \
         --set drain.max=1600ms",
        &[&program().display().to_string()],
    );
    let crossing = &arm["crossing"];
    assert_eq!(crossing["by_clients"], crossing["by_pods"], "{arm:#}");
    // On a starved machine so short a lame duck may end before a client hears of it: other losses.
    assert!(
        count(crossing, "by_clients") <= count(&arm, "failed"),
        "{arm:#}"
    );
    assert!(count(crossing, "by_pods") > 0, "{arm:#}");
}
