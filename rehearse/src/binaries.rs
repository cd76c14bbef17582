//! The services' executables: built from this workspace, or found.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use tokio::process::Command;

use crate::scenario::Transport;

/// This package.
const REHEARSE: &str = env!("CARGO_PKG_NAME");

/// The word before the control's own arguments.
pub const CONTROL: &str = "control";

/// What makes the control speak HTTP/2, too: a variable and its value.
pub(crate) const CONTROL_H2C: (&str, &str) = ("CONTROL_H2C", "1");

/// Where executables are.
#[derive(Clone, Debug)]
pub struct Binaries {
    folder: PathBuf,
    given: bool,
    quiet: bool,
    features: Features,
    transport: Transport,
}

/// Which features of their dependencies programs are built with.
#[derive(Clone, Copy, Debug)]
enum Features {
    /// Those that any package of the workspace asks for, as `cargo run` has built this executable: its
    /// dependencies, which are the services', too, are not compiled a second time.
    OfWorkspace,
    /// Their own: as they ship.
    Own,
}

impl Binaries {
    /// Executables in a folder given, which are taken as they are, or else beside this very
    /// executable, where [`Binaries::provide`] will have built them: `quiet`, or with cargo's own progress.
    pub fn new(given: Option<&Path>, quiet: bool) -> Self {
        let exe = env::current_exe().unwrap_or_default();
        let folder = given.unwrap_or_else(|| exe.parent().unwrap_or(Path::new(".")));
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        Self {
            folder,
            given: given.is_some(),
            quiet,
            features: Features::OfWorkspace,
            transport: Transport::Clear,
        }
    }

    /// The same, able to speak over this.
    pub fn over(self, transport: Transport) -> Self {
        Self { transport, ..self }
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The executable of that name.
    pub fn exe(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The control's executable, which is this very one: without a control there is no verdict, so
    /// it is never missing. Its first argument is [`CONTROL`].
    pub fn control(&self) -> PathBuf {
        env::current_exe().unwrap_or_else(|_| self.exe(REHEARSE))
    }

    /// The executables of another profile, as they ship, in the folder beside: `TARGET/image` for
    /// `TARGET/release`.
    pub fn in_profile(&self, profile: &str) -> Self {
        Self {
            folder: self.folder.with_file_name(profile),
            given: self.given,
            quiet: self.quiet,
            features: Features::Own,
            transport: self.transport,
        }
    }

    /// The profile, as cargo calls its folder.
    pub fn profile(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Sees to it that the named programs are there. Unless a folder was given they are built, with
    /// the profile and into the folder of this executable, so that what `cargo run` has compiled
    /// already is used.
    ///
    /// # Errors
    /// If a program is missing, or cannot be built: without the sources, without cargo, or with a
    /// compiler's error.
    pub async fn provide(&self, names: &[&str]) -> anyhow::Result<()> {
        if !self.given && !names.is_empty() {
            self.build(names).await?;
        }
        let folder = self.folder.display();
        for name in names {
            ensure!(
                self.exe(name).is_file(),
                "--bin-dir = {folder}: has no {name}"
            );
        }
        Ok(())
    }

    async fn build(&self, names: &[&str]) -> anyhow::Result<()> {
        let exe = env::current_exe().context("cannot find this program's own file")?;
        let Some(target) = target(&exe) else {
            bail!(
                "{} is in no target folder of cargo: give --bin-dir",
                exe.display()
            );
        };
        let profile = match self.profile() {
            debug if debug == "debug" => "dev".to_owned(),
            profile => profile,
        };
        let manifest = manifest();
        let found = manifest.is_file();
        ensure!(
            found,
            "no sources at {}: give --bin-dir",
            manifest.display()
        );

        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(&cargo);
        command
            .args(["build", "--profile", &profile, "--manifest-path"])
            .arg(manifest);
        command.arg("--target-dir").arg(target).kill_on_drop(true);
        command.args(selection(self.features, names));
        if self.transport == Transport::Tls {
            let features = names.iter().map(|name| format!("--features={name}/tls"));
            command.args(features);
        }
        command.args(self.quiet.then_some("--quiet"));
        // Standard output is kept for the report.
        command.stdout(Stdio::null()).stdin(Stdio::null());
        let status = command.status().await;
        let status = status.with_context(|| format!("cannot run {}", cargo.display()))?;
        ensure!(
            status.success(),
            "the services could not be built ({status})"
        );
        Ok(())
    }
}

/// What tells cargo which programs to build, and so with which features.
fn selection<'a>(features: Features, names: &[&'a str]) -> Vec<&'a str> {
    let packages = match features {
        Features::OfWorkspace => vec!["--workspace"],
        Features::Own => names.iter().flat_map(|name| ["--package", name]).collect(),
    };
    let programs = names.iter().flat_map(|name| ["--bin", name]);
    packages.into_iter().chain(programs).collect()
}

/// The target folder, of `TARGET/release/rehearse`.
fn target(exe: &Path) -> Option<&Path> {
    let target = exe.parent()?.parent()?;
    // cargo leaves this list of sources beside what it has built, and not beside what it installs.
    exe.with_extension("d").is_file().then_some(target)
}

/// This package's manifest: from `cargo run` if that started us, else from where we were built.
fn manifest() -> PathBuf {
    let now = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let ours = now.filter(|_| env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == REHEARSE));
    ours.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into())
        .join("Cargo.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_where_cargo_has_built_the_executable() {
        let root = env::temp_dir().join(format!("rehearse-{}", std::process::id()));
        let folder = root.join("debug");
        let exe = folder.join("rehearse");
        std::fs::create_dir_all(&folder).unwrap();
        assert!(target(&exe).is_none(), "installed, not built here");
        std::fs::write(folder.join("rehearse.d"), "").unwrap();
        assert_eq!(target(&exe), Some(&*root));
        std::fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn another_profile_is_beside() {
        let release = Binaries::new(Some(Path::new("/target/release")), true);
        let image = release.in_profile("image");
        assert_eq!(
            (release.profile(), image.profile()),
            ("release".into(), "image".into())
        );
        assert_eq!(image.exe("hello"), Path::new("/target/image/hello"));
    }

    #[test]
    fn programs_are_built_with_the_workspaces_features_or_with_their_own() {
        let of = |features| selection(features, &["hello", "slow"]).join(" ");
        assert_eq!(
            of(Features::OfWorkspace),
            "--workspace --bin hello --bin slow"
        );
        assert_eq!(
            of(Features::Own),
            "--package hello --package slow --bin hello --bin slow"
        );
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let binaries = Binaries::new(Some(Path::new("/nonexistent")), true);
        let error = binaries.provide(&["hello"]).await.unwrap_err();
        assert_eq!(error.to_string(), "--bin-dir = /nonexistent: has no hello");
    }
}
