//! A cluster's scenarios under the model: each way to replace pods does what it says, and the service
//! loses nothing where the control does.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn arm<'a>(scenario: &'a Value, name: &str) -> &'a Value {
    let arms = scenario["arms"].as_array().unwrap();
    arms.iter().find(|arm| arm["arm"] == name).unwrap()
}

#[test]
fn evictions_a_node_drain_and_a_broken_image_lose_nothing_and_beside_them_the_control_does() {
    let rehearse = env!("CARGO_BIN_EXE_rehearse");
    let folder = Path::new(rehearse).parent().unwrap();
    let mut command = Command::new(rehearse);
    command.args(["cluster", "--model", "--json", "--quiet", "--replicas", "4"]);
    command.args(["--only", "evict,drain-node,broken-image", "--bin-dir"]);
    command.arg(folder);
    command.args(["--clients", "40", "--slow-clients", "0", "--seed", "5"]);
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    // A budget lets one pod go at a time; a node has half of them; the update that cannot work takes
    // as many as may be missing, a quarter, and its own pods never run.
    let scenarios = report["scenarios"].as_array().unwrap();
    let deleted = [
        ("evict", 4, 8),
        ("node drain", 2, 6),
        ("broken image", 1, 5),
    ];
    assert_eq!(scenarios.len(), deleted.len());
    for (scenario, (name, deleted, created)) in scenarios.iter().zip(deleted) {
        for arm in ["control", "service"].map(|name| arm(scenario, name)) {
            let counted = [&arm["pods"]["deleted"], &arm["pods"]["created"]];
            assert_eq!(counted, [deleted, created], "{name}: {arm:#}");
            assert_eq!(arm["pods"]["faults"], 0, "{name}: {arm:#}");
        }
        assert_eq!(arm(scenario, "service")["failed"], 0, "{scenario:#}");
        assert!(
            arm(scenario, "control")["failed"].as_u64() > Some(0),
            "{name}: {scenario:#}"
        );
    }
}
