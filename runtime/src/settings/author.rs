//! What the author of a service says of its settings, beside their type.

use futures_util::future::LocalBoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value as Json;

use super::{
    Loaded, Settings, SettingsError,
    error::shown,
    load::{PREFIX, load_from},
    required::take_unset,
    secret::opened,
};

/// What is wrong with a setting, in the words of the service's own check: see
/// [`Service::validate`](crate::Service::validate).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    key: String,
    problem: String,
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

impl<S: DeserializeOwned + Serialize> Author<S> {
    /// Reads the settings, over the author's defaults.
    ///
    /// # Errors
    /// As [`load_from`].
    pub(crate) fn load(&self, source: Settings<S>) -> Result<Loaded<S>, SettingsError> {
        load_from(self.under(source))
    }

    /// Reads what a probe must know, which is none of the service's own settings: it works without
    /// their secrets, and whatever may be wrong with them meanwhile.
    ///
    /// # Errors
    /// As [`load_from`].
    pub(crate) fn load_for_probe(
        &self,
        mut source: Settings<Json>,
    ) -> Result<Loaded<Json>, SettingsError> {
        let own = format!("{PREFIX}SERVICE");
        let environment = &mut source.environment;
        environment.retain(|(name, _)| {
            let rest = name.to_str().and_then(|name| name.strip_prefix(&own));
            rest.is_none_or(|rest| !(rest.is_empty() || rest.starts_with("__")))
        });
        load_from(self.under(source))
    }

    fn under<T>(&self, source: Settings<T>) -> Settings<T> {
        let defaults = self.defaults.iter().rev();
        defaults.fold(source, |source, (key, value)| {
            source.set_first(key, value.clone())
        })
    }

    /// Whether everything that is required is set, and the author's checks pass.
    ///
    /// # Errors
    /// [`SettingsError::Unset`], [`SettingsError::Invalid`]
    pub(crate) fn accept(&self, loaded: &Loaded<S>) -> Result<(), SettingsError> {
        let settings = opened(|| serde_json::to_value(&loaded.settings));
        let mut settings = settings.map_err(|error| SettingsError::Defaults(error.to_string()))?;
        let unset = take_unset(&mut settings);
        if !unset.is_empty() {
            return Err(SettingsError::Unset(unset));
        }
        let service = &loaded.settings.service;
        let found = self.checks.iter().try_for_each(|check| check(service));
        found.map_err(|invalid| invalid_in(loaded, invalid))
    }
}

fn invalid_in<S: Serialize>(loaded: &Loaded<S>, invalid: Invalid) -> SettingsError {
    let Invalid { key, problem } = invalid;
    // Secrets are masked in it.
    let settings = serde_json::to_value(&loaded.settings).unwrap_or_default();
    let value = key
        .split('.')
        .try_fold(&settings, |json, key| json.get(key));
    let setting = match value {
        None | Some(Json::Null) => format!("{key} (not set)"),
        Some(value) => format!("{key} = {} ({})", shown(value), loaded.origin(&key)),
    };
    SettingsError::Invalid { setting, problem }
}
