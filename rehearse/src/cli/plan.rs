//! From arguments to scenarios: everything is checked before anything is done.

use thiserror::Error;

use super::bundled::BUNDLED;
use super::commands::{Cli, Command};
use super::scenarios::Draft;
use crate::binaries::Binaries;
use crate::scenario::Scenario;

/// An argument that cannot be used: which, its value, and what is allowed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{place}{option} = {value}: {allowed}")]
pub struct BadInput {
    /// `FILE, line 3: `, or nothing if it was given on the command line.
    place: String,
    option: &'static str,
    value: String,
    allowed: String,
}

pub(crate) fn bad<T>(
    option: &'static str,
    value: impl ToString,
    allowed: &str,
) -> Result<T, BadInput> {
    Err(BadInput {
        place: String::new(),
        option,
        value: value.to_string(),
        allowed: allowed.to_owned(),
    })
}

/// What a command line asks for.
#[derive(Debug)]
pub struct Plan {
    /// What to run, in this order.
    pub scenarios: Vec<Scenario>,
    /// The bundled programs that this needs.
    pub programs: Vec<&'static str>,
}

/// Reads a command line's meaning.
///
/// # Errors
/// The first argument that cannot be used.
pub fn plan(cli: &Cli, binaries: &Binaries) -> Result<Plan, BadInput> {
    let scenarios = scenarios(cli, binaries).map_err(|bad| BadInput {
        place: cli.from_file.place(bad.option).to_owned(),
        ..bad
    })?;
    Ok(Plan::new(scenarios, binaries))
}

impl Plan {
    pub(super) fn new(scenarios: Vec<Scenario>, binaries: &Binaries) -> Self {
        let exes = scenarios
            .iter()
            .flat_map(|s| s.arms.iter().map(|arm| &arm.program.exe));
        let programs: Vec<&'static str> = BUNDLED
            .into_iter()
            .filter(|name| exes.clone().any(|exe| *exe == binaries.exe(name)))
            .collect();
        Self {
            scenarios,
            programs,
        }
    }
}

fn scenarios(cli: &Cli, binaries: &Binaries) -> Result<Vec<Scenario>, BadInput> {
    let Some(rehearsal) = cli.rehearsal() else {
        // Measured, or run elsewhere.
        return Ok(Vec::new());
    };
    let draft = Draft::new(rehearsal, binaries)?;
    Ok(match &cli.command {
        None => draft.demonstration(&cli.demonstration)?,
        Some(Command::Rollout(rollout)) => vec![draft.rollout(rollout)?],
        Some(Command::Scale(scale)) => vec![draft.scale(scale)?],
        Some(Command::Delete(delete)) => vec![draft.delete(delete)?],
        Some(Command::Run(run)) => vec![draft.run(run)?],
        Some(_) => Vec::new(),
    })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
