//! `kubectl`, as a child process: what its users have, with their contexts and credentials.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use super::message::one_line;
use rehearse_platform::quoted;

const PROGRAM: &str = "kubectl";

/// For what is answered at once. What waits for the cluster has a limit of its own.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A command of kubectl failed.
#[derive(Debug, Error)]
pub(super) enum KubectlError {
    /// It could not be started.
    #[error("kubectl cannot be started ({0}): install it, and see that it is on PATH")]
    Missing(io::Error),
    /// It failed.
    #[error("{command}: {stderr}")]
    Failed {
        /// Its command line.
        command: String,
        /// What it wrote to its standard error.
        stderr: String,
    },
    /// It did not come back.
    #[error("{command}: no answer within {limit:?}")]
    TimedOut {
        /// Its command line.
        command: String,
        /// How long it had.
        limit: Duration,
    },
}

/// Where `kubectl` is to work.
#[derive(Clone, Debug)]
pub(super) struct Kubectl {
    /// The program, and what comes before all other arguments.
    program: Vec<String>,
    context: String,
    namespace: String,
}

impl Kubectl {
    /// In a context and a namespace.
    pub(super) fn new(context: &str, namespace: &str) -> Self {
        Self {
            program: vec![PROGRAM.to_owned()],
            context: context.to_owned(),
            namespace: namespace.to_owned(),
        }
    }

    /// A shell script in its place, which is given the same arguments.
    #[cfg(test)]
    pub(super) fn faked(script: &str) -> Self {
        let program = ["sh", "-c", script, PROGRAM];
        Self {
            program: program.map(str::to_owned).to_vec(),
            ..Self::new("test", "lastcall")
        }
    }

    /// The namespace it works in.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The contexts that there are.
    ///
    /// # Errors
    /// See [`KubectlError`].
    pub(super) async fn contexts() -> Result<Vec<String>, KubectlError> {
        let args = ["config", "get-contexts", "--output", "name"];
        let output = Command::new(PROGRAM).args(args).kill_on_drop(true).output();
        let output = output.await.map_err(KubectlError::Missing)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match output.status.success() {
            true => Ok(text(&output.stdout).lines().map(str::to_owned).collect()),
            false => Err(KubectlError::Failed {
                command: [&[PROGRAM], &args[..]].concat().join(" "),
                stderr: one_line(&text(&output.stderr)),
            }),
        }
    }

    /// A long-lived child, whose output is read while it runs. It ends when it is dropped.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn spawn(&self, args: &[&str]) -> Result<Child, KubectlError> {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(KubectlError::Missing)
    }

    /// Runs it to its end, and returns what it printed.
    ///
    /// # Errors
    /// See [`KubectlError`].
    pub(super) async fn run(&self, args: &[&str]) -> Result<String, KubectlError> {
        self.exchange(args, "", ANSWER_LIMIT).await
    }

    /// The same for what may take as long as the cluster needs, up to a limit.
    ///
    /// # Errors
    /// See [`KubectlError`].
    pub(super) async fn wait(
        &self,
        args: &[&str],
        limit: Duration,
    ) -> Result<String, KubectlError> {
        self.exchange(args, "", limit).await
    }

    /// Hands it a document (`-f -`).
    ///
    /// # Errors
    /// See [`KubectlError`].
    pub(super) async fn feed(&self, args: &[&str], document: &str) -> Result<String, KubectlError> {
        self.exchange(args, document, ANSWER_LIMIT).await
    }

    /// Reads an object or a list (`-o json` is added).
    ///
    /// # Errors
    /// See [`KubectlError`]; and if the answer is not the JSON that was expected.
    pub(super) async fn get<T: DeserializeOwned>(&self, args: &[&str]) -> Result<T, KubectlError> {
        self.read(&[&["get"], args, &["-o", "json"]].concat()).await
    }

    /// Reads a path of the API.
    ///
    /// # Errors
    /// As of [`Self::get`].
    pub(super) async fn get_raw<T: DeserializeOwned>(&self, path: &str) -> Result<T, KubectlError> {
        self.read(&["get", "--raw", path]).await
    }

    async fn read<T: DeserializeOwned>(&self, args: &[&str]) -> Result<T, KubectlError> {
        let answer = self.run(args).await?;
        serde_json::from_str(&answer).map_err(|error| KubectlError::Failed {
            command: self.command_line(args),
            stderr: format!("unexpected answer: {error}"),
        })
    }

    async fn exchange(
        &self,
        args: &[&str],
        input: &str,
        limit: Duration,
    ) -> Result<String, KubectlError> {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .map_err(KubectlError::Missing)?;
        let stdin = child.stdin.take();
        let exchange = async {
            if let Some(mut stdin) = stdin {
                // A broken pipe means that it has failed already; its standard error says why.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
            child.wait_with_output().await
        };
        let Ok(output) = tokio::time::timeout(limit, exchange).await else {
            let command = self.command_line(args);
            return Err(KubectlError::TimedOut { command, limit });
        };
        let output = output.map_err(KubectlError::Missing)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(KubectlError::Failed {
            command: self.command_line(args),
            stderr: one_line(&String::from_utf8_lossy(&output.stderr)),
        })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program[0]);
        command
            .args(&self.program[1..])
            .args(self.prefix())
            .args(args);
        // A group of its own: Ctrl+C on the terminal is for this process, which restores what it
        // has changed; its children must not fall over first.
        command
            .process_group(0)
            .kill_on_drop(true)
            .stdin(Stdio::null());
        command
    }

    fn prefix(&self) -> Vec<&str> {
        vec!["--context", &self.context, "--namespace", &self.namespace]
    }

    /// The command line, as it can be typed.
    pub(super) fn command_line(&self, args: &[&str]) -> String {
        let words = [PROGRAM].into_iter().chain(self.prefix());
        let words = words.chain(args.iter().copied()).map(quoted);
        words.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
#[path = "kubectl_tests.rs"]
mod tests;
