//! What can be wrong with settings, each in one line: the key, its value, what is allowed.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::load::PREFIX;
use super::secret::REFUSED;
use super::{BudgetError, Origin, field};
use crate::exit::Exit;

/// Why the settings cannot be used. `Display` is the one line for the user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The settings file cannot be read.
    #[error("cannot read the settings file {}: {source}", path.display())]
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The settings file is not TOML.
    #[error("the settings file {} is not valid TOML: {problem}", path.display())]
    Syntax {
        /// The file, as it was named.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// A key that no setting has.
    #[error("unknown setting {key} ({origin}){}", allowed_keys(.known))]
    UnknownKey {
        /// The key, with its path.
        key: String,
        /// Who wrote it.
        origin: Origin,
        /// The keys that exist beside it; empty if that is not known.
        known: Vec<String>,
    },
    /// A value that its setting does not take.
    #[error("{key} = {value} ({origin}): {problem}")]
    BadValue {
        /// The key, with its path.
        key: String,
        /// The value, as it would stand in the file, shortened if it is long.
        value: String,
        /// Who wrote it.
        origin: Origin,
        /// "must be …", or what the service's own type said.
        problem: String,
    },
    /// A file that a variable names, and that cannot be read.
    #[error("{name} = {}: cannot read the file: {source}", path.display())]
    Mounted {
        /// The variable.
        name: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Two variables for one setting.
    #[error("{other} and {name} are both set: must be only one of them")]
    Both {
        /// The variable that has the value.
        other: String,
        /// The variable that names a file.
        name: String,
    },
    /// Nobody has set what has no default.
    #[error("must be set: {}", with_variables(.0))]
    Unset(Vec<String>),
    /// The service's own check finds fault with a value.
    #[error("{setting}: {problem}")]
    Invalid {
        /// The key, its value and its origin.
        setting: String,
        /// What the author says of it.
        problem: String,
    },
    /// Both listeners would bind the same port.
    #[error(
        "http.address = \"{http}\" and admin.address = \"{admin}\": must be two different ports"
    )]
    SameAddress {
        /// The public listener.
        http: std::net::SocketAddr,
        /// The admin listener.
        admin: std::net::SocketAddr,
    },
    /// The settings are fine one by one, and do not fit each other or the system.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// A mistake in the service's code: its defaults are no valid settings.
    #[error("the service's default settings cannot be used: {0}")]
    Defaults(String),
}

impl SettingsError {
    /// The operator's mistakes are 64, the author's 70.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Defaults(_)
            | Self::UnknownKey {
                origin: Origin::Code,
                ..
            }
            | Self::BadValue {
                origin: Origin::Code,
                ..
            } => Exit::Software,
            _ => Exit::Usage,
        }
    }
}

/// Each with the variable that would set it.
fn with_variables(keys: &[String]) -> String {
    let with_variable = |key: &String| {
        let name = key.to_uppercase().replace('.', "__");
        format!("{key} ({PREFIX}{name})")
    };
    let named: Vec<_> = keys.iter().map(with_variable).collect();
    named.join(", ")
}

fn allowed_keys(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!(": must be one of {}", known.join(", "))
    }
}

/// A value on one line, as it would stand in the file.
pub(super) fn shown(value: &Json) -> String {
    const LONGEST: usize = 60;
    let mut text = value.to_string();
    if let Some((cut, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// Turns serde's "invalid type: string "x", expected u16" into what a user is to be told.
pub(super) fn problem(message: &str) -> String {
    let Some((_, expected)) = message.split_once(", expected ") else {
        if message == REFUSED {
            return "cannot be used".to_owned();
        }
        return message.to_owned();
    };
    let mut told = "must be ".to_owned();
    match in_plain_words(expected) {
        Some(words) => told.push_str(&words),
        None => told.push_str(&expected.replace('`', "\"")),
    }
    told
}

/// serde speaks of Rust's types, which are nothing to an operator.
fn in_plain_words(expected: &str) -> Option<String> {
    let whole = |low: i128, high: i128| Some(format!("a whole number from {low} to {high}"));
    match expected {
        "u8" => whole(0, u8::MAX.into()),
        "u16" => whole(0, u16::MAX.into()),
        "u32" => whole(0, u32::MAX.into()),
        "u64" | "usize" | "u128" => Some("a whole number, 0 or more".into()),
        "i8" => whole(i8::MIN.into(), i8::MAX.into()),
        "i16" => whole(i16::MIN.into(), i16::MAX.into()),
        "i32" => whole(i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" | "i128" => Some("a whole number".into()),
        "f32" | "f64" => Some("a number".into()),
        "a boolean" => Some("true or false".into()),
        "a sequence" => Some("a list such as [\"a\", \"b\"]".into()),
        "a map" => Some("a group of settings".into()),
        "a duration" => Some(field::DURATION.into()),
        "unit" => Some("absent: this service has no settings of its own".into()),
        _ if expected.starts_with("struct ") => Some("a group of settings".into()),
        _ => None,
    }
}
