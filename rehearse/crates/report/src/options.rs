//! Options of every command that reports, and the values that they take.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Headings in the help.
pub const CLUSTER: &str = "Cluster";
/// Where files are written and read.
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
    pub fn progress(self, line: impl std::fmt::Display) {
        if !self.quiet {
            eprintln!("{line}");
        }
    }

    /// Shows a part of the result, unless that is to be JSON.
    pub fn text(self, section: impl std::fmt::Display) {
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

/// What decides the chances of a run.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = CLUSTER)]
pub struct Seed {
    /// Repeats a run's delays and schedules [default: random, and reported]
    #[arg(long, value_name = "N", value_parser = count)]
    pub seed: Option<u64>,
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

/// A number of things, by any size.
///
/// # Errors
/// What is allowed.
pub fn count(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "must be a whole number")
}

/// A duration.
///
/// # Errors
/// What is allowed.
pub fn time(text: &str) -> Result<Duration, &'static str> {
    humantime::parse_duration(text).map_err(|_| "must be a time such as 500ms, 30s or 2m")
}
