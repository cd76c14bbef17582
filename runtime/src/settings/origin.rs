//! Where each value came from.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::PathBuf;

/// Who set a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody.
    Default,
    /// Nobody: it follows from the grace period.
    GracePeriod,
    /// The program, in its own code.
    Code,
    /// The settings file.
    File(PathBuf),
    /// The environment variable of this name.
    Variable(String),
    /// The file that the environment variable of this name names.
    FileOf(String),
    /// Lowered from its default to what this many descriptors allow.
    Descriptors(u64),
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::GracePeriod => f.write_str("from grace_period"),
            Self::Code => f.write_str("set by the program"),
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) | Self::FileOf(name) => f.write_str(name),
            Self::Descriptors(limit) => write!(f, "lowered to the descriptor limit, {limit}"),
        }
    }
}

/// Who set which value, by the value's path.
#[derive(Clone, Debug, Default)]
pub(super) struct Origins(BTreeMap<String, Origin>);

impl Origins {
    pub(super) fn note(&mut self, key: &str, origin: Origin) {
        self.0.insert(key.to_owned(), origin);
    }

    pub(super) fn forget(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Of the value itself, else of the list or group that it is in, or that it is.
    pub(super) fn of(&self, key: &str) -> Origin {
        let within = |inner: &str, outer: &str| {
            inner
                .strip_prefix(outer)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        let set = self
            .0
            .iter()
            .find(|(set, _)| within(key, set) || within(set, key));
        set.map_or(Origin::Default, |(_, origin)| origin.clone())
    }
}
