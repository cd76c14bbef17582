//! From arguments to scenarios: everything is checked before anything is done.

use thiserror::Error;

use super::bundled::BUNDLED;
use super::draft::Draft;
use super::options::{Cli, Command};
use crate::binaries::Binaries;
use crate::scenario::Scenario;

/// An argument that cannot be used: which, its value, and what is allowed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{option} = {value}: {allowed}")]
pub struct BadInput {
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
        option,
        value: value.to_string(),
        allowed: allowed.to_owned(),
    })
}

/// What a command line asks for.
#[derive(Debug)]
pub struct Plan {
    /// What to play, in this order.
    pub scenarios: Vec<Scenario>,
    /// The bundled programs that this needs.
    pub programs: Vec<&'static str>,
}

/// Reads a command line's meaning.
///
/// # Errors
/// The first argument that cannot be used.
pub fn plan(cli: &Cli, binaries: &Binaries) -> Result<Plan, BadInput> {
    let draft = Draft::new(&cli.common, binaries)?;
    let scenarios = match &cli.command {
        None => draft.demonstration()?,
        Some(Command::Rollout(rollout)) => vec![draft.rollout(rollout)?],
        Some(Command::Scale(scale)) => vec![draft.scale(scale)?],
        Some(Command::Delete(delete)) => vec![draft.delete(delete)?],
        Some(Command::Run(run)) => vec![draft.run(run)?],
        // Measured, or played elsewhere.
        Some(Command::Bench(_) | Command::Cluster(_) | Command::Conform(_) | Command::Lint(_)) => {
            Vec::new()
        }
    };
    let exes = scenarios
        .iter()
        .flat_map(|s| s.arms.iter().map(|arm| &arm.program.exe));
    let programs: Vec<&'static str> = BUNDLED
        .into_iter()
        .filter(|name| exes.clone().any(|exe| *exe == binaries.exe(name)))
        .collect();
    Ok(Plan {
        scenarios,
        programs,
    })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
