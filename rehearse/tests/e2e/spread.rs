//! Kept connections after a scale-up: whether new replicas get any of their requests.

use std::process::Command;

use serde_json::Value;

/// Scales `hello` from 3 replicas to 6 under kept connections alone, and holds the load.
fn scaled_up(options: &[&str]) -> Value {
    let rehearse = env!("CARGO_BIN_EXE_rehearse");
    let bins = rehearse.rsplit_once('/').expect("the path of a binary").0;
    let mut command = Command::new(rehearse);
    command.args(["scale", "--from", "3", "--to", "6", "--hold", "4s"]);
    command.args(["--json", "--quiet", "--arms", "control,service"]);
    command.args(["--clients", "60", "--think", "50ms"]);
    command.args(["--slow-clients", "0", "--rate", "0", "--bin-dir", bins]);
    let output = command.args(options).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        // Such as that `hello` is not built: `cargo test` builds it, this package alone does not.
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    })
}

/// How many of a hundred requests the three new replicas of an arm got at the end.
fn to_new(report: &Value, arm: &str) -> f64 {
    let arms = report["scenarios"][0]["arms"].as_array().unwrap();
    let arm = arms.iter().find(|other| other["arm"] == arm).unwrap();
    if arm["arm"] == "service" {
        assert_eq!(arm["failed"], 0, "{arm:#}");
    }
    let replicas = |part: &str| arm["spread"][part]["replicas"].as_array().unwrap().clone();
    assert_eq!(replicas("before").len(), 3, "{arm:#}");
    assert!(arm["spread"]["after"]["requests"].as_u64() > Some(100));
    let mut new = replicas("after");
    assert_eq!(new.len(), 6, "{arm:#}");
    new.retain(|replica| replica["added"] == true);
    assert_eq!(new.len(), 3, "{arm:#}");
    let percents = new.iter().map(|one| one["percent"].as_f64().unwrap());
    percents.sum()
}

/// Half of the requests would be even. Each client draws a replica about once a second.
#[test]
fn connections_with_a_highest_age_spread_over_new_replicas_and_the_controls_do_not() {
    let report = scaled_up(&["--set", "http.max_connection_age=1s"]);
    let [control, service] = ["control", "service"].map(|arm| to_new(&report, arm));
    assert!(service > 30.0 && service < 70.0, "{service}: {report:#}");
    assert!(control < 2.0, "{control}: {report:#}");
}

#[test]
fn without_a_highest_age_new_replicas_get_nothing_of_kept_connections() {
    let report = scaled_up(&[]);
    let [control, service] = ["control", "service"].map(|arm| to_new(&report, arm));
    assert!(service < 2.0 && control < 2.0, "{report:#}");
}
