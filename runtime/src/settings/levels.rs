//! What is logged: `log.level`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tracing::level_filters::LevelFilter;

use super::field::expected;

/// What `log.level` looks like.
pub(crate) const LEVELS: &str =
    r#"off, error, warn, info or debug, and for targets by name a list such as "info,sqlx=warn""#;

/// Trace is none of them: what ships has no events below debug.
const NAMES: [(&str, LevelFilter); 5] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
];

/// The least severe level that is written, and for some targets another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    pub(crate) general: LevelFilter,
    /// By the beginnings of their names.
    pub(crate) targets: Vec<(String, LevelFilter)>,
}

impl Levels {
    /// The same, with one step more of all but the targets by name; or one step less.
    pub(crate) fn step(&self, more: bool) -> Self {
        let levels = NAMES.map(|(_, level)| level);
        let at = levels.iter().position(|level| *level == self.general);
        let at = at.unwrap_or_default();
        let next = match more {
            true => (at + 1).min(levels.len() - 1),
            false => at.saturating_sub(1),
        };
        Self {
            general: levels[next],
            targets: self.targets.clone(),
        }
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self {
            general: LevelFilter::INFO,
            targets: Vec::new(),
        }
    }
}

/// It is none of [`LEVELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoLevels;

impl FromStr for Levels {
    type Err = NoLevels;

    fn from_str(text: &str) -> Result<Self, NoLevels> {
        let mut general = None;
        let mut targets = Vec::<(String, LevelFilter)>::new();
        for directive in text.split(',').map(str::trim) {
            match directive.split_once('=') {
                None if general.is_none() => general = Some(level(directive)?),
                Some((target, name)) if is_target(target) => {
                    if targets.iter().any(|(known, _)| known == target) {
                        return Err(NoLevels);
                    }
                    targets.push((target.to_owned(), level(name)?));
                }
                _ => return Err(NoLevels),
            }
        }
        let general = general.unwrap_or(Self::default().general);
        Ok(Self { general, targets })
    }
}

fn level(name: &str) -> Result<LevelFilter, NoLevels> {
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.map(|(_, level)| *level).ok_or(NoLevels)
}

fn is_target(name: &str) -> bool {
    let in_names = |byte: u8| byte.is_ascii_alphanumeric() || b"_:-./".contains(&byte);
    !name.is_empty() && name.bytes().all(in_names)
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.general)?;
        self.targets
            .iter()
            .try_for_each(|(target, level)| write!(f, ",{target}={level}"))
    }
}

impl Serialize for Levels {
    fn serialize<S: Serializer>(&self, sink: S) -> Result<S::Ok, S::Error> {
        sink.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let text = String::deserialize(source).unwrap_or_default();
        text.parse().map_err(|NoLevels| expected(LEVELS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        text.parse::<Levels>().ok().map(|levels| levels.to_string())
    }

    #[test]
    fn a_level_for_all_and_others_by_target() {
        for (written, meant) in [
            ("info", "info"),
            ("off", "off"),
            (
                "warn, sqlx::query=debug,h2=off",
                "warn,sqlx::query=debug,h2=off",
            ),
            ("sqlx=warn,error", "error,sqlx=warn"),
            ("sqlx=warn", "info,sqlx=warn"),
        ] {
            assert_eq!(read(written).as_deref(), Some(meant), "{written}");
        }
    }

    #[test]
    fn nothing_else_is_a_level() {
        for written in [
            "",
            "inof",
            "trace",
            "3",
            "INFO",
            "info,",
            "info,debug",
            "=info",
            "sqlx=",
            "sqlx=loud",
            "a b=info",
            "a[b]=info",
            "sqlx=info,sqlx=warn",
        ] {
            assert_eq!(read(written), None, "{written}");
        }
    }

    #[test]
    fn a_step_goes_as_far_as_there_are_levels_and_leaves_targets_alone() {
        let levels = |text: &str| text.parse::<Levels>().unwrap();
        let stepped = |text, more| levels(text).step(more).to_string();
        assert_eq!(stepped("info,sqlx=warn", true), "debug,sqlx=warn");
        assert_eq!(stepped("info,sqlx=warn", false), "warn,sqlx=warn");
        assert_eq!(stepped("debug", true), "debug");
        assert_eq!(stepped("off", false), "off");
        assert_eq!(stepped("off", true), "error");
    }
}
