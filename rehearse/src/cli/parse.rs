//! From the words of a command line, and a scenario file that it names, to options.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Arg, CommandFactory, FromArgMatches};

use super::commands::Cli;
use super::scenario_file::ScenarioFile;

/// Reads the arguments. A call for help or the version is an error that is none. What a scenario file
/// says is put behind the command, as the options that its keys are named after, except for what the
/// command line says itself; so a value is checked alike wherever it comes from.
///
/// # Errors
/// If they cannot be understood, or the scenario file cannot.
pub fn parse<I, T>(args: I) -> Result<Cli, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let mut words: Vec<OsString> = args.into_iter().map(Into::into).collect();
    let mut command = Cli::command();
    let matches = command.try_get_matches_from_mut(&words)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let Some(path) = cli
        .scenario()
        .and_then(|scenario| scenario.scenario.as_ref())
    else {
        return Ok(cli);
    };
    let refused =
        |command: &mut clap::Command, error| command.error(ErrorKind::InvalidValue, error);
    let Some((name, given)) = matches.subcommand() else {
        return Ok(cli);
    };
    let options = command
        .find_subcommand(name)
        .map(clap::Command::get_arguments);
    let options: Vec<&Arg> = options.into_iter().flatten().collect();
    let file = match ScenarioFile::read(path, name, &options, given) {
        Ok(file) => file,
        Err(error) => return Err(refused(&mut command, error)),
    };
    // No option may stand before the command: it is the first word behind the program's name.
    words.splice(2..2, file.options());
    words.extend(file.program());
    let parsed = command.try_get_matches_from_mut(words);
    match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => Ok(Cli {
            from_file: file.into(),
            ..cli
        }),
        Err(error) => Err(refused(&mut command, file.located(&error))),
    }
}
