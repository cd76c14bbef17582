use std::collections::HashSet;
use std::time::Duration;

use super::case::{Outcome, Stop};
use super::report::{Finding, Report};
use super::requirement::{self, DOCUMENT, Level};
use super::{cases, chosen, subject};
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
fn every_requirement_has_its_section_in_the_document() {
    let document = include_str!("../../../docs/conformance.md");
    let anchor = |heading: &str| {
        heading
            .to_lowercase()
            .replace(' ', "-")
            .replace([',', '.', '/', ':'], "")
    };
    let headings = document
        .lines()
        .filter_map(|line| line.strip_prefix("### "));
    let anchors: HashSet<String> = headings.map(anchor).collect();
    for requirement in requirement::ALL {
        let section = requirement.section;
        assert!(
            anchors.contains(section),
            "{DOCUMENT} has no section {section}"
        );
    }
}

#[test]
fn every_requirement_has_cases_and_all_but_a_convention_a_sentence_that_says_so() {
    for requirement in requirement::ALL {
        let name = requirement.name;
        let has_cases = cases::all().any(|case| case.requirement.name == name);
        assert!(has_cases, "{name}");
        assert!(requirement.statement.ends_with('.'), "{name}");
        let sentence = requirement.source.map(|source| source.sentence);
        match requirement.level {
            Level::Must => assert!(sentence.unwrap().contains("MUST"), "{name}"),
            Level::Should => assert!(!sentence.unwrap().contains("MUST"), "{name}"),
            Level::Convention => {
                assert!(sentence.is_none_or(|s| s.contains("MAY")), "{name}");
            }
        }
    }
    assert!(requirement::ALL.is_sorted_by_key(|requirement| requirement.level));
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
        ("--prestop-sleep 30s -- ./server", "--prestop-sleep = 30s"),
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

/// A run with these findings.
pub(super) fn report(cases: Vec<Finding>) -> Report {
    let options = "rehearse conform -- ./server".split(' ');
    let cli = cli::parse(options.map(str::to_owned)).unwrap();
    let Some(cli::Command::Conform(options)) = &cli.command else {
        panic!("{:?}", cli.command);
    };
    let subject = subject::command_line::subject(options).unwrap();
    Report::new(&subject, cases, Duration::ZERO, Duration::ZERO)
}

/// A run of the first cases, that ended so.
fn outcomes<const N: usize>(outcomes: [Outcome; N]) -> Report {
    let found = cases::all().zip(outcomes);
    let found = found.map(|(case, outcome)| Finding::new(case, outcome, Duration::ZERO));
    report(found.collect())
}

#[test]
fn only_a_run_in_which_something_applied_and_all_of_it_passed_succeeds() {
    let failed = || Err(Stop::failed("RST"));
    let late = || Err(Stop::Inconclusive("this machine was 1 s late".to_owned()));
    let none = || Err(Stop::not_applicable("--slow PATH"));
    assert_eq!(outcomes([Ok(()), none()]).exit_code(), 0);
    assert_eq!(outcomes([Ok(()), failed(), late()]).exit_code(), 1);
    assert_eq!(outcomes([Ok(()), late()]).exit_code(), 2, "not a pass");
    assert_eq!(outcomes([none(), none()]).exit_code(), 2, "nothing seen");
}

#[test]
fn cases_of_one_requirement_weigh_as_one() {
    let close = cases::all().filter(|case| case.requirement.name == "close-announced");
    let found = close.enumerate().map(|(number, case)| {
        let outcome = if number == 0 {
            Ok(())
        } else {
            Err(Stop::failed("RST"))
        };
        Finding::new(case, outcome, Duration::ZERO)
    });
    let report = report(found.collect());
    let counts = report.levels[&Level::Should];
    assert_eq!((counts.passed, counts.failed), (0, 1));
    let all = report.cases.len();
    assert!(all > 5);
    let line = format!("SHOULD\n  FAIL 1/{all} close-announced: ");
    assert!(report.text().starts_with(&line), "{}", report.text());
    assert!(
        report
            .text()
            .lines()
            .all(|line| line.chars().count() <= 100)
    );
}

#[test]
fn what_json_says_of_a_case_carries_its_level_source_and_result() {
    let case = cases::all()
        .find(|case| case.name == "host-invalid")
        .unwrap();
    let report = report(vec![Finding::new(case, Ok(()), Duration::ZERO)]);
    let json = serde_json::to_value(&report).unwrap();
    let case = &json["cases"][0];
    assert_eq!(
        (&case["level"], &case["result"]),
        (&"must".into(), &"pass".into())
    );
    assert_eq!(case["source"]["reference"], "RFC 9112, 3.2");
    assert_eq!(json["levels"]["must"]["passed"], 1);
}
