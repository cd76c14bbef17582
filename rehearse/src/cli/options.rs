//! Options that several commands take, in groups.

use std::time::Duration;

use clap::Args;

use super::values::{Bound, Pair, delay, number, time};
use crate::scenario::Transport;
use rehearse_arm::ArmName;
use rehearse_model::propagation::Propagation;
use rehearse_report::Limits;
use rehearse_report::options::{CLUSTER, Files, Output, Programs, Seed};

/// Headings in the help.
pub(super) const DEPLOYMENT: &str = "Deployment";

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
        default_value = "150ms,1s,2900ms"
    )]
    pub propagation: Propagation,
    /// Put a network between clients and services on which each packet takes so long, one way (Linux
    /// and root only) [default: the loopback device, on which to send is to deliver]
    #[arg(long, help_heading = CLUSTER, value_name = "TIME", value_parser = delay)]
    pub network_delay: Option<Duration>,
    /// Speak TLS: HTTP/1.1 and HTTP/2 by ALPN. Programs find a certificate by the settings
    /// http.tls.certificate and http.tls.key; it is made for the run, and exchanged in the middle of it
    #[arg(long, help_heading = CLUSTER)]
    pub tls: bool,
    #[command(flatten)]
    pub seed: Seed,
    #[command(flatten)]
    pub limits: Limits,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub programs: Programs,
    #[command(flatten)]
    pub output: Output,
}

impl Rehearsal {
    /// What HTTP is spoken over.
    pub fn transport(&self) -> Transport {
        match self.tls {
            true => Transport::Tls,
            false => Transport::Clear,
        }
    }
}
