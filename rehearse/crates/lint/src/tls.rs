//! Files that TLS needs. A Secret is in no manifest, so the service is asked with a certificate in its place.

use std::path::{Path, PathBuf};

use rehearse_kubernetes::{Container, Mount, PodTemplate};
use rehearse_tls::{Authority, Mounted};

use super::findings::Problems;
use super::settings::Environment;

/// The settings that name a file, and the key of a Secret of the type `kubernetes.io/tls` that belongs there.
/// Whom clients are trusted by is in a Secret of any kind.
const FILES: [(&str, Option<&str>); 3] = [
    ("LASTCALL__HTTP__TLS__CERTIFICATE", Some("tls.crt")),
    ("LASTCALL__HTTP__TLS__KEY", Some("tls.key")),
    ("LASTCALL__HTTP__TLS__CLIENT_CA", None),
];

/// Whether a container's service is to speak TLS.
pub(super) fn is_set(container: &Container) -> bool {
    let mut variables = container.env.iter();
    variables.any(|variable| FILES.iter().any(|(name, _)| variable.name == *name))
}

/// Puts files that are there in the place of those that will be there in the pod, for as long as the result
/// lives. A file that nothing brings there is a problem, and so is one whose update would not be seen.
///
/// # Errors
/// If a certificate cannot be made.
pub(super) fn stand_in(
    pod: &PodTemplate,
    container: &Container,
    environment: &mut Environment,
    problems: &mut Problems<'_>,
) -> anyhow::Result<Option<Mounted>> {
    if !is_set(container) {
        return Ok(None);
    }
    let issued = Authority::new()?.issue(&["service"])?;
    let files = Mounted::new("rehearse-lint", &issued)?;
    for (name, key) in FILES {
        let Some(path) = environment.variables.get_mut(name) else {
            continue;
        };
        if let Err(wrong) = comes_from_a_secret(path, key, pod, container) {
            problems.add(format_args!("{name} = {path}: {wrong}"));
        }
        *path = stand_in_of(key, &files).to_string_lossy().into_owned();
    }
    Ok(Some(files))
}

fn stand_in_of(key: Option<&str>, files: &Mounted) -> PathBuf {
    match key {
        Some("tls.key") => files.key(),
        _ => files.certificate(),
    }
}

/// Whether a Secret is mounted where the path is.
fn comes_from_a_secret(
    path: &str,
    key: Option<&str>,
    pod: &PodTemplate,
    container: &Container,
) -> Result<(), String> {
    let mut mounts = container.volume_mounts.iter();
    let below = |mount: &&Mount| Path::new(path).starts_with(&mount.mount_path);
    let mount = mounts.find(below).ok_or("no volume is mounted there")?;
    if !mount.sub_path.is_empty() {
        return Err("mounted by subPath, it would never be renewed: mount the folder".to_owned());
    }
    let of_mount = |volume: &&_| name_of(volume) == Some(&mount.name);
    let volume = pod.spec.volumes.iter().find(of_mount);
    let volume = volume.ok_or_else(|| format!("there is no volume {}", mount.name))?;
    let is_plain = volume
        .get("secret")
        .is_some_and(|secret| secret.get("items").is_none());
    let file = Path::new(path).file_name().and_then(|file| file.to_str());
    match key.filter(|key| is_plain && file != Some(key)) {
        Some(key) => Err(format!(
            "of a Secret of the type kubernetes.io/tls it must be {key}"
        )),
        None => Ok(()),
    }
}

type Volume = std::collections::BTreeMap<String, serde_json::Value>;

fn name_of(volume: &Volume) -> Option<&str> {
    volume.get("name")?.as_str()
}
