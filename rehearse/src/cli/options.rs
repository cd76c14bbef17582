//! Arguments as they are given. What they mean is decided in [`super::plan`].

use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::rehearsal::{Files, LimitArgs};
use super::unused;
use super::values::{Bound, Pair, delay};
use crate::bench::Bench;
use crate::cluster::Cluster;
use crate::conform::Conform;
use crate::lint::Lint;
use crate::scenario::ArmName;
use rehearse_client::{Method, Think};
use rehearse_model::propagation::Propagation;

/// Rehearse rolling updates: real service processes, a model of Kubernetes, a strict client.
///
/// Without a command: the demonstration, some 80 seconds, two scenarios. Three arms run at the same
/// time: the control (plain actix-web), the usual practice (the control after preStop: sleep 5),
/// and the service.
#[derive(Debug, Parser)]
#[command(name = "rehearse", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to rehearse.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What holds for every command.
    #[command(flatten)]
    pub common: Common,
    /// What a rehearsal writes, if it stands before the command or there is none.
    #[command(flatten)]
    pub files: Files,
    /// What is demanded of the service, likewise.
    #[command(flatten)]
    pub limit_args: LimitArgs,
}

const EXIT_CODES: &str = "\
Exit codes: 0 nothing lost; 1 the service lost something, or fails for another reason that the verdict
names; 2 nothing was shown, because the control lost nothing either or did not take part; 64 bad usage;
69 build or start-up failed; 130 interrupted.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rolling updates of a bundled service, back to back
    Rollout(Rollout),
    /// Scale a bundled service at once
    Scale(Scale),
    /// Delete a pod of a bundled service; its replacement takes a while to become ready
    Delete(Delete),
    /// Rolling updates of any program, in the service's place
    ///
    /// The program learns where to listen from HOST, PORT and ADMIN_PORT in its environment, or
    /// from {host}, {port} and {admin} in its arguments; each pod has a loopback address of its
    /// own. For example: rehearse run -- python3 -m http.server --bind {host} {port}
    ///
    /// A Lastcall service runs as it is, with --ready /readyz --prestop "PROGRAM prestop".
    Run(Run),
    /// A Deployment on a real cluster, through kubectl
    ///
    /// The strict load on any Deployment that serves HTTP, beside a control that is a copy of it with
    /// another image, while kubectl updates, scales, deletes and evicts. A watch sees how pods end, and
    /// collects drain reports from their termination messages, which say whether drain.min fits the
    /// cluster. What is changed is taken back at the end, and on Ctrl+C. For example:
    /// rehearse cluster --context C --deployment orders --control-image IMAGE --only rollouts,evict
    ///
    /// A node is drained only with --allow node-drain: that evicts everything that runs there.
    Cluster(Cluster),
    /// How any program shuts down, held to the standards and to our conventions
    ///
    /// Each case starts the program anew, makes one observation on raw sockets, and belongs to a
    /// requirement that is MUST, SHOULD (each with the sentence of its source) or convention; cases of
    /// one requirement weigh as one. The program learns where to listen as with `run`. A case whose
    /// route or promise is not given is not applicable, and says which option would apply it. For
    /// example: rehearse conform --slow '/sleep?ms={ms}' -- ./my-server --listen '{host}:{port}'
    ///
    /// Exit codes: 0 every applicable case passed; 1 a case failed; 2 none failed, but a case was
    /// inconclusive, because this machine was measured to be too slow, or none was applicable.
    Conform(Box<Conform>),
    /// Manifests, held against each other and against the services' own settings
    ///
    /// Fails where the grace period and the settings do not fit, a probe points at a wrong port or
    /// path, an image is not pinned, or a container is not restricted.
    Lint(Lint),
    /// What the runtime costs: hello against plain actix-web, no rehearsal
    ///
    /// By HTTP/1.1, and by HTTP/2 against actix's own dispatcher. Two figures of each, each a ratio
    /// to the control beside its goal. A miss is no failure, because
    /// machines are shared. Throughput: both arms take turns under a closed loop. Instructions per
    /// request: callgrind's counts of two runs, subtracted, so that start-up and noise cancel out.
    Bench(Bench),
}

/// What holds for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
#[allow(missing_docs, reason = "the options' help says it")]
pub struct Common {
    /// One JSON document on standard output; everything else goes to standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Repeats a run's delays and schedules [default: random, and reported]
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Take the services from this folder, and build nothing
    #[arg(long, global = true, value_name = "DIR")]
    pub bin_dir: Option<PathBuf>,
    /// Which arms to run; without control there is no proof
    #[arg(
        long,
        global = true,
        value_name = "ARM,…",
        value_enum,
        value_delimiter = ',',
        default_value = "control,usual,service"
    )]
    pub arms: Vec<ArmName>,
    /// terminationGracePeriodSeconds of all pods, told to the service as grace_period
    #[arg(long, global = true, value_name = "TIME", default_value = "30s",
        value_parser = humantime::parse_duration)]
    pub grace_period: Duration,
    /// How late nodes learn of changes: median,p95,max
    #[arg(
        long,
        global = true,
        value_name = "T,T,T",
        default_value = "500ms,1100ms,1400ms"
    )]
    pub propagation: Propagation,
    /// Put a network between clients and services on which each packet takes so long, one way (Linux
    /// and root only) [default: the loopback device, on which to send is to deliver]
    #[arg(long, global = true, value_name = "TIME", value_parser = delay)]
    pub network_delay: Option<Duration>,
    /// maxSurge: a number of pods, or a percentage, rounded up
    #[arg(long, global = true, value_name = "N|P%", default_value = "25%")]
    pub max_surge: Bound,
    /// maxUnavailable: a number of pods, or a percentage, rounded down
    #[arg(long, global = true, value_name = "N|P%", default_value = "25%")]
    pub max_unavailable: Bound,
    /// A setting for the pods, such as drain.min=8s or service.delay=200ms
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<Pair>,
    /// A variable for the service's pods alone
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub env: Vec<Pair>,
    /// The service gets no preStop hook, only SIGTERM
    #[arg(long, global = true)]
    pub no_prestop: bool,
}

#[derive(Debug, Args)]
pub struct Clients {
    /// Keep-alive clients [default: hello 200, slow 100, streaming 50]
    #[arg(long, value_name = "N")]
    pub clients: Option<usize>,
    /// From a response to the next request of a keep-alive client, or the next message of a
    /// WebSocket: a time (give or take a tenth), uniform:2s..20s, log-uniform:10ms..20s, or
    /// exponential:5s (its mean)
    #[arg(long, value_name = "THINK", default_value = "300ms")]
    pub think: Think,
    /// More keep-alive clients, which think for longer [default: hello 100, others 20]
    #[arg(long, value_name = "N")]
    pub slow_clients: Option<usize>,
    /// Their pause, in the forms of --think
    #[arg(long, value_name = "THINK", default_value = "log-uniform:10ms..20s")]
    pub slow_think: Think,
    /// How both kinds of keep-alive clients ask (POST with hello only)
    #[arg(long, value_enum, ignore_case = true, default_value = "GET")]
    pub method: Method,
    /// New connections a second, with one request each [default: hello 100, others 20]
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,
    /// HTTP/2 clients, by prior knowledge, each with one connection [default: streaming 5, others 0]
    #[arg(long, value_name = "N")]
    pub h2: Option<usize>,
    /// Streams of each HTTP/2 client, with a request every 2s; on streaming, every fourth reads slowly
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub streams: usize,
    /// From a request's start to its complete response; later is a failure
    #[arg(long, value_name = "TIME", default_value = "30s",
        value_parser = humantime::parse_duration)]
    pub timeout: Duration,
    /// The round trip of the clients' network: for so long they do not see that the server has
    /// ended a connection (FIN, GOAWAY, Close), and send all the same; at most 1s [default: 10ms; 0s
    /// with --network-delay, where the network itself takes its time]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub rtt: Option<Duration>,
}

#[derive(Debug, Args)]
pub struct Mix {
    /// Which service
    #[arg(long, value_enum, default_value = "hello")]
    pub service: Service,
    #[command(flatten)]
    pub clients: Clients,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub limit_args: LimitArgs,
    /// Clients that send slow bodies (slow and streaming only) [default: slow 20, streaming 10]
    #[arg(long, value_name = "N")]
    pub uploads: Option<usize>,
    /// Clients that read long responses slowly (streaming only) [default: 10]
    #[arg(long, value_name = "N")]
    pub downloads: Option<usize>,
    /// Clients that follow an event stream (streaming only) [default: 50]
    #[arg(long, value_name = "N")]
    pub event_streams: Option<usize>,
    /// Clients that talk on WebSockets (streaming only) [default: 20]
    #[arg(long, value_name = "N")]
    pub websockets: Option<usize>,
}

#[derive(Debug, Args)]
pub struct Rollout {
    #[command(flatten)]
    pub mix: Mix,
    /// Replicas [default: hello 6, slow 10, streaming 4]
    #[arg(long, value_name = "N")]
    pub replicas: Option<usize>,
    /// How many rolling updates
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub rollouts: usize,
    /// From the end of a rolling update to the beginning of the next
    #[arg(long, value_name = "TIME", default_value = "0s",
        value_parser = humantime::parse_duration)]
    pub pause: Duration,
}

#[derive(Debug, Args)]
pub struct Scale {
    #[command(flatten)]
    pub mix: Mix,
    /// Replicas before
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub from: usize,
    /// Replicas after
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub to: usize,
}

#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    pub mix: Mix,
    /// Replicas
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub replicas: usize,
    /// How many deletions, one after the other
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub deletions: usize,
    /// From a deletion until the replacement is ready
    #[arg(long, value_name = "TIME", default_value = "5s",
        value_parser = humantime::parse_duration)]
    pub replacement_delay: Duration,
}

#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub clients: Clients,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub limit_args: LimitArgs,
    /// Replicas
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub replicas: usize,
    /// How many rolling updates
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub rollouts: usize,
    /// From the end of a rolling update to the beginning of the next
    #[arg(long, value_name = "TIME", default_value = "0s",
        value_parser = humantime::parse_duration)]
    pub pause: Duration,
    /// What clients get; the answer must be 200 and complete
    #[arg(long, value_name = "TARGET", default_value = "/")]
    pub path: String,
    /// Readiness: a path to get, or `tcp` for a connection to the main port
    #[arg(long, value_name = "PATH|tcp", default_value = "tcp")]
    pub ready: String,
    /// Where the readiness path is
    #[arg(long, value_name = "PORT", value_enum, default_value = "admin")]
    pub ready_on: Port,
    /// A preStop hook: `sleep 5`, or a command for sh -c that sees the pod's environment
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_prestop")]
    pub prestop: Option<String>,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub program: Vec<String>,
}

/// The bundled services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    Hello,
    Slow,
    Streaming,
}

/// Which of a pod's two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Port {
    /// Probes and metrics
    Admin,
    /// The public one
    Main,
}

/// Reads the arguments. A call for help or the version is an error that is none.
///
/// # Errors
/// If they cannot be understood.
pub fn parse<I, T>(args: I) -> Result<Cli, clap::Error>
where
    I: IntoIterator<Item = T>,
    T: Into<std::ffi::OsString> + Clone,
{
    let mut command = unused::hide(Cli::command());
    let matches = command.try_get_matches_from_mut(args)?;
    match unused::given(&matches) {
        Some(unused) => Err(command.error(ErrorKind::ArgumentConflict, unused)),
        None => Cli::from_arg_matches(&matches),
    }
}
