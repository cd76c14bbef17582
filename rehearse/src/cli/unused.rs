//! Options of all commands that a command has no use for: they are taken out of its help, and
//! refused rather than ignored.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::rehearsal::FILE_OF_EVENTS;

/// What only a rehearsal on this machine has a use for.
const REHEARSAL: &[&str] = &[
    "arms",
    "grace_period",
    "propagation",
    "network_delay",
    "max_surge",
    "max_unavailable",
    "no_prestop",
];

/// Likewise; the commands that have a use for them have them themselves.
const OF_REHEARSALS: [(&str, &str); 7] = [
    (FILE_OF_EVENTS, "events"),
    ("report", "report"),
    ("junit", "junit"),
    ("max_failed", "max-failed"),
    ("max_p99", "max-p99"),
    ("max_longest", "max-longest"),
    ("max_unannounced_closes", "max-unannounced-closes"),
];

/// What such a command leaves aside beside that, and why.
struct Unused {
    command: &'static str,
    others: &'static [&'static str],
    why: &'static str,
}

const ALL: [Unused; 4] = [
    Unused {
        command: "bench",
        others: &["seed", "set", "env"],
        why: "which replaces nothing",
    },
    Unused {
        command: "cluster",
        others: &["bin_dir", "set", "env"],
        why: "whose pods are as they are deployed",
    },
    Unused {
        command: "conform",
        others: &["seed"],
        why: "which looks at one process at a time",
    },
    Unused {
        command: "lint",
        others: &["seed", "set", "env"],
        why: "which rehearses nothing",
    },
];

impl Unused {
    fn options(&self) -> impl Iterator<Item = &'static str> {
        REHEARSAL.iter().chain(self.others).copied()
    }
}

/// Takes them out of each command's help.
pub(super) fn hide(command: Command) -> Command {
    ALL.iter().fold(command, |command, unused| {
        let hidden: Vec<_> = command
            .get_arguments()
            .filter(|option| unused.options().any(|id| option.get_id() == id))
            .map(|option| option.clone().hide(true))
            .collect();
        command.mut_subcommand(unused.command, |own| own.args(hidden))
    })
}

/// The first that was given all the same, as the line that says so.
pub(super) fn given(matches: &ArgMatches) -> Option<String> {
    let (name, _) = matches.subcommand()?;
    let unused = ALL.iter().find(|unused| unused.command == name)?;
    let given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let is_rehearsal = name == "cluster";
    let own = OF_REHEARSALS
        .iter()
        .filter(|(id, _)| !is_rehearsal && given(id));
    let options = unused.options().filter(|id| given(id));
    let option = options.chain(own.map(|(_, name)| *name)).next()?;
    let option = option.replace('_', "-");
    Some(format!("--{option}: not for {name}, {}", unused.why))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::{Cli, parse};

    #[test]
    fn every_name_here_is_an_option_of_all_commands_and_a_command() {
        let command = Cli::command();
        for unused in &ALL {
            assert!(command.find_subcommand(unused.command).is_some());
            for id in unused.options() {
                assert!(
                    command.get_arguments().any(|option| option.get_id() == id),
                    "{id}"
                );
            }
        }
    }

    #[test]
    fn what_would_be_ignored_is_refused_and_named() {
        let error = parse(["rehearse", "lint", ".", "--seed", "7"]).unwrap_err();
        assert!(
            error.to_string().contains("--seed: not for lint"),
            "{error}"
        );
        let error = parse(["rehearse", "--events", "a", "lint", "."]).unwrap_err();
        assert!(
            error.to_string().contains("--events: not for lint"),
            "{error}"
        );
        let error = parse(["rehearse", "bench", "--arms", "control"]).unwrap_err();
        assert!(
            error.to_string().contains("--arms: not for bench"),
            "{error}"
        );
    }
}
