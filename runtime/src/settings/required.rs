use std::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::secret;

/// What a value that nobody has set is among settings that are serialized for themselves.
const UNSET: &str = "\0unset";

/// A setting without a default: somebody must set it.
///
/// Where nobody has, the process ends with exit code 64, and one line names all that are missing.
/// `prestop` and `healthcheck` need none of the service's settings, and work.
///
/// It gives its value as a reference does. `Default` is "unset"; in code, as in a test, `from` sets it.
///
/// ```
/// use lastcall::Required;
///
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// #[derive(Default)]
/// struct Settings {
///     database: Required<String>,
/// }
///
/// let settings = Settings { database: Required::from("sqlite::memory:".to_owned()) };
/// assert!(settings.database.starts_with("sqlite:"));
/// ```
///
/// # Panics
/// An unset one that is asked for its value, which code of a service never meets: it is not called.
#[derive(Clone, PartialEq, Eq)]
pub struct Required<T>(Option<T>);

impl<T> Default for Required<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> From<T> for Required<T> {
    fn from(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T> Deref for Required<T> {
    type Target = T;

    #[track_caller]
    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => panic!("a required setting is asked for its value, and is not set"),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Required<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("unset"),
        }
    }
}

impl<T: Serialize> Serialize for Required<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None if secret::is_open() => UNSET.serialize(serializer),
            value => value.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Required<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

/// Makes those that are unset nothing, and gives their keys.
pub(super) fn take_unset(values: &mut Json) -> Vec<String> {
    let mut keys = Vec::new();
    walk(values, String::new(), &mut keys);
    keys
}

fn walk(value: &mut Json, key: String, unset: &mut Vec<String>) {
    match value {
        Json::String(text) if text == UNSET => {
            *value = Json::Null;
            unset.push(key);
        }
        Json::Object(group) => group.iter_mut().for_each(|(name, value)| {
            let dot = if key.is_empty() { "" } else { "." };
            walk(value, format!("{key}{dot}{name}"), unset);
        }),
        Json::Array(items) => items.iter_mut().enumerate().for_each(|(index, value)| {
            walk(value, format!("{key}[{index}]"), unset);
        }),
        _ => {}
    }
}
