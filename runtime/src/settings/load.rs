//! Reads the settings: defaults, then the file, then the environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, File, FileFormat};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::derive::derive;
use super::misspelt::{Misspelt, misspelt};
use super::origin::Origins;
use super::path::get;
use super::secret::{MASK, opened};
use super::tree::Tree;
use super::{Budget, Effective, Origin, Settings, SettingsError};
use crate::rules::Rules;

/// What the names of all variables that set something begin with.
pub(super) const PREFIX: &str = "LASTCALL__";

/// Variables, those whose names are text.
type Environment = BTreeMap<String, OsString>;

/// Settings, and where each of them came from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded<S> {
    /// The effective settings.
    pub(crate) settings: Effective<S>,
    /// Variables that look like settings and are none.
    pub(crate) misspelt: Vec<Misspelt>,
    pub(super) origins: Origins,
    /// Which rules the settings must fit.
    pub(crate) rules: Rules,
}

impl<S> Loaded<S> {
    /// Who set the value at this path, e.g. `drain.min`.
    pub(crate) fn origin(&self, key: &str) -> Origin {
        self.origins.of(key)
    }

    /// Checks that the settings fit each other and the system (see [`Budget::check`]).
    ///
    /// A `max_connections` that nobody has set is first lowered to what `descriptor_limit`
    /// allows: defaults must run on a laptop, whereas a wish that cannot be granted is an error.
    ///
    /// # Errors
    /// [`SettingsError::Budget`]
    pub(crate) fn fit(&mut self, descriptor_limit: Option<u64>) -> Result<Budget, SettingsError> {
        const KEY: &str = "http.max_connections";
        if let (Origin::Default, Some(limit)) = (self.origin(KEY), descriptor_limit) {
            let http = &mut self.settings.http;
            let room = Budget::connections_within(limit, http.workers);
            if (1..http.max_connections).contains(&room) {
                http.max_connections = room;
                self.origins.note(KEY, Origin::Descriptors(limit));
            }
        }
        Ok(Budget::check(&self.settings, descriptor_limit, self.rules)?)
    }
}

/// Reads the settings: the defaults, what the program says over them, then the file, then the
/// variables that begin with `LASTCALL__`.
///
/// Groups are merged key by key, lists replace each other. A variable's value is text; where its
/// setting takes no text, it is read as JSON: a number, `true`, `["a", "b"]`.
///
/// # Errors
/// [`SettingsError`]. What is required, what the author checks, and the budget are not looked at
/// here: see [`Author::accept`](super::Author::accept) and [`Loaded::fit`].
pub(crate) fn load_from<S>(source: Settings<S>) -> Result<Loaded<S>, SettingsError>
where
    S: DeserializeOwned + Serialize,
{
    let Settings {
        service,
        code,
        file,
        environment,
    } = source;
    let json = || serde_json::to_value(Effective::of(serde_json::to_value(&service)?));
    let defaults = opened(json).and_then(|open| Ok((open, json()?)));
    let (defaults, masked) =
        defaults.map_err(|error| SettingsError::Defaults(error.to_string()))?;
    let environment: Environment = environment
        .into_iter()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text)))
        .collect();
    let misspelt = misspelt(environment.keys().map(String::as_str), &masked);
    let mut tree = Tree::new(defaults);
    lay(&mut tree, code, file, environment, &masked)?;
    let mut settings = tree.read()?;
    derive(
        &mut settings.drain,
        settings.grace_period,
        &mut tree.origins,
    );
    different_ports(&settings)?;
    Ok(Loaded {
        settings,
        misspelt,
        origins: tree.origins,
        rules: Rules::default(),
    })
}

/// Lays what is set over the defaults.
fn lay(
    tree: &mut Tree,
    code: Vec<(String, Json)>,
    file: Option<PathBuf>,
    environment: Environment,
    masked: &Json,
) -> Result<(), SettingsError> {
    for (key, value) in code {
        tree.set(&key, value, &Origin::Code);
    }
    if let Some(path) = file {
        tree.lay(read_file(&path)?, &Origin::File(path));
    }
    // In reverse, so that a value given to a whole group is laid over the group's members, and
    // is refused, instead of vanishing under them.
    let ours = environment.into_iter().rev();
    for (name, text) in ours.filter(|(name, _)| name.starts_with(PREFIX)) {
        let text = text
            .into_string()
            .map_err(|text| not_text(&name, &text, masked))?;
        tree.set(&key(&name), text.into(), &Origin::Variable(name));
    }
    Ok(())
}

/// [`load_from`] these alone.
#[cfg(test)]
pub(crate) fn load<S>(
    config_file: Option<&Path>,
    environment: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
) -> Result<Loaded<S>, SettingsError>
where
    S: DeserializeOwned + Serialize + Default,
{
    let file = config_file.map(Path::to_owned);
    let source = Settings::new(S::default()).with_file(file);
    load_from(source.with_variables(environment))
}

/// The file, whose numbers and texts stay what they are.
fn read_file(path: &Path) -> Result<Json, SettingsError> {
    let text = fs::read_to_string(path).map_err(|source| SettingsError::File {
        path: path.to_owned(),
        source,
    })?;
    let file = File::from_str(&text, FileFormat::Toml);
    let file = Config::builder().add_source(file).build();
    let values = file.and_then(Config::try_deserialize);
    values.map_err(|error| SettingsError::Syntax {
        path: path.to_owned(),
        problem: syntax(&error),
    })
}

/// The path of what a variable of this name sets.
pub(super) fn key(name: &str) -> String {
    name[PREFIX.len()..].replace("__", ".").to_lowercase()
}

/// Only what is known to be no secret is shown.
fn not_text(name: &str, text: &OsStr, masked: &Json) -> SettingsError {
    let key = key(name);
    let open = get(masked, &key).is_some_and(|value| !value.is_null() && value != MASK);
    SettingsError::BadValue {
        key,
        value: if open {
            format!("{text:?}")
        } else {
            MASK.to_owned()
        },
        origin: Origin::Variable(name.to_owned()),
        problem: "must be UTF-8 text".to_owned(),
    }
}

/// The parser's report, several lines with a drawing, in one.
fn syntax(error: &ConfigError) -> String {
    let report = match error {
        ConfigError::FileParse { cause, .. } => cause.to_string(),
        other => other.to_string(),
    };
    let mut lines = report
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let place = first.strip_prefix("TOML parse error at ").unwrap_or(first);
    match lines.next_back() {
        Some(reason) => format!("{place}: {reason}"),
        None => place.to_owned(),
    }
}

/// Two listeners cannot share a port, unless each is given a free one.
fn different_ports<S>(settings: &Effective<S>) -> Result<(), SettingsError> {
    let admin = settings.admin.address;
    let Some(http) = settings.http.address.socket_address() else {
        return Ok(());
    };
    let overlap = http.ip() == admin.ip()
        || http.is_ipv4() == admin.is_ipv4()
            && (http.ip().is_unspecified() || admin.ip().is_unspecified());
    if http.port() != 0 && http.port() == admin.port() && overlap {
        return Err(SettingsError::SameAddress { http, admin });
    }
    Ok(())
}
