use std::collections::HashSet;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::case::{Outcome, Stop};
use super::finding::Finding;
use super::report::Report;
use super::requirement::{self, DOCUMENT, Level};
use super::{Probes, Routes, Subject, Suite, cases};
use rehearse_model::probe::Check;
use rehearse_model::program::{PreStop, Program};

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
    let document = include_str!("../../../../docs/conformance.md");
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
fn a_case_that_is_none_is_named() {
    let names = ["idle-kept", "idle"].map(str::to_owned);
    assert_eq!(Suite::of(&names).err(), Some("idle"));
    assert_eq!(Suite::of(&names[..1]).ok().unwrap().0.len(), 1);
    assert_eq!(Suite::of(&[]).ok().unwrap().0.len(), cases::all().count());
}

/// A run with these findings.
pub(super) fn report(cases: Vec<Finding>) -> Report {
    let subject = Subject {
        name: "server".to_owned(),
        program: Program {
            exe: "./server".into(),
            args: Vec::new(),
            env: Vec::new(),
            check: Check::Tcp,
            prestop: PreStop::None,
            may_die_of_sigterm: true,
        },
        signal: Signal::SIGTERM,
        prestop_sleep: Duration::ZERO,
        lame_duck: Duration::from_secs(1),
        deadline: Duration::from_secs(30),
        routes: Routes::default(),
        probes: Probes {
            on_admin: true,
            readiness: None,
            liveness: None,
            health: None,
            prestop: None,
        },
        http2: false,
        bad_setting: None,
        tls: None,
        short_keep_alive: None,
    };
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
fn a_run_that_was_interrupted_has_no_verdict_whatever_it_has_seen() {
    for outcome in [Ok(()), Err(Stop::failed("RST"))] {
        let report = outcomes([outcome]).interrupted();
        assert_eq!(report.exit_code(), 130);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["verdict"], "interrupted");
        let text = report.text();
        assert!(text.contains("\nINTERRUPTED: no verdict. "), "{text}");
        assert!(!text.contains("\nPASS") && !text.contains("\nFAIL"));
    }
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
