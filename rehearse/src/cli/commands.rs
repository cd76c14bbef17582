//! The commands, and what each of them alone takes.

use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::clients::Mix;
use super::options::{DEPLOYMENT, Hooks, Rehearsal, RollingUpdate, Updates};
use super::run::Run;
use super::scenario_file::{FromFile, ScenarioPath};
use super::values::{number, time};
use crate::bench::Bench;
use crate::conform::Conform;
use crate::lint::Lint;
use rehearse_cluster::Cluster;

/// Rehearse rolling updates: real service processes, a model of Kubernetes, a strict client.
///
/// Without a command: the demonstration, some 80 seconds, two scenarios. Three arms run at the same
/// time: the control (plain actix-web), the usual practice (the control after preStop: sleep 5),
/// and the service. Options of a command stand behind it: see rehearse COMMAND --help.
#[derive(Debug, Parser)]
#[command(name = "rehearse", version, after_help = EXIT_CODES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// What to rehearse.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What the demonstration takes.
    #[command(flatten)]
    pub demonstration: Demonstration,
    /// What came from a scenario file.
    #[arg(skip)]
    pub from_file: FromFile,
}

const EXIT_CODES: &str = "\
Exit codes: 0 nothing lost; 1 the service lost something, or fails for another reason that the verdict
names; 2 nothing was shown, because the control lost nothing either or did not take part; 64 bad usage;
69 build or start-up failed; 130 interrupted: figures so far, and no verdict.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rolling updates of a bundled service, back to back
    #[command(after_help = EXIT_CODES)]
    Rollout(Box<Rollout>),
    /// Scale a bundled service at once
    #[command(after_help = EXIT_CODES)]
    Scale(Box<Scale>),
    /// Delete a pod of a bundled service; its replacement takes a while to become ready
    #[command(after_help = EXIT_CODES)]
    Delete(Box<Delete>),
    /// Rolling updates of any program, in the service's place
    ///
    /// The program learns where to listen from HOST, PORT and ADMIN_PORT in its environment, or
    /// from {host}, {port} and {admin} in its arguments; each pod has a loopback address of its
    /// own. For example: rehearse run -- python3 -m http.server --bind {host} {port}
    ///
    /// Clients get --path. With --post-path, --upload-path, --download-path, --events-path and
    /// --websocket-path the program has clients of those kinds, too.
    ///
    /// A Lastcall service runs as it is, with --ready /readyz --prestop "PROGRAM prestop".
    #[command(after_help = EXIT_CODES)]
    Run(Box<Run>),
    /// A Deployment on a real cluster, through kubectl
    ///
    /// The strict load on any Deployment that serves HTTP, beside a control that is a copy of it with
    /// another image, while kubectl updates, scales, deletes and evicts. A watch sees how pods end, and
    /// collects drain reports from their termination messages, which say whether drain.min fits the
    /// cluster. What is changed is taken back at the end, and on Ctrl+C. For example:
    /// rehearse cluster --context C --deployment orders --control-image IMAGE --only rollouts,evict
    ///
    /// A node is drained only with --allow node-drain: that evicts everything that runs there.
    Cluster(Box<Cluster>),
    /// How any program shuts down, held to the standards and to our conventions
    ///
    /// Each case starts the program anew, makes one observation on raw sockets, and belongs to a
    /// requirement that is MUST, SHOULD (each with the sentence of its source) or convention; cases of
    /// one requirement weigh as one. The program learns where to listen as with `run`. A case whose
    /// route or promise is not given is not applicable, and says which option would apply it. For
    /// example: rehearse conform --slow '/sleep?ms={ms}' -- ./my-server --listen '{host}:{port}'
    ///
    /// Exit codes: 0 every applicable case passed; 1 a case failed; 2 none failed, but a case was
    /// inconclusive, because this machine was measured to be too slow, or none was applicable; 130
    /// interrupted: the findings so far, and no verdict.
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
    ///
    /// Ctrl+C ends it with the figures so far, and exit code 130.
    Bench(Bench),
}

/// `rehearse` without a command.
#[derive(Debug, Args)]
#[allow(missing_docs, reason = "they are groups of options")]
pub struct Demonstration {
    #[command(flatten)]
    pub hooks: Hooks,
    #[command(flatten)]
    pub rolling: RollingUpdate,
    #[command(flatten)]
    pub rehearsal: Rehearsal,
}

/// `rehearse rollout`.
#[derive(Debug, Args)]
#[allow(missing_docs, reason = "the options' help says it")]
pub struct Rollout {
    #[command(flatten)]
    pub mix: Mix,
    /// Replicas [default: hello 6, slow 10, streaming 4]
    #[arg(long, help_heading = DEPLOYMENT, value_name = "N", value_parser = number)]
    pub replicas: Option<usize>,
    #[command(flatten)]
    pub updates: Updates,
    #[command(flatten)]
    pub rolling: RollingUpdate,
    #[command(flatten)]
    pub hooks: Hooks,
    #[command(flatten)]
    pub rehearsal: Rehearsal,
    #[command(flatten)]
    pub scenario: ScenarioPath,
}

/// `rehearse scale`.
#[derive(Debug, Args)]
#[allow(missing_docs, reason = "the options' help says it")]
pub struct Scale {
    #[command(flatten)]
    pub mix: Mix,
    /// Replicas before
    #[arg(long, help_heading = DEPLOYMENT, value_name = "N", value_parser = number, default_value = "20")]
    pub from: usize,
    /// Replicas after
    #[arg(long, help_heading = DEPLOYMENT, value_name = "N", value_parser = number, default_value = "1")]
    pub to: usize,
    /// How long the load goes on once all has settled, and half as long before the scaling. A table says
    /// how the requests of kept connections were spread over the replicas: then, and in the second half
    #[arg(long, help_heading = DEPLOYMENT, value_name = "TIME", value_parser = time, default_value = "0s")]
    pub hold: Duration,
    #[command(flatten)]
    pub hooks: Hooks,
    #[command(flatten)]
    pub rehearsal: Rehearsal,
    #[command(flatten)]
    pub scenario: ScenarioPath,
}

/// `rehearse delete`.
#[derive(Debug, Args)]
#[allow(missing_docs, reason = "the options' help says it")]
pub struct Delete {
    #[command(flatten)]
    pub mix: Mix,
    /// Replicas
    #[arg(long, help_heading = DEPLOYMENT, value_name = "N", value_parser = number, default_value = "1")]
    pub replicas: usize,
    /// How many deletions, one after the other
    #[arg(long, help_heading = DEPLOYMENT, value_name = "N", value_parser = number, default_value = "1")]
    pub deletions: usize,
    /// From a deletion until the replacement is ready
    #[arg(long, help_heading = DEPLOYMENT, value_name = "TIME", value_parser = time, default_value = "5s")]
    pub replacement_delay: Duration,
    #[command(flatten)]
    pub hooks: Hooks,
    #[command(flatten)]
    pub rehearsal: Rehearsal,
    #[command(flatten)]
    pub scenario: ScenarioPath,
}

/// The bundled services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "they are the services of these names")]
pub enum Service {
    Hello,
    Slow,
    Streaming,
}

impl Cli {
    /// What a rehearsal on this machine was told; `None` for every other command.
    pub fn rehearsal(&self) -> Option<&Rehearsal> {
        match &self.command {
            None => Some(&self.demonstration.rehearsal),
            Some(Command::Rollout(rollout)) => Some(&rollout.rehearsal),
            Some(Command::Scale(scale)) => Some(&scale.rehearsal),
            Some(Command::Delete(delete)) => Some(&delete.rehearsal),
            Some(Command::Run(run)) => Some(&run.rehearsal),
            Some(_) => None,
        }
    }

    /// The scenario file, if one was named.
    pub(super) fn scenario(&self) -> Option<&ScenarioPath> {
        match self.command.as_ref()? {
            Command::Rollout(rollout) => Some(&rollout.scenario),
            Command::Scale(scale) => Some(&scale.scenario),
            Command::Delete(delete) => Some(&delete.scenario),
            Command::Run(run) => Some(&run.scenario),
            _ => None,
        }
    }
}
