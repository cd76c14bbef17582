//! What a case is, and how it can end.

use std::fmt::Display;

use futures_util::future::BoxFuture;

use super::feature::Feature;
use super::launcher::Launcher;
use super::requirement::Requirement;

/// One claim about how a program leaves, and the observation that tells whether it holds.
pub(super) struct Case {
    /// By which it is chosen.
    pub(super) name: &'static str,
    /// What must be so, in one sentence.
    pub(super) claim: &'static str,
    /// What it is a case of.
    pub(super) requirement: &'static Requirement,
    /// What the program must have for the claim to make sense.
    pub(super) requires: &'static [Feature],
    /// The observation, on a process of its own.
    pub(super) observe: for<'a> fn(&'a Launcher<'a>) -> BoxFuture<'a, Outcome>,
}

/// How an observation ends: the claim held, or why not.
pub(super) type Outcome = Result<(), Stop>;

/// Why an observation ends before the claim was seen to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// This was seen instead.
    Failed(String),
    /// The claim says nothing about this program.
    NotApplicable(String),
    /// This machine was measured to be too slow to judge.
    Inconclusive(String),
}

impl Stop {
    pub(super) fn failed(seen: impl Into<String>) -> Self {
        Self::Failed(seen.into())
    }

    pub(super) fn not_applicable(why: impl Into<String>) -> Self {
        Self::NotApplicable(why.into())
    }
}

/// Puts what was being observed before what was seen.
pub(super) trait Observing<T> {
    /// Turns the error into a failed observation of `what`.
    fn observing(self, what: impl Display) -> Result<T, Stop>;
}

impl<T, E: Display> Observing<T> for Result<T, E> {
    fn observing(self, what: impl Display) -> Result<T, Stop> {
        self.map_err(|seen| Stop::Failed(format!("{what}: {seen}")))
    }
}

/// Fails the observation unless it is so.
pub(super) fn expect(holds: bool, seen: impl FnOnce() -> String) -> Outcome {
    match holds {
        true => Ok(()),
        false => Err(Stop::Failed(seen())),
    }
}
