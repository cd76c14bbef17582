//! Options that several commands take, in groups.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{Bound, Pair, count, delay, number, time};
use crate::report::Limits;
use crate::scenario::ArmName;
use rehearse_model::propagation::Propagation;

/// Headings in the help.
pub(super) const DEPLOYMENT: &str = "Deployment";
const CLUSTER: &str = "Cluster";
const FAILS: &str = "What fails the service";
const FILES: &str = "Files";
const OUTPUT: &str = "Output";

/// How results are shown.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = OUTPUT)]
pub struct Output {
    /// One JSON document on standard output; everything else goes to standard error
    #[arg(long)]
    pub json: bool,
    /// No progress
    #[arg(long, short)]
    pub quiet: bool,
}

impl Output {
    /// Shows a line of progress.
    pub(crate) fn progress(self, line: impl std::fmt::Display) {
        if !self.quiet {
            eprintln!("{line}");
        }
    }

    /// Shows a part of the result, unless that is to be JSON.
    pub(crate) fn text(self, section: impl std::fmt::Display) {
        if !self.json {
            println!("{section}");
        }
    }
}

/// Where the bundled programs are.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = FILES)]
pub struct Programs {
    /// Take the bundled programs from this folder, and build nothing
    #[arg(long, value_name = "DIR")]
    pub bin_dir: Option<PathBuf>,
}

/// What programs are told by their environment.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = DEPLOYMENT)]
pub struct Environment {
    /// A setting for the pods, such as drain.min=8s or service.delay=200ms
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<Pair>,
    /// A variable for the service's pods alone
    #[arg(long, value_name = "NAME=VALUE")]
    pub env: Vec<Pair>,
}

/// What decides the chances of a run.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = CLUSTER)]
pub struct Seed {
    /// Repeats a run's delays and schedules [default: random, and reported]
    #[arg(long, value_name = "N", value_parser = count)]
    pub seed: Option<u64>,
}

/// Rolling updates, one after the other.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = DEPLOYMENT)]
pub struct Updates {
    /// How many rolling updates
    #[arg(long, value_name = "N", value_parser = number, default_value = "5")]
    pub rollouts: usize,
    /// From the end of a rolling update to the beginning of the next
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "0s")]
    pub pause: Duration,
}

/// How far a rolling update may stray from the number of replicas.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = DEPLOYMENT)]
pub struct RollingUpdate {
    /// maxSurge: a number of pods, or a percentage, rounded up
    #[arg(long, value_name = "N|P%", default_value = "25%")]
    pub max_surge: Bound,
    /// maxUnavailable: a number of pods, or a percentage, rounded down
    #[arg(long, value_name = "N|P%", default_value = "25%")]
    pub max_unavailable: Bound,
}

/// The hooks of a bundled service.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = DEPLOYMENT)]
pub struct Hooks {
    /// The service gets no preStop hook, only SIGTERM
    #[arg(long)]
    pub no_prestop: bool,
}

/// What every rehearsal on this machine takes.
#[derive(Clone, Debug, Args)]
#[allow(missing_docs, reason = "the options' help says it")]
pub struct Rehearsal {
    /// terminationGracePeriodSeconds of all pods, told to the service as grace_period
    #[arg(long, help_heading = DEPLOYMENT, value_name = "TIME", value_parser = time,
        default_value = "30s")]
    pub grace_period: Duration,
    #[command(flatten)]
    pub environment: Environment,
    /// Which arms to run; without control there is no proof
    #[arg(
        long,
        help_heading = CLUSTER,
        value_name = "ARM,…",
        value_enum,
        value_delimiter = ',',
        default_value = "control,usual,service"
    )]
    pub arms: Vec<ArmName>,
    /// How late nodes learn of changes: median,p95,max
    #[arg(
        long,
        help_heading = CLUSTER,
        value_name = "T,T,T",
        default_value = "500ms,1100ms,1400ms"
    )]
    pub propagation: Propagation,
    /// Put a network between clients and services on which each packet takes so long, one way (Linux
    /// and root only) [default: the loopback device, on which to send is to deliver]
    #[arg(long, help_heading = CLUSTER, value_name = "TIME", value_parser = delay)]
    pub network_delay: Option<Duration>,
    #[command(flatten)]
    pub seed: Seed,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub programs: Programs,
    #[command(flatten)]
    pub output: Output,
}

/// What is demanded of the service.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = FAILS)]
pub struct LimitArgs {
    /// Requests that it may lose
    #[arg(long, value_name = "N", value_parser = count, default_value = "0")]
    pub max_failed: u64,
    /// Within which 99 of 100 complete responses must have come
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub max_p99: Option<Duration>,
    /// Within which every complete response must have come [default: 5s beyond the control's longest of the
    /// same kind of client, or the service's own median if that is longer]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub max_longest: Option<Duration>,
    /// Connections that it may end while they are idle without a word before [default: any number, as
    /// long as less than one request is to be expected to be lost so]
    #[arg(long, value_name = "N", value_parser = count)]
    pub max_unannounced_closes: Option<u64>,
}

impl From<&LimitArgs> for Limits {
    fn from(args: &LimitArgs) -> Self {
        Self {
            failed: args.max_failed,
            p99: args.max_p99,
            longest: args.max_longest,
            unannounced_closes: args.max_unannounced_closes,
        }
    }
}

/// What a rehearsal writes beside its figures.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = FILES)]
pub struct Files {
    /// Write the log of events here, as JSON lines (docs/events.md): each request, connection, pod
    /// and endpoint with its times
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Write a report as one HTML file: the verdict, the figures, and latencies and failures over time
    /// above the lives of the pods
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the verdict here as JUnit's XML, for continuous integration: a case for each kind of client
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}
