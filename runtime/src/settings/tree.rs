//! The settings as a tree of plain values, before they have types.
//!
//! `config` layers what the operator wrote, but is not let to convert it: it would take `true`
//! for 1, round 2.7 workers to 3, and drop a default's empty list. serde's JSON does not.

use std::path::Path;

use config::{Map, Value, ValueKind};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use serde_path_to_error::Segment;

use super::error::{problem, shown};
use super::origin::{Origin, Origins};
use super::{Effective, SettingsError};

/// The defaults, with what the operator wrote laid over them.
pub(super) struct Tree {
    values: Json,
    pub(super) origins: Origins,
}

impl Tree {
    pub(super) fn new(defaults: &Json) -> Self {
        Self {
            values: defaults.clone(),
            origins: Origins::default(),
        }
    }

    /// Lays what the program itself says over the defaults.
    pub(super) fn lay_code(&mut self, key: &str, value: Json) {
        let mut place = &mut self.values;
        for name in key.split('.') {
            if !place.is_object() {
                *place = Json::Object(serde_json::Map::new());
            }
            place = &mut place[name];
        }
        *place = value;
        self.origins.note(key, Origin::Code);
    }

    /// Lays what was written over the defaults. What bears no variable's name is the file's.
    pub(super) fn lay(&mut self, written: Map<String, Value>, file: Option<&Path>) {
        let file = Origin::File(file.unwrap_or(Path::new("")).to_owned());
        lay(
            &mut self.values,
            Value::from(written),
            "",
            &file,
            &mut self.origins,
        );
    }

    /// Gives the values their types.
    pub(super) fn read<S>(&mut self, defaults: &Json) -> Result<Effective<S>, SettingsError>
    where
        S: DeserializeOwned,
    {
        loop {
            let mut unknown = None;
            let mut note = |path: serde_ignored::Path<'_>| {
                unknown.get_or_insert_with(|| keys(&path));
            };
            let source = serde_ignored::Deserializer::new(&self.values, &mut note);
            match serde_path_to_error::deserialize(source) {
                Ok(settings) => match unknown {
                    None => return Ok(settings),
                    Some(keys) => return Err(self.unknown_key(&keys, defaults)),
                },
                Err(error) if self.read_as_json(error.path()) => {}
                Err(error) => return Err(self.bad_value(&error)),
            }
        }
    }

    /// A variable's text that its setting does not take may be a number, a boolean or a list.
    /// That it is tried only then keeps the greeting "123" a text.
    fn read_as_json(&mut self, path: &serde_path_to_error::Path) -> bool {
        let Origin::Variable(_) = self.origins.of(&path.to_string()) else {
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

    fn bad_value(
        &mut self,
        error: &serde_path_to_error::Error<serde_json::Error>,
    ) -> SettingsError {
        let key = error.path().to_string();
        let problem = problem(&error.inner().to_string());
        match self.origins.of(&key) {
            Origin::Default => SettingsError::Defaults(format!("{key}: {problem}")),
            origin => SettingsError::BadValue {
                value: at(&mut self.values, error.path())
                    .map(|value| shown(value))
                    .unwrap_or_default(),
                key,
                origin,
                problem,
            },
        }
    }

    fn unknown_key(&self, keys: &[String], defaults: &Json) -> SettingsError {
        let beside = keys
            .iter()
            .take(keys.len() - 1)
            .try_fold(defaults, |json, key| json.get(key));
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

fn lay(under: &mut Json, over: Value, key: &str, file: &Origin, origins: &mut Origins) {
    let origin = over
        .origin()
        .map_or(file.clone(), |name| Origin::Variable(name.to_owned()));
    match over.kind {
        ValueKind::Table(table) if !table.is_empty() || under.is_object() => {
            if !under.is_object() {
                *under = Json::Object(serde_json::Map::new());
            }
            for (name, value) in table {
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                lay(&mut under[name], value, &key, file, origins);
            }
        }
        kind => {
            *under = json(kind);
            origins.note(key, origin);
        }
    }
}

fn json(kind: ValueKind) -> Json {
    match kind {
        ValueKind::Nil => Json::Null,
        ValueKind::Boolean(value) => value.into(),
        ValueKind::I64(value) => value.into(),
        ValueKind::U64(value) => value.into(),
        ValueKind::Float(value) => value.into(),
        ValueKind::String(value) => value.into(),
        ValueKind::Array(values) => values.into_iter().map(|value| json(value.kind)).collect(),
        ValueKind::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, json(value.kind)))
            .collect(),
        // No source of ours writes these.
        ValueKind::I128(value) => value.to_string().into(),
        ValueKind::U128(value) => value.to_string().into(),
    }
}

fn at<'a>(root: &'a mut Json, path: &serde_path_to_error::Path) -> Option<&'a mut Json> {
    path.iter().try_fold(root, |value, segment| match segment {
        Segment::Seq { index } => value.get_mut(index),
        Segment::Map { key } => value.get_mut(key),
        Segment::Enum { .. } | Segment::Unknown => None,
    })
}

/// The path's keys, without the steps that only the types have.
fn keys(path: &serde_ignored::Path<'_>) -> Vec<String> {
    use serde_ignored::Path;
    let (parent, key) = match path {
        Path::Root => return Vec::new(),
        Path::Seq { parent, index } => (parent, index.to_string()),
        Path::Map { parent, key } => (parent, key.clone()),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => return keys(parent),
    };
    let mut keys = keys(parent);
    keys.push(key);
    keys
}
