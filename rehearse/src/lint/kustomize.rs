//! A folder, rendered.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use serde::Deserialize;

#[derive(Deserialize)]
struct Kustomization {
    kind: Option<String>,
}

/// Whether a folder is only a part of others, which are rendered with it.
pub(super) fn is_component(folder: &Path) -> bool {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    let text = names
        .into_iter()
        .find_map(|name| fs::read_to_string(folder.join(name)).ok());
    let read = |text: String| serde_saphyr::from_str::<Kustomization>(&text).ok()?.kind;
    text.and_then(read).is_some_and(|kind| kind == "Component")
}

/// What would be applied, as YAML; or what kustomize has to say against it.
pub(super) fn render(folder: &Path) -> anyhow::Result<Result<String, String>> {
    let output = Command::new("kubectl")
        .arg("kustomize")
        .arg(folder)
        .stdin(Stdio::null())
        .output()
        .context("cannot run kubectl, which renders the manifests: is it installed?")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => {
            let stderr = text(&output.stderr);
            Err(stderr.trim().trim_start_matches("error: ").to_owned())
        }
    })
}
