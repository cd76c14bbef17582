//! The conformance suite, held to itself: our services pass, and a program without one of the rules
//! is seen to fail.

use std::{
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{
    interrupted::interrupted_json as interrupted, process::program, rehearsal::all_have_gone, tls,
};

/// A run of the suite, one of three at a time.
pub(crate) fn suite(args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(["conform", "--json", "--quiet", "--jobs", "6"]);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// Its exit code, and its findings.
#[track_caller]
pub(crate) fn findings(mut suite: Child) -> (Option<i32>, Vec<Value>) {
    let mut json = String::new();
    let mut out = suite.stdout.take().unwrap();
    out.read_to_string(&mut json).unwrap();
    let code = suite.wait().unwrap().code();
    let report: Value = serde_json::from_str(&json).unwrap_or_default();
    let cases = report["cases"].as_array().cloned().unwrap_or_default();
    assert!(!cases.is_empty(), "exit code {code:?}, and no case");
    (code, cases)
}

/// Where `cargo test` has built the services, whose own tests need them.
pub(crate) fn folder() -> &'static str {
    let control = env!("CARGO_BIN_EXE_rehearse");
    let folder = control
        .rsplit_once('/')
        .expect("the path of a binary has a folder")
        .0;
    for service in ["hello", "slow", "streaming"] {
        assert!(
            Path::new(folder).join(service).is_file(),
            "{service} is missing: run `cargo test`, which builds it, without naming packages"
        );
    }
    folder
}

pub(crate) fn failed(cases: &[Value]) -> Vec<String> {
    let failed = cases.iter().filter(|case| case["result"] == "fail");
    failed
        .map(|case| format!("{}: {}", case["name"], case["why"]))
        .collect()
}

#[test]
fn our_services_pass_every_case_that_applies_to_them() {
    let service = |name| suite(&["--service", name, "--bin-dir", folder()]);
    let suites = ["hello", "slow", "streaming"].map(|name| (name, service(name)));
    let mut applied = Vec::new();
    for (name, suite) in suites {
        let (code, cases) = findings(suite);
        assert_eq!(failed(&cases), Vec::<String>::new(), "{name}");
        assert_eq!(code, Some(0), "{name}");
        let passed = cases.into_iter().filter(|case| case["result"] == "pass");
        applied.extend(passed.map(|case| case["name"].to_string()));
    }
    applied.sort_unstable();
    applied.dedup();
    assert!(applied.len() >= 85, "only {} cases applied", applied.len());
}

/// `unruly`, whose every rule can be switched off, as the suite is told of it.
const UNRULY: &str = "--lame-duck 2s --deadline 8s --path /hello/you --slow /slow?ms={ms} \
    --download /big-stream?bytes={bytes} --upload /upload --events /events --websocket /echo \
    --http2 --ready /readyz --live /livez --health /healthz \
    --bad-setting LASTCALL__DRAIN__MAX=1h --set drain.min=2s --set drain.quiet=0s \
    --set drain.max=2s --set drain.jitter=200ms --set drain.patience=4s \
    --set grace_period=8s --set http.head_timeout=20s --set http.workers=1";

/// Runs these cases on `unruly` under a sabotage, with other settings, or with another preStop hook.
fn unruly(without: &str, cases: &str) -> Child {
    let hook = match without.starts_with("--prestop-http-get=") {
        true => "",
        false => " --prestop-path=/prestop",
    };
    let known = format!("{UNRULY}{hook}");
    let mut args: Vec<String> = known.split_whitespace().map(str::to_owned).collect();
    for word in without.split(' ') {
        args.extend(match (word.starts_with("--"), word.contains('=')) {
            (true, _) => vec![word.to_owned()],
            (_, true) => vec!["--set".to_owned(), word.to_owned()],
            _ => vec!["--env".to_owned(), format!("LASTCALL_SABOTAGE={word}")],
        });
    }
    let program = program().to_string_lossy().into_owned();
    args.extend(["--only", cases, "--", &program].map(str::to_owned));
    suite(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What makes which cases fail. What is not here fails for the control, or for a peer: the table in
/// `docs/conformance.md` says for whom.
const WITHOUT: [(&str, &str); 25] = [
    (
        "no-lame-duck",
        "new-connection-served,close-announced-new,events-go-on",
    ),
    ("no-lame-duck drain.patience=0s", "idle-kept"),
    (
        "drain.patience=0s",
        "request-while-draining,later-first-request",
    ),
    (
        "no-goodbye",
        "close-announced-kept,close-announced-in-flight,close-announced-404,close-announced-head,\
         close-announced-post,close-announced-http10,close-announced-new,pipelined-in-lame-duck,\
         always-outstanding",
    ),
    // With room for one, or the worker may empty the queue before the process sees that its lame duck
    // is over.
    ("no-fence http.max_connections=1", "accept-queue-at-close"),
    (
        "never-fence",
        "refused-cleanly,readiness-while-draining,idle-ended,exits-early,events-hold-nobody",
    ),
    (
        "cut-at-once",
        "in-flight,new-request-finished,half-head,half-body,half-chunk,large-upload,slow-reader,\
         chunked-end,exit-0,h2-in-flight,h2-half-body,h2-slow-reader,signal-repeated",
    ),
    (
        "no-deadline",
        "deadline,exit-after-cut,websocket-unanswered",
    ),
    ("no-linger", "late-request-no-reset,early-response-no-reset"),
    ("idle-unasked", "request-at-close"),
    (
        "idle-unasked drain.min=0s drain.max=0s",
        "request-at-signal,pipelined-at-signal",
    ),
    ("exit-unacknowledged", "unacknowledged-bytes"),
    ("goodbye-at-once", "h2-new-connection"),
    ("one-goaway", "h2-goaway-first,h2-goaway-second"),
    ("wrong-probes", "liveness-until-exit,health-check-fails"),
    (
        "lifecycle.readiness=fail-at-drain",
        "readiness-in-lame-duck",
    ),
    ("admin-first", "admin-outlives-public"),
    (
        "no-prestop",
        "prestop-blocks,prestop-then-signal,prestop-repeated",
    ),
    // A hook that is only to be called from inside of the pod.
    (
        "--prestop-http-get=/prestop",
        "prestop-from-node,prestop-serves-on",
    ),
    ("prestop-drains", "prestop-serves-on"),
    ("prestop-open", "prestop-from-outside,prestop-from-mesh"),
    ("no-line-ends", "line-ends-skipped,line-ends-idle"),
    ("no-room", "admin-full"),
    ("http.half_close=false", "half-close"),
    ("any-budget", "bad-settings"),
];

#[test]
fn without_a_rule_its_cases_fail() {
    // Few at a time: each is a suite of its own.
    for some in WITHOUT.chunks(3) {
        let suites: Vec<_> = some
            .iter()
            .map(|(without, cases)| (without, cases, unruly(without, cases)))
            .collect();
        for (without, cases, suite) in suites {
            let (code, found) = findings(suite);
            assert_eq!(code, Some(1), "{without}");
            let passed = found.iter().filter(|case| case["result"] != "fail");
            let passed: Vec<_> = passed.map(|case| &case["name"]).collect();
            assert!(passed.is_empty(), "{without}: {passed:?} of {cases}");
        }
    }
}

/// The cases of a preStop hook that `unruly` has at this path, and the kubelet gets from the node's
/// address.
fn hook_by_http_get(path: &str) -> (Option<i32>, Vec<Value>) {
    let known = format!(
        "--lame-duck 2s --deadline 8s --path /hello/you --prestop-http-get {path} --ready-on main \
         --set drain.min=0s --set drain.quiet=0s --set drain.max=0s --set grace_period=8s \
         --only prestop-from-node,prestop-blocks,prestop-serves-on,prestop-then-signal,prestop-repeated --"
    );
    let program = program().to_string_lossy().into_owned();
    let args: Vec<&str> = known.split_whitespace().chain([&*program]).collect();
    findings(suite(&args))
}

#[test]
fn a_hook_by_http_get_passes_if_it_waits_and_fails_if_it_answers_at_once() {
    let (code, cases) = hook_by_http_get("/slow?ms=2000");
    assert_eq!(failed(&cases), Vec::<String>::new());
    assert_eq!((code, cases.len()), (Some(0), 5));
    let (code, cases) = hook_by_http_get("/hello/you");
    assert_eq!(code, Some(1));
    let failed = cases.iter().filter(|case| case["result"] == "fail");
    let failed: Vec<&Value> = failed.map(|case| &case["name"]).collect();
    assert_eq!(failed, ["prestop-repeated", "prestop-blocks"]);
}

const DOCUMENT: &str = include_str!("../../../docs/conformance.md");

#[test]
fn the_document_says_which_sabotage_makes_which_case_fail() {
    for (without, cases) in WITHOUT {
        let row = format!("| `{without}` | {} |", cases.replace(',', ", "));
        assert!(DOCUMENT.contains(&row), "{row}");
    }
}

#[test]
fn every_case_fails_for_something() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    let listed = command.args(["conform", "--list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let over_tls = [tls::CONTROL_FAILS, tls::OFFHAND_FAILS, tls::FORGETFUL_FAILS];
    let sabotaged = |name: &str| {
        let cases = WITHOUT.iter().map(|(_, cases)| *cases).chain(over_tls);
        let mut cases = cases.flat_map(|cases| cases.split(','));
        cases.any(|case| case == name)
    };
    let in_the_table = |name: &str| {
        let row = format!("| [{name}](");
        let mut rows = DOCUMENT.lines().filter(|line| line.starts_with(&row));
        rows.any(|row| row.contains("**fail**"))
    };
    for line in listed.lines().filter(|line| line.starts_with("  ")) {
        let name = line.split_whitespace().next().unwrap();
        assert!(
            sabotaged(name) || in_the_table(name),
            "{name} fails for nothing"
        );
    }
}

#[test]
fn a_program_that_does_not_start_is_no_finding() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    let run = command.args(["conform", "--", "/bin/false"]).output();
    let run = run.unwrap();
    assert_eq!(run.status.code(), Some(69));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("it ended at its start"), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_leaves_no_process_behind_and_prints_the_findings_so_far() {
    let marker = format!("CONFORMING_BY={}", std::process::id());
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    command.args(["conform", "--json", "--jobs", "6", "--service", "hello"]);
    command.args(["--env", &marker, "--bin-dir", folder()]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (code, report) = interrupted(command.spawn().unwrap(), " cases, ");
    assert_eq!(code, Some(130));
    assert_eq!(report["verdict"], "interrupted");
    let cases = report["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    let passed = cases.iter().filter(|case| case["result"] == "pass");
    assert!(passed.count() > 0, "{report:#}");
    all_have_gone(&marker);
}
