//! What `rehearse lint` is told.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command};

/// The arguments of `rehearse lint`.
#[derive(Debug, Args)]
pub struct Lint {
    /// Folders, which are rendered by `kubectl kustomize`, or files, as they are applied
    #[arg(required = true, value_name = "PATH", value_parser = existing)]
    pub paths: Vec<PathBuf>,
}

fn existing(path: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(path);
    let found = path.exists();
    found
        .then_some(path)
        .ok_or("must be a file or a folder that is there")
}

/// Of the options of all commands, those that only a rehearsal has a use for.
const FOR_A_REHEARSAL: [&str; 9] = [
    "seed",
    "arms",
    "grace_period",
    "propagation",
    "max_surge",
    "max_unavailable",
    "set",
    "env",
    "no_prestop",
];

/// Takes what `lint` has no use for out of its help.
pub(crate) fn narrow(command: Command) -> Command {
    let hidden = FOR_A_REHEARSAL.map(|id| {
        let option = command.get_arguments().find(|option| option.get_id() == id);
        let option = option.expect("each is an option of all commands");
        option.clone().hide(true)
    });
    command.mut_subcommand("lint", |lint| lint.args(hidden))
}

/// An option given to `lint` that it would have to ignore.
pub(crate) fn unused(matches: &ArgMatches) -> Option<String> {
    matches.subcommand_matches("lint")?;
    let given = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let id = FOR_A_REHEARSAL.into_iter().find(given)?;
    Some(format!(
        "--{}: not for lint, which runs nothing",
        id.replace('_', "-")
    ))
}
