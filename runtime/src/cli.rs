//! The command line that every service has.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, value_parser};

use crate::exit::Exit;

/// Names the settings file where there is no `--config`: `exec` probes and hooks see a
/// container's environment, not its arguments.
const CONFIG_VARIABLE: &str = "LASTCALL_CONFIG";

const AFTER_HELP: &str = "\
Settings: defaults, then the file, then the environment. A variable is LASTCALL
and the setting's path, with two underscores between levels:
  LASTCALL__HTTP__ADDRESS=127.0.0.1:8080    http.address
  LASTCALL__DRAIN__MIN=5s                   drain.min
  LASTCALL__SERVICE__...                    the service's own
With _FILE behind it, it names a file that has the value, such as a secret.
`check` lists them all. SIGUSR1 has more logged, SIGUSR2 less.

Exit codes:
   0  nothing was cut; a probe or a check passed
   1  aborted by a second SIGINT; for what does not serve, by any signal
   3  the drain's deadline cut something that was in flight
  64  bad settings or a bad command line
  69  start-up or a subcommand of the service's own failed, or a probe found
      no service that answers with 200
  70  a bug
  71  the system refused, as for a port in use";

/// The names that every service has; `help` is clap's.
const OURS: [&str; 5] = ["serve", "prestop", "healthcheck", "check", "help"];

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cli {
    /// The settings file, from `--config` or else `LASTCALL_CONFIG`.
    pub(crate) config: Option<PathBuf>,
    /// What to do.
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Run the service: what a command line without a subcommand means.
    Serve,
    /// Start the lame duck of the running service and wait for its end.
    Prestop,
    /// Ask the running service whether it is alive.
    Healthcheck,
    /// Print the effective settings and the budget.
    Check,
    /// One of the service's own, by its place among them.
    Own(usize),
}

/// The names and descriptions of the service's own subcommands.
pub(crate) type Own = Vec<(&'static str, &'static str)>;

/// The command line is answered by text alone: help, the version, or what is wrong with it.
#[derive(Debug)]
pub(crate) struct Answer(clap::Error);

impl Answer {
    /// 0 for help and version, 64 for a mistake (clap's own code would be 2).
    pub(crate) fn exit(&self) -> Exit {
        match self.0.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok,
            _ => Exit::Usage,
        }
    }

    /// Prints it where it belongs, stdout or stderr, and hands back the exit code.
    pub(crate) fn print(&self) -> Exit {
        let text = self.0.render().to_string();
        // Nobody is left to tell if the reader has gone (`hello --help | head -1`).
        let _ = match self.exit() {
            Exit::Ok => io::stdout().write_all(text.as_bytes()),
            _ => io::stderr().write_all(text.as_bytes()),
        };
        self.exit()
    }
}

impl Cli {
    /// Reads this process's arguments, on behalf of the service `name` in its `version`.
    ///
    /// # Errors
    /// An [`Answer`] to print: for `--help` and `--version` too.
    pub(crate) fn parse(
        name: &'static str,
        version: &'static str,
        own: &Own,
    ) -> Result<Self, Answer> {
        Self::parse_from(
            name,
            version,
            own,
            std::env::args_os(),
            std::env::var_os(CONFIG_VARIABLE),
        )
    }

    /// [`Cli::parse`] for given arguments (the program's own name first) and a given value of
    /// `LASTCALL_CONFIG`, of which an empty one counts as none.
    fn parse_from(
        name: &'static str,
        version: &'static str,
        own: &Own,
        arguments: impl IntoIterator<Item: Into<OsString> + Clone>,
        config_variable: Option<OsString>,
    ) -> Result<Self, Answer> {
        let matches = grammar(name, version, own)
            .try_get_matches_from(arguments)
            .map_err(Answer)?;
        let config = matches.get_one::<PathBuf>("config").cloned().or_else(|| {
            config_variable
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
        });
        Ok(Self {
            config,
            command: Command::of(&matches, own),
        })
    }
}

impl Command {
    fn of(matches: &ArgMatches, own: &Own) -> Self {
        match matches.subcommand_name() {
            Some("prestop") => Self::Prestop,
            Some("healthcheck") => Self::Healthcheck,
            Some("check") => Self::Check,
            Some(named) => {
                let place = own.iter().position(|(name, _)| *name == named);
                place.map_or(Self::Serve, Self::Own)
            }
            None => Self::Serve,
        }
    }
}

/// What is wrong with the names of the service's own subcommands, if anything is.
pub(crate) fn mistake(own: &Own) -> Option<String> {
    let said = |problem: &str, name: &str| format!("the subcommand {name:?}: {problem}");
    own.iter().enumerate().find_map(|(place, (name, _))| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if OURS.contains(name) {
            Some(said("every service has one of this name", name))
        } else if own[..place].iter().any(|(other, _)| other == name) {
            Some(said("there are two of this name", name))
        } else if name.is_empty() || name.starts_with('-') || !name.bytes().all(word) {
            Some(said("a name has letters, digits, - and _", name))
        } else {
            None
        }
    })
}

fn grammar(name: &'static str, version: &'static str, own: &Own) -> clap::Command {
    let subcommand =
        |name: &'static str, about: &'static str| clap::Command::new(name).about(about);
    clap::Command::new(name)
        .version(version)
        .about("Serves until it is told to go, and leaves without dropping a request.")
        .after_help(AFTER_HELP)
        .disable_help_subcommand(true)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help("Settings file, TOML [env: LASTCALL_CONFIG]")
                .value_parser(value_parser!(PathBuf))
                .global(true),
        )
        .subcommand(subcommand("serve", "Run the service (the default)"))
        .subcommand(subcommand(
            "prestop",
            "For a preStop hook: start the lame duck, wait for its end",
        ))
        .subcommand(subcommand(
            "healthcheck",
            "For a HEALTHCHECK: exit 0 if the service is alive, else 69",
        ))
        .subcommand(subcommand(
            "check",
            "Print settings and budget; exit 64 if they cannot work",
        ))
        .subcommands(own.iter().map(|(name, about)| subcommand(name, about)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str], config: Option<&str>) -> Result<Cli, Answer> {
        let arguments = ["hello"].iter().chain(arguments).copied();
        let own = vec![("migrate", "Brings the schema up to date")];
        Cli::parse_from("hello", "1.2.3", &own, arguments, config.map(Into::into))
    }

    fn answer(arguments: &[&str]) -> (Exit, String) {
        let answer = parse(arguments, None).unwrap_err();
        (answer.exit(), answer.0.render().to_string())
    }

    #[test]
    fn no_subcommand_means_serve() {
        let cli = parse(&[], None).unwrap();
        assert_eq!(
            cli,
            Cli {
                config: None,
                command: Command::Serve
            }
        );
        assert_eq!(parse(&["serve"], None).unwrap().command, Command::Serve);
    }

    #[test]
    fn each_subcommand_is_recognised() {
        for (word, command) in [
            ("prestop", Command::Prestop),
            ("healthcheck", Command::Healthcheck),
            ("check", Command::Check),
            ("migrate", Command::Own(0)),
        ] {
            assert_eq!(parse(&[word], None).unwrap().command, command);
        }
    }

    #[test]
    fn the_file_may_be_named_before_or_after_the_subcommand() {
        for arguments in [
            ["--config", "a.toml", "check"],
            ["check", "--config", "a.toml"],
        ] {
            let cli = parse(&arguments, None).unwrap();
            assert_eq!(cli.config, Some("a.toml".into()));
            assert_eq!(cli.command, Command::Check);
        }
    }

    #[test]
    fn the_argument_wins_over_the_variable() {
        assert_eq!(
            parse(&[], Some("env.toml")).unwrap().config,
            Some("env.toml".into())
        );
        let cli = parse(&["--config=arg.toml"], Some("env.toml")).unwrap();
        assert_eq!(cli.config, Some("arg.toml".into()));
    }

    #[test]
    fn an_empty_variable_names_no_file() {
        assert_eq!(parse(&[], Some("")).unwrap().config, None);
    }

    #[test]
    fn mistakes_exit_64_and_name_what_is_wrong() {
        for mistake in [
            &["--conifg", "x"][..],
            &["serf"],
            &["--config"],
            &["check", "twice"],
        ] {
            let (exit, text) = answer(mistake);
            assert_eq!(exit, Exit::Usage, "{mistake:?}");
            assert!(
                text.contains(mistake.last().unwrap()) || text.contains(mistake[0]),
                "{text}"
            );
        }
    }

    #[test]
    fn version_and_help_exit_0() {
        assert_eq!(
            answer(&["--version"]),
            (Exit::Ok, "hello 1.2.3\n".to_owned())
        );
        assert_eq!(answer(&["--help"]).0, Exit::Ok);
    }

    #[test]
    fn help_tells_the_subcommands_the_environment_and_the_exit_codes_in_80_columns() {
        let (_, help) = answer(&["--help"]);
        for word in [
            "prestop",
            "healthcheck",
            "check",
            "migrate      Brings the schema up to date",
            "LASTCALL__DRAIN__MIN=5s",
            "  64  bad",
        ] {
            assert!(help.contains(word), "{word} is missing in:\n{help}");
        }
        let longest = help
            .lines()
            .max_by_key(|line| line.chars().count())
            .unwrap();
        assert!(longest.chars().count() <= 80, "{longest}");
    }

    #[test]
    fn a_subcommand_of_the_services_own_needs_a_name_of_its_own() {
        let mistake =
            |names: &[&'static str]| mistake(&names.iter().map(|name| (*name, "about")).collect());
        assert_eq!(mistake(&["migrate", "seed-2", "a_b"]), None);
        for ours in OURS {
            assert_eq!(
                mistake(&["migrate", ours]).unwrap(),
                format!("the subcommand {ours:?}: every service has one of this name")
            );
        }
        assert!(mistake(&["a", "b", "a"]).unwrap().contains("two"));
        for no_word in ["", "-x", "two words", "é"] {
            assert!(mistake(&[no_word]).unwrap().contains("letters"));
        }
    }

    #[test]
    fn the_grammar_is_consistent() {
        grammar("hello", "1.2.3", &Own::new()).debug_assert();
    }
}
