//! What was found, as text, as JSON and as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::case::{Case, Outcome, Stop};
use super::requirement::DOCUMENT;
use super::subject::Subject;
use super::subject::command_line::text;
use crate::report::wrapped;

/// What came of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    Pass,
    Fail,
    NotApplicable,
}

impl Verdict {
    /// As a table shows it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::NotApplicable => "n/a",
        }
    }
}

/// A case, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Finding {
    pub(super) name: String,
    pub(super) claim: String,
    pub(super) verdict: Verdict,
    /// What was seen in place of the claim; or which option would make it applicable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    /// Where the rule is explained.
    pub(super) rule: String,
    /// Where the rule comes from.
    pub(super) source: String,
    pub(super) seconds: f64,
}

impl Finding {
    pub(super) fn new(case: &Case, outcome: Outcome, took: Duration) -> Self {
        let (verdict, why) = match outcome {
            Ok(()) => (Verdict::Pass, None),
            Err(Stop::NotApplicable(why)) => (Verdict::NotApplicable, Some(why)),
            Err(Stop::Failed(seen) | Stop::Late(seen)) => (Verdict::Fail, Some(seen)),
        };
        Self {
            name: case.name.to_owned(),
            claim: case.claim.to_owned(),
            verdict,
            why,
            rule: format!("{DOCUMENT}#{}", case.rule.anchor()),
            source: case.rule.source().to_owned(),
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
        }
    }
}

/// All findings of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) version: String,
    pub(super) program: String,
    pub(super) command: String,
    pub(super) signal: String,
    pub(super) lame_duck: String,
    pub(super) deadline: String,
    pub(super) seconds: f64,
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) not_applicable: usize,
    pub(super) cases: Vec<Finding>,
}

impl Report {
    pub(super) fn new(subject: &Subject, cases: Vec<Finding>, took: Duration) -> Self {
        let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: subject.name.clone(),
            command: subject.program.by_hand(),
            signal: subject.signal.to_string(),
            lame_duck: text(subject.lame_duck),
            deadline: text(subject.deadline),
            seconds: took.as_secs_f64().round(),
            passed: count(Verdict::Pass),
            failed: count(Verdict::Fail),
            not_applicable: count(Verdict::NotApplicable),
            cases,
        }
    }

    /// 0 if every case that applied has passed, 1 if not, and 2 if none applied: nothing was proved.
    pub(super) fn exit_code(&self) -> u8 {
        match (self.passed, self.failed) {
            (0, 0) => 2,
            (_, 0) => 0,
            _ => 1,
        }
    }

    /// At most 100 columns wide.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for case in &self.cases {
            let (verdict, claim) = (case.verdict.word(), beside(&case.claim));
            let _infallible = writeln!(out, "{verdict:4}  {:24}  {claim}", case.name);
            let notes = match (&case.why, case.verdict) {
                (None, _) => Vec::new(),
                (Some(why), Verdict::NotApplicable) => vec![format!("needs {why}")],
                (Some(why), _) => vec![
                    format!("seen: {why}"),
                    format!("see {} ({})", case.rule, case.source),
                ],
            };
            for note in notes {
                let _infallible = writeln!(out, "{:32}{}", "", beside(&note));
            }
        }
        let _infallible = writeln!(out, "\n{}", wrapped(&self.summary()));
        out
    }

    fn summary(&self) -> String {
        let Self {
            program,
            passed,
            failed,
            not_applicable,
            seconds,
            ..
        } = self;
        let word = match self.exit_code() {
            0 => "PASS",
            1 => "FAIL",
            _ => "NOTHING SEEN",
        };
        format!(
            "{word}: {program}: {passed} cases passed, {failed} failed, {not_applicable} not \
             applicable ({}, lame duck {}, deadline {}; {seconds:.0} s)",
            self.signal, self.lame_duck, self.deadline
        )
    }

    /// A table, and what was seen where a case failed.
    pub(super) fn markdown(&self) -> String {
        let mut out = String::from("| case | result | claim |\n|---|---|---|\n");
        for case in &self.cases {
            let why = case
                .why
                .as_ref()
                .map_or_else(String::new, |why| match case.verdict {
                    Verdict::NotApplicable => format!(" (needs `{why}`)"),
                    _ => format!(" **Seen:** {why}."),
                });
            let (name, rule) = (&case.name, &case.rule);
            let (word, claim) = (case.verdict.word(), &case.claim);
            let _infallible = writeln!(
                out,
                "| [{name}]({rule}) | {word} | {claim}{} |",
                escaped(&why)
            );
        }
        let _infallible = writeln!(out, "\n{}", self.summary());
        out
    }
}

/// Wrapped to what is right of the names.
fn beside(text: &str) -> String {
    const WIDTH: usize = 68;
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split_whitespace() {
        let width = word.chars().count();
        match column {
            0 => {}
            column if column + 1 + width <= WIDTH => out.push(' '),
            _ => out.push_str(&format!("\n{:32}", "")),
        }
        column = match out.ends_with(' ') && column > 0 && column + 1 + width <= WIDTH {
            true => column + 1 + width,
            false => width,
        };
        out.push_str(word);
    }
    out
}

/// What a cell of a Markdown table may hold.
pub(super) fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
