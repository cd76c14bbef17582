//! What came of a case, and of the cases of a requirement.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::case::{Case, Outcome, Stop};
use super::requirement::{self, DOCUMENT, Level};

/// What came of a case, or of all cases of a requirement. The order is that of what outweighs what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CaseResult {
    NotApplicable,
    Pass,
    /// This machine was too slow to judge.
    Inconclusive,
    Fail,
}

impl CaseResult {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "n/a",
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "FAIL",
        }
    }
}

/// A case, what it belongs to, and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Finding {
    pub(super) name: String,
    pub(super) claim: String,
    pub(super) requirement: String,
    pub(super) statement: String,
    pub(super) level: Level,
    /// Where the requirement comes from; nowhere, for most conventions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source>,
    /// Where it is explained.
    pub(super) section: String,
    pub(super) result: CaseResult,
    /// What was seen in place of the claim; or which option would make the case applicable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<String>,
    pub(super) seconds: f64,
}

/// A document's sentence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Source {
    pub(super) reference: String,
    pub(super) url: String,
    pub(super) sentence: String,
}

impl Finding {
    pub(super) fn new(case: &Case, outcome: Outcome, took: Duration) -> Self {
        let (result, why) = match outcome {
            Ok(()) => (CaseResult::Pass, None),
            Err(Stop::NotApplicable(why)) => (CaseResult::NotApplicable, Some(why)),
            Err(Stop::Inconclusive(why)) => (CaseResult::Inconclusive, Some(why)),
            Err(Stop::Failed(seen)) => (CaseResult::Fail, Some(seen)),
        };
        let requirement = case.requirement;
        let source = requirement.source.map(|source| Source {
            reference: source.reference(),
            url: source.url(),
            sentence: source.sentence.to_owned(),
        });
        Self {
            name: case.name.to_owned(),
            claim: case.claim.to_owned(),
            requirement: requirement.name.to_owned(),
            statement: requirement.statement.to_owned(),
            level: requirement.level,
            source,
            section: format!("{DOCUMENT}#{}", requirement.section),
            result,
            why,
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
        }
    }

    /// Its requirement's place among all.
    pub(super) fn place(&self) -> usize {
        let all = requirement::ALL.iter();
        let place = all.into_iter().position(|r| r.name == self.requirement);
        place.unwrap_or(usize::MAX)
    }
}

/// The cases of one requirement, which weigh as one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'a>(pub(super) &'a [Finding]);

impl Group<'_> {
    /// The gravest of its cases' results.
    pub(super) fn result(&self) -> CaseResult {
        let results = self.0.iter().map(|case| case.result);
        results.max().unwrap_or(CaseResult::NotApplicable)
    }

    /// How many of its cases passed, of how many that apply.
    pub(super) fn score(&self) -> (usize, usize) {
        let count = |result| self.0.iter().filter(|case| case.result == result).count();
        let applicable = self.0.len() - count(CaseResult::NotApplicable);
        (count(CaseResult::Pass), applicable)
    }
}

/// Findings by requirement.
pub(super) fn groups(cases: &[Finding]) -> impl Iterator<Item = Group<'_>> {
    cases
        .chunk_by(|one, next| one.requirement == next.requirement)
        .map(Group)
}
