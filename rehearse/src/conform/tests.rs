use std::collections::HashSet;

use super::case::Stop;
use super::report::{Finding, Report};
use super::rule::DOCUMENT;
use super::{cases, chosen};
use crate::cli;

#[test]
fn every_case_has_a_name_of_its_own_and_a_claim_in_one_sentence() {
    let names: HashSet<&str> = cases::all().map(|case| case.name).collect();
    assert_eq!(names.len(), cases::all().count());
    for case in cases::all() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(case.name.chars().all(plain), "{}", case.name);
        assert!(case.claim.ends_with('.'), "{}", case.claim);
        assert!(case.claim.len() <= 90, "{}", case.claim);
    }
}

#[test]
fn every_rule_has_its_section_in_the_document() {
    let document = include_str!("../../../docs/conformance.md");
    let anchor = |heading: &str| {
        heading
            .to_lowercase()
            .replace(' ', "-")
            .replace([',', '.', '/'], "")
    };
    let headings = document
        .lines()
        .filter_map(|line| line.strip_prefix("### "));
    let anchors: HashSet<String> = headings.map(anchor).collect();
    for case in cases::all() {
        let rule = case.rule.anchor();
        assert!(anchors.contains(rule), "{DOCUMENT} has no section {rule}");
    }
}

#[test]
fn a_case_that_is_none_is_refused() {
    let error = chosen(&["idle-kept".to_owned(), "idle".to_owned()])
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "--only = idle: must be a case that --list names"
    );
    assert_eq!(chosen(&["idle-kept".to_owned()]).ok().unwrap().len(), 1);
}

/// What comes of a command line: an exit without a word, or the line that says what is wrong.
fn refusal(args: &str) -> String {
    let args = format!("rehearse conform {args}");
    let cli = match cli::parse(args.split(' ').map(str::to_owned)) {
        Ok(cli) => cli,
        Err(error) => return error.to_string(),
    };
    let Some(cli::Command::Conform(options)) = &cli.command else {
        panic!("{:?}", cli.command);
    };
    let binaries = crate::binaries::Binaries::new(None, true);
    let suite = super::suite(options, &binaries);
    suite
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default()
}

#[test]
fn bad_input_is_one_line_that_names_it() {
    let bad = [
        ("", "PROGRAM"),
        ("--path x -- ./server", "--path = x"),
        ("--lame-duck 30s -- ./server", "--lame-duck = 30s"),
        ("--slow /slow -- ./server", "--slow = /slow"),
        (
            "--slow /slow --slow-takes 1s -- ./server",
            "--slow-takes = 1s",
        ),
        ("--download /file -- ./server", "--download = /file"),
        ("--ready ready -- ./server", "--ready = ready"),
        ("--service hello --path /x", "--path"),
        ("--service hello -- ./server", "PROGRAM"),
        ("--seed 7 -- ./server", "--seed"),
    ];
    for (args, named) in bad {
        let refusal = refusal(args);
        assert!(refusal.contains(named), "{args}: {refusal}");
    }
    assert_eq!(refusal("--slow /slow?ms={ms} -- ./server"), "");
    assert_eq!(refusal("--service hello --set drain.jitter=1s"), "");
}

#[test]
fn a_run_in_which_nothing_applied_proves_nothing() {
    let case = cases::all().next().unwrap();
    let code = |outcome| {
        let finding = Finding::new(case, outcome, std::time::Duration::ZERO);
        let options = "rehearse conform -- ./server".split(' ');
        let cli = cli::parse(options.map(str::to_owned)).unwrap();
        let Some(cli::Command::Conform(options)) = &cli.command else {
            panic!("{:?}", cli.command);
        };
        let subject = super::given::subject(options).unwrap();
        Report::new(&subject, vec![finding], std::time::Duration::ZERO).exit_code()
    };
    assert_eq!(code(Ok(())), 0);
    assert_eq!(code(Err(Stop::failed("RST"))), 1);
    assert_eq!(code(Err(Stop::not_applicable("--slow PATH"))), 2);
}
