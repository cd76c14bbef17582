//! Values that arguments can have.

use std::str::FromStr;
use std::time::Duration;

pub(super) use rehearse_report::options::time;

/// A number of pods, absolute or relative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// So many.
    Pods(usize),
    /// So many of a hundred.
    Percent(usize),
}

impl FromStr for Bound {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_suffix('%') {
            Some(percent) => percent.parse().map(Self::Percent),
            None => text.parse().map(Self::Pods),
        };
        match parsed {
            Ok(Self::Percent(101..)) | Err(_) => Err("must be a number, or 0% to 100%"),
            Ok(bound) => Ok(bound),
        }
    }
}

/// `NAME=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Left of the first `=`.
    pub name: String,
    /// Right of it.
    pub value: String,
}

impl FromStr for Pair {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
                Ok(Self {
                    name: name.to_owned(),
                    value: value.to_owned(),
                })
            }
            _ => Err("must be NAME=VALUE"),
        }
    }
}

/// A number of things.
pub(super) fn number(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "must be a whole number")
}

/// How long a packet takes. Beyond a second no handshake would be done in time.
pub(super) fn delay(text: &str) -> Result<Duration, &'static str> {
    let delay = time(text)?;
    let allowed = (1..=1_000).contains(&delay.as_millis());
    allowed.then_some(delay).ok_or("must be 1ms to 1s")
}
