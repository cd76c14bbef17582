//! The settings as a tree of plain values, before they have types.
//!
//! serde's JSON gives them their types, and not `config`, which would take `true` for 1, round 2.7
//! workers to 3, and drop a default's empty list.

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};

use super::error::{problem, shown};
use super::origin::{Origin, Origins};
use super::path::{ReadError, at, get, noting, unknown_field};
use super::{Effective, SettingsError, mounted, required, secret};

/// The key of the service's own settings.
const SERVICE: &str = "service";

/// What serde says of a value whose type it has only tried; what was tried may be a secret.
const UNTAGGED: &str = "data did not match any variant";

/// The defaults, with what was set laid over them.
pub(super) struct Tree {
    defaults: Json,
    values: Json,
    pub(super) origins: Origins,
}

impl Tree {
    pub(super) fn new(mut defaults: Json) -> Self {
        required::take_unset(&mut defaults);
        Self {
            values: defaults.clone(),
            defaults,
            origins: Origins::default(),
        }
    }

    /// Sets one by its path, such as `drain.min`.
    pub(super) fn set(&mut self, key: &str, value: Json, origin: &Origin) {
        let within = |value, name: &str| Json::Object(Map::from_iter([(name.to_owned(), value)]));
        self.lay(key.rsplit('.').fold(value, within), origin);
    }

    /// Lays values over what is there: groups key by key, lists as a whole.
    pub(super) fn lay(&mut self, values: Json, origin: &Origin) {
        lay(&mut self.values, values, "", origin, &mut self.origins);
    }

    /// Gives the values their types: Lastcall's own, and then the service's. So what reads the former is
    /// compiled once, whatever the latter are.
    pub(super) fn read<S>(&mut self) -> Result<Effective<S>, SettingsError>
    where
        S: DeserializeOwned,
    {
        loop {
            let mut unknown = Vec::new();
            beyond(&self.values, &self.defaults, &mut Vec::new(), &mut unknown);
            secret::met();
            let own: Result<Effective<Json>, _> = serde_path_to_error::deserialize(&self.values);
            let service = service(&self.values, &mut unknown);
            let read = own.and_then(|own| Ok(own.with(service?)));
            if self.read_mounted(&unknown)? {
                continue;
            }
            match (read, unknown.first()) {
                (Ok(settings), None) => return Ok(settings),
                (Err(error), None) if self.read_as_json(error.path()) => {}
                (Err(error), None) => return Err(self.bad_value(&error)),
                (_, Some(keys)) => return Err(self.unknown_key(keys)),
            }
        }
    }

    /// Takes the values of such unknown settings that are variables which name a file: see
    /// [`mounted`]. That they are unknown lets a setting win that really has such a name.
    fn read_mounted(&mut self, unknown: &[Vec<String>]) -> Result<bool, SettingsError> {
        let mut any = false;
        for keys in unknown {
            let key = keys.join(".");
            let Origin::Variable(name) = self.origins.of(&key) else {
                continue;
            };
            let Some(meant) = mounted::meant(&name, &key) else {
                continue;
            };
            if get(&self.values, meant).is_some_and(Json::is_object) {
                continue;
            }
            if let Origin::Variable(other) = self.origins.of(meant) {
                return Err(SettingsError::Both { other, name });
            }
            let path = self.remove(keys);
            let text = mounted::read(&name, path.as_str().unwrap_or_default())?;
            self.set(meant, text.into(), &Origin::FileOf(name));
            any = true;
        }
        Ok(any)
    }

    fn remove(&mut self, keys: &[String]) -> Json {
        self.origins.forget(&keys.join("."));
        let Some((last, group)) = keys.split_last() else {
            return Json::Null;
        };
        let group = group.iter().try_fold(&mut self.values, Json::get_mut);
        let group = group.and_then(Json::as_object_mut);
        group
            .and_then(|group| group.remove(last))
            .unwrap_or_default()
    }

    /// A variable's text that its setting does not take may be a number, a boolean or a list.
    /// That it is tried only then keeps the greeting "123" a text.
    fn read_as_json(&mut self, path: &serde_path_to_error::Path) -> bool {
        let (Origin::Variable(_) | Origin::FileOf(_)) = self.origins.of(&path.to_string()) else {
            return false;
        };
        let Some(value) = at(&mut self.values, path) else {
            return false;
        };
        let json = value
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        match json {
            None | Some(Json::String(_)) => false,
            Some(json) => {
                *value = json;
                true
            }
        }
    }

    fn bad_value(&mut self, error: &ReadError) -> SettingsError {
        let key = error.path().to_string();
        let message = error.inner().to_string();
        let problem = problem(&message);
        let origin = self.origins.of(&key);
        if origin == Origin::Default {
            return SettingsError::Defaults(format!("{key}: {problem}"));
        }
        let hidden = message.starts_with(secret::REFUSED) || matches!(origin, Origin::FileOf(_));
        let met = secret::met();
        let value = at(&mut self.values, error.path());
        let value = value.map(|value| match value {
            _ if hidden => secret::MASK.to_owned(),
            // A group that is none has no secret in it; of any other, nobody knows here.
            _ if message.ends_with(", expected unit") => shown(value),
            Json::Object(_) => shown(&masked(value)),
            Json::Array(_) if met => shown(&masked(value)),
            _ if met && message.starts_with(UNTAGGED) => shown(&masked(value)),
            _ => shown(value),
        });
        SettingsError::BadValue {
            value: value.unwrap_or_default(),
            key,
            origin,
            problem,
        }
    }

    fn unknown_key(&self, keys: &[String]) -> SettingsError {
        let beside = keys
            .iter()
            .take(keys.len() - 1)
            .try_fold(&self.defaults, |json, key| json.get(key));
        let known = beside.and_then(Json::as_object);
        let key = keys.join(".");
        SettingsError::UnknownKey {
            origin: self.origins.of(&key),
            known: known
                .map(|known| known.keys().cloned().collect())
                .unwrap_or_default(),
            key,
        }
    }
}

/// The service's own settings, where they stand among all.
#[derive(Deserialize)]
struct OfService<S> {
    service: S,
}

/// The service's own settings, and the keys among them that its type does not have.
fn service<S: DeserializeOwned>(
    values: &Json,
    unknown: &mut Vec<Vec<String>>,
) -> Result<S, ReadError> {
    let mut ignored = Vec::new();
    let mut note = noting(&mut ignored);
    let source = serde_ignored::Deserializer::new(values, &mut note);
    let read = serde_path_to_error::deserialize(source);
    drop(note);
    ignored.extend(read.as_ref().err().and_then(unknown_field));
    let own = |keys: &Vec<String>| keys.first().is_some_and(|key| key == SERVICE);
    unknown.extend(ignored.into_iter().filter(own));
    read.map(|OfService { service }| service)
}

/// The keys that Lastcall's own settings do not have: of those that there are, each has a default.
fn beyond(values: &Json, defaults: &Json, at: &mut Vec<String>, unknown: &mut Vec<Vec<String>>) {
    let (Json::Object(values), Json::Object(defaults)) = (values, defaults) else {
        return;
    };
    for (key, value) in values {
        if at.is_empty() && key == SERVICE {
            continue;
        }
        at.push(key.clone());
        match defaults.get(key) {
            Some(default) => beyond(value, default, at, unknown),
            None => unknown.push(at.clone()),
        }
        at.pop();
    }
}

fn lay(under: &mut Json, over: Json, key: &str, origin: &Origin, origins: &mut Origins) {
    match over {
        Json::Object(group) if !group.is_empty() || under.is_object() => {
            if !under.is_object() {
                *under = Json::Object(Map::new());
                origins.forget(key);
            }
            for (name, value) in group {
                let dot = if key.is_empty() { "" } else { "." };
                let key = format!("{key}{dot}{name}");
                lay(&mut under[name], value, &key, origin, origins);
            }
        }
        value => {
            *under = value;
            origins.note(key, origin.clone());
        }
    }
}

/// The same with its values hidden: some of them may be secrets.
fn masked(value: &Json) -> Json {
    match value {
        Json::Object(group) => {
            let masked = group
                .iter()
                .map(|(key, value)| (key.clone(), masked(value)));
            Json::Object(masked.collect())
        }
        Json::Array(items) => items.iter().map(masked).collect(),
        _ => secret::MASK.into(),
    }
}
