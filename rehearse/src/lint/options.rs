//! What `rehearse lint` is told.

use std::path::PathBuf;

use clap::Args;

use crate::cli::{Output, Programs};

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
