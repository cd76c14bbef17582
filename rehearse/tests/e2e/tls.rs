//! The whole over TLS: rollouts, the exchange of a certificate, and the conformance suite.

use serde_json::Value;

use crate::conform::{failed, findings, folder, suite};
use crate::process::example;
use crate::rehearsal::rehearsal_with;

/// A rehearsal of `unruly` over TLS, beside the control: its exit code, and its two arms.
fn over_tls(sabotage: Option<&str>) -> (Option<i32>, [Value; 2]) {
    let mut command = rehearsal_with(sabotage, &["--tls", "--h2", "5"]);
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let arms = report["scenarios"][0]["arms"].as_array().unwrap();
    let arms = ["control", "service"].map(|name| {
        let arm = arms.iter().find(|arm| arm["arm"] == name);
        arm.unwrap().clone()
    });
    (output.status.code(), arms)
}

#[test]
fn a_rolling_update_over_tls_loses_nothing_and_shows_both_certificates() {
    let (code, [control, service]) = over_tls(None);
    assert!(control["failed"].as_u64() > Some(0), "{control:#}");
    assert_eq!(service["failed"], 0, "{service:#}");
    let tls = &service["tls"];
    assert_eq!(tls["certificates"].as_array().unwrap().len(), 2, "{tls:#}");
    assert_eq!(tls["truncated"], 0);
    assert!(tls["closed"].as_u64() > Some(0), "{tls:#}");
    assert!(tls["resumed"].as_u64() > Some(0), "{tls:#}");
    assert_eq!(code, Some(0));
}

#[test]
fn without_the_lame_duck_the_rehearsal_over_tls_fails() {
    let (code, [_, service]) = over_tls(Some("no-lame-duck"));
    assert!(service["failed"].as_u64() > Some(0), "{service:#}");
    assert_eq!(code, Some(1));
}

#[test]
fn a_service_passes_every_case_over_tls_that_applies_to_it() {
    let (code, cases) = findings(suite(&[
        "--tls",
        "--service",
        "streaming",
        "--bin-dir",
        folder(),
    ]));
    assert_eq!(failed(&cases), Vec::<String>::new());
    assert_eq!(code, Some(0));
    let is_of_tls = |case: &&Value| case["name"].as_str().unwrap().starts_with("tls-");
    let applied = cases.iter().filter(|case| case["result"] == "pass");
    assert_eq!(applied.filter(is_of_tls).count(), 15);
}

/// What actix-web's own TLS does not do.
pub(crate) const CONTROL_FAILS: &str = "tls-close-announced,tls-close-refused,tls-close-h2,\
    tls-hello-at-signal,tls-hello-at-close,tls-handshake-at-close,tls-half-record,tls-record-at-close";

/// What the example `offhand` does not.
pub(crate) const OFFHAND_FAILS: &str = "tls-close-idle,tls-close-asked,tls-close-keep-alive,\
    tls-close-half,tls-request-in-records,tls-other-replica";

/// What it fails in addition, if it forgets what came with the end of a handshake.
pub(crate) const FORGETFUL_FAILS: &str = "tls-request-with-finished";

#[track_caller]
fn assert_fails(known: &[&str], cases: &str, program: &[&str]) {
    let words = [&["--tls", "--only", cases], known, program].concat();
    let (code, found) = findings(suite(&words));
    assert_eq!(code, Some(1), "{cases}");
    let others = found.iter().filter(|case| case["result"] != "fail");
    let others: Vec<String> = others
        .map(|case| format!("{}: {}, {}", case["name"], case["result"], case["why"]))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn each_case_of_tls_fails_for_some_program() {
    assert_fails(
        &["--service", "control", "--bin-dir", folder()],
        CONTROL_FAILS,
        &[],
    );
    let offhand = example("offhand").to_string_lossy().into_owned();
    let known = ["--short-keep-alive", "ANY=thing", "--deadline", "8s"];
    assert_fails(&known, OFFHAND_FAILS, &["--", &offhand]);
}

#[test]
fn a_request_that_came_with_the_handshake_and_is_forgotten_is_missed() {
    let offhand = example("offhand").to_string_lossy().into_owned();
    let words = [
        "--tls",
        "--env",
        "OFFHAND=forgets",
        "--only",
        FORGETFUL_FAILS,
        "--",
        &offhand,
    ];
    // A busy machine takes a request for one that came with the handshake, and then nothing is served.
    let serves = || {
        let output = suite(&words).wait_with_output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).ok()
    };
    let report = (0..50).find_map(|_| serves()).unwrap();
    assert_eq!(report["cases"][0]["result"], "fail", "{report:#}");
}
