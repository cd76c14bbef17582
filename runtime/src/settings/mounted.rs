//! Values from files, as Kubernetes mounts secrets: `LASTCALL__SERVICE__PASSWORD_FILE` names the file
//! whose content is `service.password`.

use std::fs;

use super::{SettingsError, load};

const SUFFIX: &str = "_file";

/// The setting that is meant by a variable of this name, which sets this unknown `key`.
pub(super) fn meant<'a>(name: &str, key: &'a str) -> Option<&'a str> {
    // Not what stands within a value of it.
    let own = load::key(name) == key;
    own.then(|| key.strip_suffix(SUFFIX)).flatten()
}

/// The file's text, without the line end that an editor leaves.
pub(super) fn read(name: &str, path: &str) -> Result<String, SettingsError> {
    let mut text = fs::read_to_string(path).map_err(|source| SettingsError::Mounted {
        name: name.to_owned(),
        path: path.into(),
        source,
    })?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
