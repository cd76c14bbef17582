//! The clients: one program each, told by its environment what to do.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::Options;
use crate::arm::Arm;
use crate::balancer;

const BODY_BYTES: &str = "1000";

/// Within this a client must have had its first answer, or, told to stop, have ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client library, as it is used.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    library: Library,
    protocol: &'static str,
    body: Body,
}

#[derive(Clone, Copy)]
struct Library {
    name: &'static str,
    /// Below the folder of tools: if it is not there, neither is the library.
    program: &'static str,
    arguments: &'static [&'static str],
    /// Each by prior knowledge; `upgrade` is HTTP/1.1 that offers HTTP/2.
    protocols: &'static [&'static str],
    bodies: &'static [Body],
}

/// What a client sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Body {
    /// GET.
    None,
    /// POST, of a body that can be sent again.
    Again,
    /// POST, of a body that cannot.
    Once,
}

const BOTH: &[&str] = &["h1", "h2"];
const PLAIN: &[Body] = &[Body::None, Body::Again];
const PYTHON: &str = "venv/bin/python";

/// The sources of those that need no building.
macro_rules! source {
    ($file:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/", $file)
    };
}

#[rustfmt::skip]
const LIBRARIES: &[Library] = &[
    Library { name: "go", program: "go-client", arguments: &[], protocols: BOTH, bodies: &[Body::None, Body::Again, Body::Once] },
    Library { name: "node-fetch", program: "node/node", arguments: &["fetch.js"], protocols: &["h1"], bodies: PLAIN },
    Library { name: "node-http", program: "node/node", arguments: &["http.js"], protocols: &["h1"], bodies: PLAIN },
    Library { name: "node-undici", program: "node/node", arguments: &["undici.js"], protocols: &["h1"], bodies: PLAIN },
    Library { name: "node-http2", program: "node/node", arguments: &["http2.js"], protocols: &["h2"], bodies: PLAIN },
    Library { name: "java", program: "java/java", arguments: &["-Xmx128m", "Client"], protocols: &["h1", "upgrade"], bodies: PLAIN },
    Library { name: "requests", program: PYTHON, arguments: &[source!("python/requests_client.py")], protocols: &["h1"], bodies: PLAIN },
    Library { name: "aiohttp", program: PYTHON, arguments: &[source!("python/aiohttp_client.py")], protocols: &["h1"], bodies: PLAIN },
    Library { name: "httpx", program: PYTHON, arguments: &[source!("python/httpx_client.py")], protocols: BOTH, bodies: PLAIN },
    Library { name: "libcurl", program: PYTHON, arguments: &[source!("python/curl_client.py")], protocols: BOTH, bodies: PLAIN },
    Library { name: "reqwest", program: "reqwest", arguments: &[], protocols: BOTH, bodies: PLAIN },
    Library { name: "hyper", program: "hyper", arguments: &[], protocols: BOTH, bodies: PLAIN },
];

impl Kind {
    pub(crate) fn all() -> Vec<Self> {
        let kinds = |library: &Library| {
            let (library, bodies) = (*library, library.bodies);
            let protocols = library.protocols.iter();
            protocols.flat_map(move |&protocol| {
                bodies.iter().map(move |&body| Self {
                    library,
                    protocol,
                    body,
                })
            })
        };
        LIBRARIES.iter().flat_map(kinds).collect()
    }

    /// Those whose name has one of these parts, or all, and whose library is installed.
    pub(crate) fn chosen(parts: &[String], tools: &Path) -> anyhow::Result<Vec<Self>> {
        let wanted = |name: String| parts.is_empty() || parts.iter().any(|p| name.contains(p));
        let mut kinds = Self::all();
        kinds.retain(|kind| {
            let there = tools.join(kind.library.program).exists();
            let wanted = wanted(kind.name());
            if wanted && !there {
                eprintln!("{} is left out: it is not installed", kind.name());
            }
            wanted && there
        });
        ensure!(!kinds.is_empty(), "no such client is installed");
        Ok(kinds)
    }

    pub(crate) fn name(&self) -> String {
        let body = match self.body {
            Body::None => "get",
            Body::Again => "post",
            Body::Once => "post-once",
        };
        format!("{}-{}-{body}", self.library.name, self.protocol)
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.protocol == "h2"
    }

    pub(crate) fn is_httpx(&self) -> bool {
        self.library.name == "httpx"
    }

    fn command(&self, options: &Options, arm: &Arm) -> Command {
        let program = options.tools.join(self.library.program);
        let mut command = Command::new(&program);
        command.args(self.library.arguments);
        // Modules and classes are found beside the program.
        command.current_dir(program.parent().unwrap_or(&options.tools));
        let path = arm.path(self.body, options.takes);
        let expected = match self.body {
            Body::None => format!("waited {} ms", options.takes.as_millis()),
            Body::Again | Body::Once => BODY_BYTES.to_owned(),
        };
        let body = format!("{:?}", self.body).to_lowercase();
        command
            .env(
                "URL",
                format!("http://{}:{}{path}", balancer::ADDRESS, balancer::PORT),
            )
            .env("EXPECT", expected)
            .env("PROTOCOL", self.protocol)
            .env("BODY", body)
            .env("BODY_BYTES", BODY_BYTES)
            .env("WORKERS", options.workers.to_string())
            .env("THINK_MIN_MS", options.think.0.as_millis().to_string())
            .env("THINK_MAX_MS", options.think.1.as_millis().to_string());
        command
    }
}

/// What a client says at its end.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    /// How many of each kind, in the library's own words.
    pub(crate) failures: BTreeMap<String, u64>,
}

impl Figures {
    pub(crate) fn failed(&self) -> u64 {
        self.failures.values().sum()
    }
}

/// A client that runs. It ends when its standard input does, so none outlives the run.
pub(crate) struct Client {
    pub(crate) kind: Kind,
    child: Child,
    lines: Receiver<String>,
}

impl Client {
    pub(crate) fn start(options: &Options, arm: &Arm, kind: &Kind) -> anyhow::Result<Self> {
        let name = kind.name();
        let log = File::create(options.results.join(format!("{arm}-{name}.log")))?;
        let mut command = kind.command(options, arm);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdout = child
            .stdout
            .take()
            .context("its standard output is a pipe")?;
        let (said, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            // The run that would hear it may have ended.
            lines.for_each(|line| drop(said.send(line)));
        });
        Ok(Self {
            kind: *kind,
            child,
            lines,
        })
    }

    /// Waits until it has had an answer.
    pub(crate) fn wait_until_up(&self) -> anyhow::Result<()> {
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.with_context(|| format!("{} gets no answer", self.kind.name()))?;
        ensure!(line == "up", "{} says {line}", self.kind.name());
        Ok(())
    }

    /// Tells it to stop, and gives its figures.
    pub(crate) fn end(mut self) -> anyhow::Result<(Kind, Figures)> {
        drop(self.child.stdin.take());
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.with_context(|| format!("{} does not end", self.kind.name()))?;
        let mut figures: Figures = serde_json::from_str(&line)
            .with_context(|| format!("{} says {line}", self.kind.name()))?;
        let failures = std::mem::take(&mut figures.failures);
        for (kind, count) in failures {
            *figures.failures.entry(without_numbers(&kind)).or_default() += count;
        }
        Ok((self.kind, figures))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Ports and the like would make a kind of its own of each failure.
fn without_numbers(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, digits) = rest.split_at(at);
        let end = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        short += before;
        short += if end > 3 { "N" } else { &digits[..end] };
        rest = &digits[end..];
    }
    short + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_makes_no_kind_of_its_own_and_a_status_does() {
        let said = "read 10.78.0.1:43522->10.78.0.1:80: status 503";
        let kind = "read 10.78.0.1:N->10.78.0.1:80: status 503";
        assert_eq!(without_numbers(said), kind);
    }
}
