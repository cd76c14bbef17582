//! The log of events: what the report says can be counted in it.

use std::{
    env, fs,
    process::{self, Command},
};

use serde_json::Value;

use crate::rehearsal::rehearsal;

struct Log(Vec<Value>);

impl Log {
    /// The lines of this kind, of the service's arm.
    fn of<'a>(&'a self, event: &'a str) -> impl Iterator<Item = &'a Value> {
        let lines = self.0.iter().filter(move |line| line["event"] == event);
        lines.filter(|line| line["arm"] == "service")
    }

    fn count(&self, event: &str, field: &str, value: &str) -> u64 {
        self.of(event).filter(|line| line[field] == value).count() as u64
    }

    /// When this happened to a pod.
    fn at(&self, pod: &Value, what: &str) -> Option<f64> {
        let mut changes = self.of("pod").filter(|line| line["pod"] == *pod);
        changes.find(|line| line["what"] == what)?["at_ms"].as_f64()
    }
}

/// The same rehearsal, which writes this file, too.
fn with_file(rehearsal: &Command, option: &str, path: &str) -> Command {
    let mut command = Command::new(rehearsal.get_program());
    let mut args = rehearsal.get_args();
    command.args(args.next()).args([option, path]).args(args);
    command
}

/// A rehearsal of a program that loses some, its report, and its log.
fn logged(name: &str) -> (Value, Log) {
    let path = env::temp_dir().join(format!("rehearse-{name}-{}.jsonl", process::id()));
    let rehearsal = rehearsal(Some("no-lame-duck"));
    let output = with_file(&rehearsal, "--events", path.to_str().unwrap())
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    (report, Log(lines.collect()))
}

#[test]
fn every_figure_of_the_report_can_be_counted_in_the_log() {
    let (report, log) = logged("figures");
    let arms = report["scenarios"][0]["arms"].as_array().unwrap();
    let arm = arms.iter().find(|arm| arm["arm"] == "service").unwrap();
    let figure = |name: &str| arm[name].as_u64().unwrap();
    assert_eq!(log.0[0]["version"], 1);
    assert_eq!(log.0[0]["seed"], report["seed"]);
    assert_eq!(log.of("request").count() as u64, figure("requests"));
    assert!(figure("failed") > 0, "{arm:#}");
    for (outcome, name) in [("complete", "complete"), ("failed", "failed")] {
        assert_eq!(log.count("request", "outcome", outcome), figure(name));
    }
    for (kind, count) in arm["failures"].as_object().unwrap() {
        assert_eq!(
            log.count("request", "failure", kind),
            count.as_u64().unwrap()
        );
    }
    let closes = log.count("connection", "ended", "unannounced");
    assert_eq!(closes, figure("unannounced_closes"));
    let took =
        |line: &Value| line["ended_ms"].as_f64().unwrap() - line["intended_ms"].as_f64().unwrap();
    let complete = log
        .of("request")
        .filter(|line| line["outcome"] == "complete");
    let longest = complete.map(took).fold(0.0, f64::max);
    let reported = arm["latency"]["max_ms"].as_f64().unwrap();
    assert!((longest - reported).abs() < 0.01, "{longest} {reported}");
}

#[test]
fn the_log_follows_each_pod_and_its_endpoint_from_its_creation_to_its_exit() {
    let (_, log) = logged("pods");
    let created: Vec<_> = log
        .of("pod")
        .filter(|line| line["what"] == "created")
        .collect();
    assert_eq!(created.len(), 4, "two, and their replacements");
    let deleted = |line: &&&Value| log.at(&line["pod"], "deleted").is_some();
    let gone: Vec<_> = created.iter().filter(deleted).collect();
    assert_eq!(gone.len(), 2);
    for line in gone {
        let pod = &line["pod"];
        let life = [
            "created",
            "ready",
            "deleted",
            "prestop-ended",
            "sigterm",
            "exited",
        ];
        let times = life.map(|what| log.at(pod, what).unwrap());
        assert!(times.is_sorted(), "{times:?}");
        let endpoints = log.of("endpoint").filter(|line| line["pod"] == *pod);
        let known: Vec<_> = endpoints.map(|line| line["condition"].clone()).collect();
        // Its probe may fail in between, once it drains.
        assert_eq!(known[..2], ["ready", "terminating"], "{pod}");
        assert_eq!(*known.last().unwrap(), "gone", "{pod}");
    }
}

#[test]
fn the_report_in_html_shows_the_verdict_and_each_pod() {
    let path = env::temp_dir().join(format!("rehearse-report-{}.html", process::id()));
    let output = with_file(&rehearsal(None), "--report", path.to_str().unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let page = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    for shown in [
        "The service lost 0 of",
        "pod 4",
        "Latency distribution",
        "--seed",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn continuous_integration_gets_a_case_for_each_kind_of_client_and_the_verdict() {
    let path = env::temp_dir().join(format!("rehearse-junit-{}.xml", process::id()));
    let rehearsal = rehearsal(Some("no-lame-duck"));
    let output = with_file(&rehearsal, "--junit", path.to_str().unwrap()).output();
    assert_eq!(output.unwrap().status.code(), Some(1));
    let xml = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    for shown in [
        "<testcase name=\"keep-alive\" classname=\"unruly\"",
        "<testcase name=\"one-shot\"",
        "<testcase name=\"verdict\"",
        "<failure message=\"FAIL: the service lost",
        "connect-refused",
    ] {
        assert!(xml.contains(shown), "{shown}: {xml}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named_before_anything_starts() {
    let path = "/no/such/folder/file";
    for option in ["--events", "--report", "--junit"] {
        let output = with_file(&rehearsal(None), option, path).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{error}");
        assert!(error.contains(&format!("{option} {path}")), "{error}");
    }
}
