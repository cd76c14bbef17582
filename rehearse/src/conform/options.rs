//! The command line of `conform`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use nix::sys::signal::Signal;

use crate::cli::{Environment, Output, Pair, Port, Programs};
use crate::scenario::Transport;

/// Which program, what is known of it, and which cases.
#[derive(Debug, Args)]
pub struct Conform {
    /// A bundled program, of which everything below is known
    #[arg(long, value_enum, conflicts_with_all = KNOWN_OF_BUNDLED)]
    pub service: Option<Bundled>,
    /// What tells the program to go
    #[arg(long, value_enum, default_value = "term")]
    pub signal: TerminationSignal,
    /// A preStop hook sleeps so long before the signal; all times count from its beginning
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub prestop_sleep: Duration,
    /// So long new connections must be served; 0s: clients are led away before
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = humantime::parse_duration)]
    pub lame_duck: Duration,
    /// After so long it must have exited by itself: the pod's grace period
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub deadline: Duration,
    /// A plain path, answered at once with 2xx
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub path: String,
    /// A path that is slow; {ms} in it stands for how slow
    #[arg(long, value_name = "PATH")]
    pub slow: Option<String>,
    /// How long the slow path takes [default with {ms}: the lame duck and 2s]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, requires = "slow")]
    pub slow_takes: Option<Duration>,
    /// A path with a long response; {bytes} in it stands for its length
    #[arg(long, value_name = "PATH")]
    pub download: Option<String>,
    /// The length of that response, larger than the kernel's buffers [default with {bytes}: 16000000]
    #[arg(long, value_name = "N", requires = "download")]
    pub download_bytes: Option<usize>,
    /// A path that takes POST with a body
    #[arg(long, value_name = "PATH")]
    pub upload: Option<String>,
    /// A path with Server-Sent Events, several a second
    #[arg(long, value_name = "PATH")]
    pub events: Option<String>,
    /// A path with a WebSocket
    #[arg(long, value_name = "PATH")]
    pub websocket: Option<String>,
    /// The program speaks HTTP/2: without TLS by prior knowledge, and over TLS by ALPN
    #[arg(long)]
    pub http2: bool,
    /// Speak TLS on the main port. The program finds a certificate and its key by the variables
    /// LASTCALL__HTTP__TLS__CERTIFICATE and LASTCALL__HTTP__TLS__KEY
    #[arg(long)]
    pub tls: bool,
    /// Readiness: a path to get, or `tcp` for a connection to the main port
    #[arg(long, value_name = "PATH|tcp", default_value = "tcp")]
    pub ready: String,
    /// Liveness: a path to get
    #[arg(long, value_name = "PATH")]
    pub live: Option<String>,
    /// A path for load balancers that poll: it fails as soon as the program terminates
    #[arg(long, value_name = "PATH")]
    pub health: Option<String>,
    /// A path whose POST, by a command in the pod (`exec`), is the preStop hook: it answers when the
    /// lame duck is over
    #[arg(long, value_name = "PATH", conflicts_with = "prestop_http_get")]
    pub prestop_path: Option<String>,
    /// A path whose GET, by the kubelet (`httpGet`), is the preStop hook. It comes from the node's
    /// address, without credentials
    #[arg(long, value_name = "PATH")]
    pub prestop_http_get: Option<String>,
    /// Where these paths are
    #[arg(long, value_name = "PORT", value_enum, default_value = "admin")]
    pub ready_on: Port,
    /// A variable with which the program must refuse to start, such as a lame duck of an hour
    #[arg(long, value_name = "NAME=VALUE")]
    pub bad_setting: Option<Pair>,
    /// A variable with which the program ends idle connections after a second or two
    #[arg(long, value_name = "NAME=VALUE")]
    pub short_keep_alive: Option<Pair>,
    /// Only these cases
    #[arg(long, value_name = "CASE,…", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Lists the cases, and runs nothing
    #[arg(long)]
    pub list: bool,
    /// A Markdown table in place of text
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// One Markdown table of several results that --json has written; runs nothing
    #[arg(long, value_name = "FILE,…", value_delimiter = ',', conflicts_with_all = ["service", "program", "list"])]
    pub merge: Vec<PathBuf>,
    /// Cases at a time [default: 4 for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: Option<u16>,
    /// The program and its arguments
    #[arg(last = true, value_name = "PROGRAM")]
    pub program: Vec<String>,
    /// What the program is told by its environment.
    #[command(flatten)]
    pub environment: Environment,
    /// Where the bundled programs are.
    #[command(flatten)]
    pub programs: Programs,
    /// How the result is shown.
    #[command(flatten)]
    pub output: Output,
}

impl Conform {
    /// What the main port speaks HTTP over.
    pub fn transport(&self) -> Transport {
        match self.tls {
            true => Transport::Tls,
            false => Transport::Clear,
        }
    }
}

/// What is known of a bundled program, and cannot be given again.
const KNOWN_OF_BUNDLED: [&str; 22] = [
    "program",
    "signal",
    "lame_duck",
    "deadline",
    "path",
    "slow",
    "slow_takes",
    "download",
    "download_bytes",
    "upload",
    "events",
    "websocket",
    "http2",
    "ready",
    "live",
    "health",
    "prestop_path",
    "prestop_http_get",
    "ready_on",
    "bad_setting",
    "short_keep_alive",
    "merge",
];

/// The bundled programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bundled {
    /// The service that greets
    Hello,
    /// The service that takes its time
    Slow,
    /// The service that streams
    Streaming,
    /// Their routes on plain actix-web
    Control,
}

/// The signals that tell a program to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "they are the signals of these names")]
pub enum TerminationSignal {
    Term,
    Int,
    Quit,
    Hup,
    Usr1,
    Usr2,
}

impl From<TerminationSignal> for Signal {
    fn from(signal: TerminationSignal) -> Self {
        match signal {
            TerminationSignal::Term => Self::SIGTERM,
            TerminationSignal::Int => Self::SIGINT,
            TerminationSignal::Quit => Self::SIGQUIT,
            TerminationSignal::Hup => Self::SIGHUP,
            TerminationSignal::Usr1 => Self::SIGUSR1,
            TerminationSignal::Usr2 => Self::SIGUSR2,
        }
    }
}
