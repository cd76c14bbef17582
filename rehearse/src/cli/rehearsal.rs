//! What every rehearsal may be told: which files it writes, and what is demanded of the service. Both
//! may stand before the command and behind it.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::options::{Cli, Command};
use crate::report::Limits;

impl Cli {
    /// What the rehearsal writes, whether that was said before the command or behind it.
    pub fn files(&self) -> Files {
        let (own, _) = self.own();
        Files {
            events: own.events.clone().or_else(|| self.files.events.clone()),
            report: own.report.clone().or_else(|| self.files.report.clone()),
            junit: own.junit.clone().or_else(|| self.files.junit.clone()),
        }
    }

    /// What is demanded of the service, likewise.
    pub fn limits(&self) -> Limits {
        let ((_, own), general) = (self.own(), &self.limit_args);
        Limits {
            failed: own.max_failed.or(general.max_failed).unwrap_or(0),
            p99: own.max_p99.or(general.max_p99),
            longest: own.max_longest.or(general.max_longest),
            unannounced_closes: own
                .max_unannounced_closes
                .or(general.max_unannounced_closes),
        }
    }

    fn own(&self) -> (&Files, &LimitArgs) {
        match &self.command {
            Some(Command::Rollout(rollout)) => (&rollout.mix.files, &rollout.mix.limit_args),
            Some(Command::Scale(scale)) => (&scale.mix.files, &scale.mix.limit_args),
            Some(Command::Delete(delete)) => (&delete.mix.files, &delete.mix.limit_args),
            Some(Command::Cluster(cluster)) => (&cluster.files, &cluster.limit_args),
            Some(Command::Run(run)) => (&run.files, &run.limit_args),
            _ => (&self.files, &self.limit_args),
        }
    }
}

/// What is demanded of the service.
#[derive(Clone, Debug, Default, Args)]
pub struct LimitArgs {
    /// Requests that it may lose [default: 0]
    #[arg(help_heading = FAILS, long, value_name = "N")]
    pub max_failed: Option<u64>,
    /// Within which 99 of 100 complete responses must have come
    #[arg(help_heading = FAILS, long, value_name = "TIME",
        value_parser = humantime::parse_duration)]
    pub max_p99: Option<Duration>,
    /// Within which every complete response must have come [default: 5s beyond the control's longest of the
    /// same kind of client, or the service's own median if that is longer]
    #[arg(help_heading = FAILS, long, value_name = "TIME",
        value_parser = humantime::parse_duration)]
    pub max_longest: Option<Duration>,
    /// Connections that it may end while they are idle without a word before [default: any number, as
    /// long as less than one request is to be expected to be lost so]
    #[arg(help_heading = FAILS, long, value_name = "N")]
    pub max_unannounced_closes: Option<u64>,
}

/// What a rehearsal writes beside its figures.
#[derive(Clone, Debug, Default, Args)]
pub struct Files {
    /// Write the log of events here, as JSON lines (docs/events.md): each request, connection, pod
    /// and endpoint with its times
    #[arg(help_heading = FILES, long = "events", id = FILE_OF_EVENTS, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Write a report as one HTML file: the verdict, the figures, and latencies and failures over time
    /// above the lives of the pods
    #[arg(help_heading = FILES, long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the verdict here as JUnit's XML, for continuous integration: a case for each kind of client
    #[arg(help_heading = FILES, long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Headings in the help.
const FAILS: &str = "What fails the service";
const FILES: &str = "Files";

/// `conform` has an option of the same name.
pub(super) const FILE_OF_EVENTS: &str = "file_of_events";
