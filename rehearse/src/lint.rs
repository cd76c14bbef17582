//! `rehearse lint`: the command line of [`rehearse_lint`].

use std::path::PathBuf;

use clap::Args;
use rehearse_lint::{Finding, Manifests};

use crate::binaries::Binaries;
use crate::cli::{Output, Programs};
use crate::scenario::Transport;

/// The arguments of `rehearse lint`.
#[derive(Debug, Args)]
pub struct Lint {
    /// Folders, which are rendered by `kubectl kustomize`, or files, as they are applied
    #[arg(required = true, value_name = "PATH", value_parser = existing)]
    pub paths: Vec<PathBuf>,
    /// Where the bundled programs are.
    #[command(flatten)]
    pub programs: Programs,
    /// How the result is shown.
    #[command(flatten)]
    pub output: Output,
}

fn existing(path: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(path);
    let found = path.exists();
    found
        .then_some(path)
        .ok_or("must be a file or a folder that is there")
}

/// Lints what the command line names, and hands back the exit code: 0, or 1 if something is to be
/// mended.
///
/// # Errors
/// If it cannot be found out: a path that is not there, no kubectl, a service that cannot be built.
pub async fn run(options: &Lint, binaries: &Binaries) -> anyhow::Result<u8> {
    let manifests = Manifests::read(&options.paths)?;
    let transport = match manifests.speak_tls() {
        true => Transport::Tls,
        false => Transport::Clear,
    };
    let binaries = binaries.clone().over(transport);
    binaries
        .provide(&Vec::from_iter(manifests.services()))
        .await?;
    let findings = manifests.examine(binaries.folder())?;
    print(&findings, options.output.json)?;
    Ok(u8::from(!findings.is_empty()))
}

fn print(findings: &[Finding], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(findings)?);
        return Ok(());
    }
    findings.iter().for_each(|finding| println!("{finding}"));
    match findings.len() {
        0 => println!("the manifests are fine"),
        1 => println!("1 thing to be mended"),
        n => println!("{n} things to be mended"),
    }
    Ok(())
}
