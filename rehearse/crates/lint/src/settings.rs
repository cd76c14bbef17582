//! What a service will go by, as it says itself.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::{Deserialize, Deserializer, de::Error};

/// Where the settings file is found by a process that is given one on its standard input.
const STDIN: &str = "/dev/stdin";

/// What a container hands to its process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Environment {
    pub(super) variables: BTreeMap<String, String>,
    /// The settings file: its path in the pod, and its text.
    pub(super) file: Option<(String, String)>,
}

/// The effective settings, as far as Kubernetes must know them.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Settings {
    #[serde(deserialize_with = "duration")]
    pub(super) grace_period: Duration,
    pub(super) http: Listener,
    pub(super) admin: Listener,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Listener {
    pub(super) address: SocketAddr,
}

/// What `check` says: the settings, unless they cannot even be read, and what is wrong with them.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) settings: Option<Settings>,
    /// A line each; a warning of a service that would start nevertheless is one, too.
    pub(super) problems: Vec<String>,
}

/// Asks the service of a name.
pub(super) type Check<'a> = &'a dyn Fn(&str, &Environment) -> anyhow::Result<Answer>;

fn duration<'de, D: Deserializer<'de>>(source: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(source)?;
    humantime::parse_duration(&text).map_err(D::Error::custom)
}

/// Runs `EXE check` under the environment, and nothing of ours.
pub(super) fn check(exe: &Path, environment: &Environment) -> anyhow::Result<Answer> {
    let mut command = Command::new(exe);
    command
        .arg("check")
        .env_clear()
        .envs(&environment.variables);
    if environment.file.is_some() {
        command.env("LASTCALL_CONFIG", STDIN);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let cannot = || format!("cannot run {} check", exe.display());
    let mut child = command.spawn().with_context(cannot)?;
    let (path, text) = environment
        .file
        .as_ref()
        .map_or((STDIN, ""), |(p, t)| (p, t));
    // It may end before it has read all of it, and says why.
    let _ = child
        .stdin
        .take()
        .map(|mut stdin| stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().with_context(cannot)?;

    let stderr = String::from_utf8_lossy(&output.stderr).replace(STDIN, path);
    let lines = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let plain = |line: &str| {
        let word = ["error: ", "warning: "]
            .iter()
            .find_map(|word| line.strip_prefix(word));
        word.unwrap_or(line).to_owned()
    };
    let problems: Vec<_> = lines.map(plain).collect();
    let settings = toml::from_str(&String::from_utf8_lossy(&output.stdout)).ok();
    match output.status.success() {
        false if problems.is_empty() => bail!("{}: {}", cannot(), output.status),
        true if settings.is_none() => bail!("{}: it printed no settings", cannot()),
        _ => Ok(Answer { settings, problems }),
    }
}
