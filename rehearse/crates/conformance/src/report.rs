//! What was found, by requirement: as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::comparison;
use super::finding::{CaseResult, Finding, Group, groups};
use super::requirement::Level;
use super::subject::Subject;

/// What a run says of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    Pass,
    Fail,
    Inconclusive,
    /// No case applied.
    NothingSeen,
    /// There is none: the run was ended before its time.
    Interrupted,
}

impl Verdict {
    fn of(cases: &[Finding]) -> Self {
        match Group(cases).result() {
            CaseResult::Pass => Self::Pass,
            CaseResult::Fail => Self::Fail,
            CaseResult::Inconclusive => Self::Inconclusive,
            CaseResult::NotApplicable => Self::NothingSeen,
        }
    }
}

/// How many requirements ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) inconclusive: usize,
    pub(super) not_applicable: usize,
}

impl Counts {
    fn of<'a>(groups: impl Iterator<Item = Group<'a>>) -> Self {
        let mut counts = Self::default();
        for group in groups {
            *match group.result() {
                CaseResult::Pass => &mut counts.passed,
                CaseResult::Fail => &mut counts.failed,
                CaseResult::Inconclusive => &mut counts.inconclusive,
                CaseResult::NotApplicable => &mut counts.not_applicable,
            } += 1;
        }
        counts
    }

    /// Those that any case says something of.
    pub(super) fn applicable(&self) -> usize {
        self.passed + self.failed + self.inconclusive
    }
}

/// All findings of a run, by level and requirement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    pub(super) version: String,
    pub(super) program: String,
    pub(super) command: String,
    pub(super) signal: String,
    pub(super) prestop_sleep: String,
    pub(super) lame_duck: String,
    pub(super) deadline: String,
    pub(super) verdict: Verdict,
    pub(super) seconds: f64,
    /// The longest delay of this machine that was measured.
    pub(super) longest_delay_ms: u64,
    /// Requirements, by level.
    pub(super) levels: BTreeMap<Level, Counts>,
    pub(super) cases: Vec<Finding>,
}

impl Report {
    pub(super) fn new(
        subject: &Subject,
        mut cases: Vec<Finding>,
        took: Duration,
        longest_delay: Duration,
    ) -> Self {
        cases.sort_by_key(Finding::place);
        let of = |level| Counts::of(groups(&cases).filter(|group| group.0[0].level == level));
        let levels = Level::ALL.map(|level| (level, of(level)));
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            program: subject.name.clone(),
            command: subject.program.by_hand(),
            signal: subject.signal.to_string(),
            prestop_sleep: text(subject.prestop_sleep),
            lame_duck: text(subject.lame_duck),
            deadline: text(subject.deadline),
            verdict: Verdict::of(&cases),
            seconds: took.as_secs_f64().round(),
            longest_delay_ms: u64::try_from(longest_delay.as_millis()).unwrap_or(u64::MAX),
            levels: levels.into_iter().collect(),
            cases,
        }
    }

    /// The same findings, of a run that was ended early.
    pub(super) fn interrupted(self) -> Self {
        let verdict = Verdict::Interrupted;
        Self { verdict, ..self }
    }

    /// 1 if a case failed; 2 if none failed and one was inconclusive, or none applied: then it is not
    /// proved that the program passes; 130 if the run was interrupted; else 0.
    pub fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::Pass => 0,
            Verdict::Fail => 1,
            Verdict::Inconclusive | Verdict::NothingSeen => 2,
            Verdict::Interrupted => 130,
        }
    }

    /// A line for each requirement, and below it what did not pass; at most 100 columns wide.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for level in Level::ALL {
            let mut of_level = groups(&self.cases).filter(|group| group.0[0].level == level);
            let mut lines = String::new();
            of_level
                .by_ref()
                .for_each(|group| lines += &lines_of(group));
            if !lines.is_empty() {
                let _infallible = writeln!(out, "{}\n{lines}", level.name());
            }
        }
        out + &wrapped("", &self.summary()) + "\n"
    }

    /// Tables in Markdown, and the summary.
    pub fn markdown(&self) -> String {
        let tables = comparison::tables(std::slice::from_ref(self));
        format!("{tables}\n{}\n", self.summary())
    }

    fn summary(&self) -> String {
        let word = match self.verdict {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Inconclusive => "INCONCLUSIVE",
            Verdict::NothingSeen => "NOTHING SEEN",
            Verdict::Interrupted => "INTERRUPTED: no verdict. So far",
        };
        let met = self.levels.iter().map(|(level, counts)| {
            let (passed, all) = (counts.passed, counts.applicable());
            format!("{} {passed} of {all}", level.name())
        });
        let (passed, applicable) = Group(&self.cases).score();
        format!(
            "{word}: {}: requirements met: {}; cases passed: {passed} of {applicable} that apply ({}, \
             preStop sleep {}, lame duck {}, deadline {}; {:.0} s; this machine was at most {} ms late)",
            self.program,
            met.collect::<Vec<_>>().join(", "),
            self.signal,
            self.prestop_sleep,
            self.lame_duck,
            self.deadline,
            self.seconds,
            self.longest_delay_ms,
        )
    }
}

fn lines_of(group: Group<'_>) -> String {
    let (result, (passed, applicable)) = (group.result(), group.score());
    let first = &group.0[0];
    let line = format!(
        "{} {passed}/{applicable} {}: {}",
        result.word(),
        first.requirement,
        first.statement
    );
    let mut out = wrapped("  ", &line) + "\n";
    for case in group.0 {
        let note = match (&case.why, case.result) {
            (None, _) | (_, CaseResult::Pass) => continue,
            (Some(why), CaseResult::NotApplicable) => format!("{}: n/a, needs {why}", case.name),
            (Some(why), result) => format!("{}: {}; {why}", case.name, result.word()),
        };
        out += &(wrapped("      ", &note) + "\n");
    }
    if result >= CaseResult::Inconclusive {
        let source = first.source.as_ref();
        let source = source.map_or(String::new(), |source| format!(" ({})", source.reference));
        out += &(wrapped("      ", &format!("see {}{source}", first.section)) + "\n");
    }
    out
}

fn text(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

/// In lines of at most 100 columns, each behind the indent.
fn wrapped(indent: &str, text: &str) -> String {
    const COLUMNS: usize = 100;
    let mut lines = vec![indent.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        let width = line.chars().count();
        match width > indent.len() {
            false => line.push_str(word),
            true if width + 1 + word.chars().count() <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            true => lines.push(format!("{indent}  {word}")),
        }
    }
    lines.join("\n")
}
