//! A run as continuous integration reads it: JUnit's XML.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{ArmReport, ScenarioReport, Verdict, thousands};
use rehearse_arm::ArmName;
use rehearse_arm::load::{Kind, KindOutcome};

/// A suite for each scenario: a case for each kind of client of the service, and one for the verdict.
/// `whole`: the verdict of a run that is judged as one, in which not each scenario need show something.
///
/// # Errors
/// If the XML cannot be written.
pub fn xml<'a>(
    scenarios: impl Iterator<Item = &'a ScenarioReport>,
    whole: Option<(Verdict, &str)>,
) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("rehearse");
    report.add_test_suites(scenarios.map(|scenario| suite(scenario, whole.is_some())));
    if let Some((verdict, summary)) = whole {
        let mut suite = TestSuite::new("the run");
        suite.add_test_case(of_verdict(verdict, summary, false));
        report.add_test_suite(suite);
    }
    report.to_string()
}

fn suite(scenario: &ScenarioReport, is_part: bool) -> TestSuite {
    let mut suite = TestSuite::new(&scenario.conditions);
    let took = Duration::from_secs_f64(scenario.seconds);
    suite.set_time(took);
    let service = scenario.arms.iter().find(|arm| arm.arm == ArmName::Service);
    let kinds = service.map_or(&[][..], |arm: &ArmReport| &arm.clients);
    let kinds = kinds.iter().map(|kind| of_kind(kind, &scenario.unproven));
    let verdict = of_verdict(scenario.verdict, &scenario.summary, is_part);
    suite.add_test_cases(kinds.chain([verdict]).map(|mut case| {
        case.set_classname(&scenario.service).set_time(took);
        case
    }));
    suite
}

/// Fails if one of its requests did. Skipped if the run could not have shown that.
fn of_kind(kind: &KindOutcome, unproven: &[Kind]) -> TestCase {
    let outcome = &kind.outcome;
    let (failed, requests) = (outcome.failures.total(), outcome.requests);
    let status = if failed > 0 {
        let by_kind = outcome.failures.counts().iter();
        let by_kind = by_kind.map(|(kind, count)| format!("{kind} {}", thousands(*count)));
        let by_kind: Vec<String> = by_kind.collect();
        let [failed, requests] = [failed, requests].map(thousands);
        failure(format!(
            "{failed} of {requests} requests failed: {}",
            by_kind.join(", ")
        ))
    } else if unproven.contains(&kind.kind) {
        let mut skipped = TestCaseStatus::skipped();
        skipped.set_message("the control lost none: this run could not have seen a loss");
        skipped
    } else {
        TestCaseStatus::success()
    };
    TestCase::new(kind.kind.name(), status)
}

/// `is_part`: of a run that shows something as a whole.
fn of_verdict(verdict: Verdict, summary: &str, is_part: bool) -> TestCase {
    let status = match verdict {
        Verdict::NothingToLose if is_part => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(summary);
            status
        }
        verdict if verdict.exit_code() == 0 => TestCaseStatus::success(),
        Verdict::NothingToLose | Verdict::WithoutControl => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(summary);
            status
        }
        _ => failure(summary.to_owned()),
    };
    TestCase::new("verdict", status)
}

fn failure(message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(message);
    status
}
