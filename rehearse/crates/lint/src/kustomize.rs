//! A folder, rendered.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, Output, Stdio};

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

/// What would be applied, as YAML; or what kustomize has to problems against it.
///
/// # Errors
/// If there is no kustomize, neither kubectl's own nor the program of that name.
pub(super) fn render(folder: &Path) -> anyhow::Result<Result<String, String>> {
    let output = run(&["kubectl", "kustomize"], folder);
    let output = match output {
        Err(error) if error.kind() == ErrorKind::NotFound => run(&["kustomize", "build"], folder),
        found => found,
    };
    let output = output.context(
        "cannot run kubectl, nor kustomize, one of which renders the manifests: is it installed?",
    )?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => {
            let stderr = text(&output.stderr);
            let words = stderr.trim();
            let plain = ["error: ", "Error: "].map(|start| words.strip_prefix(start));
            Err(plain
                .into_iter()
                .flatten()
                .next()
                .unwrap_or(words)
                .to_owned())
        }
    })
}

fn run(command: &[&str; 2], folder: &Path) -> io::Result<Output> {
    let [program, subcommand] = command;
    Command::new(program)
        .arg(subcommand)
        .arg(folder)
        .stdin(Stdio::null())
        .output()
}
