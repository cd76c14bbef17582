//! What the author of a service says of its settings, beside their type.

use std::{fmt, sync::Arc};

use futures_util::future::LocalBoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use super::{
    Loaded, Settings, SettingsError, error::shown, load::load_from, path::get,
    required::take_unset, secret::opened,
};
use crate::tls::Tls;

/// What is wrong with a setting, in the words of the service's own check: see
/// [`Service::validate`](crate::Service::validate).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    key: String,
    problem: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)
    }
}

impl Invalid {
    /// The setting's path, such as `service.low`, and what it must be: `must be at most service.high`.
    pub fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            problem: problem.into(),
        }
    }
}

type Check<S> = Box<dyn Fn(&S) -> Result<(), Invalid> + Send>;

/// A subcommand of the service's own.
pub(crate) struct Command<S> {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: Box<dyn FnOnce(S) -> LocalBoxFuture<'static, anyhow::Result<()>> + Send>,
}

/// What the author of a service says of its settings, beside their type.
pub(crate) struct Author<S> {
    /// Defaults of any settings, by their paths.
    pub(crate) defaults: Vec<(&'static str, Json)>,
    pub(crate) checks: Vec<Check<S>>,
    pub(crate) commands: Vec<Command<S>>,
}

impl<S> Default for Author<S> {
    fn default() -> Self {
        Self {
            defaults: Vec::new(),
            checks: Vec::new(),
            commands: Vec::new(),
        }
    }
}

impl<S: Serialize> Author<S> {
    /// Reads settings over the author's defaults: the service's, or for a probe, which needs none of
    /// the service's own and takes any for good, those of `serde_json::Value`.
    ///
    /// # Errors
    /// As [`load_from`].
    pub(crate) fn load<T>(&self, source: Settings<T>) -> Result<Loaded<T>, SettingsError>
    where
        T: DeserializeOwned + Serialize,
    {
        let defaults = self.defaults.iter().rev();
        load_from(defaults.fold(source, |source, (key, value)| {
            source.set_first(key, value.clone())
        }))
    }

    /// Whether everything that is required is set, the author's checks pass, and what `http.tls` names can be
    /// used.
    ///
    /// # Errors
    /// [`SettingsError::Unset`], [`SettingsError::Invalid`]
    pub(crate) fn accept(&self, loaded: &Loaded<S>) -> Result<Option<Arc<Tls>>, SettingsError> {
        let settings = opened(|| serde_json::to_value(&loaded.settings));
        let mut settings = settings.map_err(|error| SettingsError::Defaults(error.to_string()))?;
        let unset = take_unset(&mut settings);
        if !unset.is_empty() {
            return Err(SettingsError::Unset(unset));
        }
        let service = &loaded.settings.service;
        let found = self.checks.iter().try_for_each(|check| check(service));
        let tls = found.and_then(|()| Tls::load(&loaded.settings));
        tls.map_err(|invalid| invalid_in(loaded, invalid))
    }
}

fn invalid_in<S: Serialize>(loaded: &Loaded<S>, invalid: Invalid) -> SettingsError {
    let Invalid { key, problem } = invalid;
    // Secrets are masked in it.
    let settings = serde_json::to_value(&loaded.settings).unwrap_or_default();
    let setting = match get(&settings, &key) {
        None | Some(Json::Null) => format!("{key} (not set)"),
        Some(value) => format!("{key} = {} ({})", shown(value), loaded.origin(&key)),
    };
    SettingsError::Invalid { setting, problem }
}
