//! Scenario files in TOML: each key is an option's name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args};
use toml::{Spanned, Table, Value};

/// Where a scenario may be.
#[derive(Clone, Debug, Default, Args)]
pub struct ScenarioPath {
    /// Take options from this file in TOML: each key is an option's name without its dashes. What is
    /// given on the command line comes before what is in the file (docs/scenarios.md)
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
}

/// Options that are no part of a scenario.
const NOT_IN_FILES: [&str; 3] = ["scenario", "help", "version"];

/// The program and its arguments, which stand behind all options.
const PROGRAM: &str = "program";

/// Of which options of the command line it holds that the file said them, and where.
#[derive(Clone, Debug, Default)]
pub struct FromFile(BTreeMap<String, String>);

impl FromFile {
    /// `FILE, line 3: `, if this option (or argument) came from a file.
    pub(super) fn place(&self, option: &str) -> &str {
        let key = option.trim_start_matches('-').to_lowercase();
        self.0.get(&key).map_or("", String::as_str)
    }
}

/// What a file says, as words of a command line.
pub(super) struct ScenarioFile {
    path: String,
    entries: Vec<Entry>,
}

struct Entry {
    key: String,
    /// `FILE, line 3: `.
    place: String,
    words: Vec<OsString>,
}

impl ScenarioFile {
    /// Reads what concerns a command's options, except for those that were `given` on the command line.
    ///
    /// # Errors
    /// If it cannot be read, says something that is no option of this command, or not in the form that
    /// the option has: one line, with the file's.
    pub(super) fn read(
        path: &Path,
        command: &str,
        options: &[&Arg],
        given: &ArgMatches,
    ) -> Result<Self, String> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| format!("--scenario {name}: cannot read: {error}"))?;
        let place = |at: usize| format!("{name}, line {}: ", text[..at].matches('\n').count() + 1);
        let table: BTreeMap<Spanned<String>, Spanned<Value>> =
            toml::from_str(&text).map_err(|error| {
                let at = error.span().map_or(0, |span| span.start.min(text.len()));
                format!("{}{}", place(at), error.message())
            })?;
        let mut entries = Vec::new();
        for (key, value) in table {
            let (place, key) = (place(key.span().start), key.into_inner());
            let Some(option) = options.iter().find(|option| key_of(option) == Some(&key)) else {
                let mut known: Vec<_> =
                    options.iter().filter_map(|option| key_of(option)).collect();
                known.sort_unstable();
                let known = known.join(", ");
                return Err(format!("{place}{key}: {command} takes only {known}"));
            };
            let words = words(option, value.into_inner());
            let words =
                words.map_err(|(value, allowed)| format!("{place}{key} = {value}: {allowed}"))?;
            let adds = is_table(option);
            if adds
                || given.value_source(option.get_id().as_str()) != Some(ValueSource::CommandLine)
            {
                entries.push(Entry { key, place, words });
            }
        }
        let path = name;
        Ok(Self { path, entries })
    }

    /// All options, as on a command line.
    pub(super) fn options(&self) -> impl Iterator<Item = OsString> {
        let entries = self.entries.iter().filter(|entry| entry.key != PROGRAM);
        entries.flat_map(|entry| entry.words.clone())
    }

    /// The program, with the dashes before it.
    pub(super) fn program(&self) -> impl Iterator<Item = OsString> {
        let entries = self.entries.iter().filter(|entry| entry.key == PROGRAM);
        entries.flat_map(|entry| std::iter::once("--".into()).chain(entry.words.clone()))
    }

    /// An error in which the command line and the file together resulted, with the line of the file.
    pub(super) fn located(&self, error: &clap::Error) -> String {
        let text = error.to_string();
        let text = text.split("\n\n").next().unwrap_or(&text);
        let text = text.trim_start_matches("error: ");
        let names = [ContextKind::InvalidArg, ContextKind::PriorArg].map(|kind| error.get(kind));
        let place = names.into_iter().flatten().find_map(|name| {
            let ContextValue::String(name) = name else {
                return None;
            };
            let key = name.trim_start_matches('-').split(' ').next()?;
            self.entries.iter().find(|entry| entry.key == key)
        });
        match place {
            Some(Entry { place, .. }) => format!("{place}{text}"),
            None => format!("{}: {text}", self.path),
        }
    }
}

impl From<ScenarioFile> for FromFile {
    fn from(file: ScenarioFile) -> Self {
        let entries = file.entries.into_iter();
        Self(entries.map(|entry| (entry.key, entry.place)).collect())
    }
}

/// What an option is called in a file.
fn key_of(option: &Arg) -> Option<&str> {
    let name = match option.is_positional() {
        true => option.get_id().as_str(),
        false => option.get_long()?,
    };
    (!NOT_IN_FILES.contains(&name)).then_some(name)
}

/// An option of pairs of a name and a value is a table. What it says is added to what the command line
/// says.
fn is_table(option: &Arg) -> bool {
    let names = option.get_value_names().unwrap_or_default();
    names.iter().any(|name| name.contains('='))
}

/// An option with its value, as on a command line. The error is the value, and what is allowed.
fn words(option: &Arg, value: Value) -> Result<Vec<OsString>, (String, &'static str)> {
    let word = |value: &str| match option.get_long() {
        Some(long) => format!("--{long}={value}").into(),
        None => value.into(),
    };
    match (option.get_action(), value) {
        (_, Value::Table(table)) if is_table(option) => {
            let pairs = flattened("", table);
            Ok(pairs.iter().map(|pair| word(pair)).collect())
        }
        (_, value) if is_table(option) => Err((value.to_string(), "must be a table")),
        (ArgAction::SetTrue, Value::Boolean(true)) => Ok(option
            .get_long()
            .map(|long| format!("--{long}").into())
            .into_iter()
            .collect()),
        (ArgAction::SetTrue, Value::Boolean(false)) => Ok(Vec::new()),
        (ArgAction::SetTrue, value) => Err((value.to_string(), "must be true or false")),
        (ArgAction::Append, Value::Array(values)) => Ok(values
            .into_iter()
            .map(|value| word(&plain(value)))
            .collect()),
        (_, Value::Array(array)) => Err((Value::from(array).to_string(), "must be one value")),
        (_, Value::Table(table)) => Err((Value::from(table).to_string(), "must be one value")),
        (_, value) => Ok(vec![word(&plain(value))]),
    }
}

/// `KEY=VALUE` for each value of a table; the keys of tables in it are joined by dots.
fn flattened(prefix: &str, table: Table) -> Vec<String> {
    let pairs = table.into_iter().flat_map(|(key, value)| match value {
        Value::Table(table) => flattened(&format!("{prefix}{key}."), table),
        value => vec![format!("{prefix}{key}={}", plain(value))],
    });
    pairs.collect()
}

/// A string as it is, and everything else as TOML has it.
fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}

#[cfg(test)]
#[path = "scenario_file_tests.rs"]
mod tests;
