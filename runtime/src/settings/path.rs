//! Where a value stands: by its key, and as serde's tools tell it.

use serde_json::Value as Json;
use serde_path_to_error::{Path, Segment};

pub(super) type ReadError = serde_path_to_error::Error<serde_json::Error>;

/// What stands at a key, such as `drain.min`.
pub(super) fn get<'a>(values: &'a Json, key: &str) -> Option<&'a Json> {
    key.split('.').try_fold(values, |json, key| json.get(key))
}

pub(super) fn at<'a>(root: &'a mut Json, path: &Path) -> Option<&'a mut Json> {
    path.iter().try_fold(root, |value, segment| match segment {
        Segment::Seq { index } => value.get_mut(index),
        Segment::Map { key } => value.get_mut(key),
        Segment::Enum { .. } | Segment::Unknown => None,
    })
}

/// The key that a type refuses which denies unknown ones by itself.
pub(super) fn unknown_field(error: &ReadError) -> Option<Vec<String>> {
    let message = error.inner().to_string();
    let refused = message.starts_with("unknown field `");
    let keys = error.path().iter().map(|segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        _ => None,
    });
    refused.then(|| keys.collect()).flatten()
}

/// Of one type, so that what reads Lastcall's own settings is compiled once, whatever the service's are.
pub(super) fn noting(unknown: &mut Vec<Vec<String>>) -> impl FnMut(serde_ignored::Path<'_>) {
    |path| unknown.push(keys(&path))
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
