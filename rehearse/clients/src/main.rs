//! Replaces a service again and again under real client libraries with their defaults, and counts
//! the requests that they lose. It is to be run in a network namespace of its own, as
//! `scripts/real-clients` does: it adds addresses and rules.

mod arm;
mod balancer;
mod client;
mod envoy;
mod nat;
mod pod;
mod rehearsal;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use arm::Arm;
use client::Kind;

/// Count what real client libraries lose while a service is replaced.
#[derive(Parser)]
struct Options {
    /// What is replaced, one after another: service, control or go, with the seconds that it is
    /// left alone before SIGTERM, as a preStop sleep does
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "service,control,control+5,go+5"
    )]
    arms: Vec<Arm>,
    /// Which clients: a part of their name, e.g. h2 or httpx [default: all]
    #[arg(long, value_delimiter = ',')]
    clients: Vec<String>,
    /// What is between clients and pods
    #[arg(long, value_enum, default_value = "nat")]
    balancer: balancer::Name,
    /// How often a pod is replaced
    #[arg(long, value_name = "N", default_value_t = 20)]
    replacements: u32,
    /// How many pods serve
    #[arg(long, value_name = "N", default_value_t = 1)]
    replicas: usize,
    /// From one replacement to the next
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    every: Duration,
    /// How long after a replacement begins its pod gets no new connection any more
    #[arg(long, value_name = "TIME..TIME", default_value = "200ms..1400ms", value_parser = span)]
    propagation: Span,
    /// How many requests a client may have outstanding
    #[arg(long, value_name = "N", default_value_t = 20)]
    workers: u32,
    /// From an answer to the next request of a worker
    #[arg(long, value_name = "TIME..TIME", default_value = "250ms..750ms", value_parser = span)]
    think: Span,
    /// Requests at once, when a new pod serves, so that a balancer's pool is full
    #[arg(long, value_name = "N", default_value_t = 0)]
    burst: usize,
    /// How long a GET takes
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = time)]
    takes: Duration,
    /// Repeats the propagation of another run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The folder of the service's and the control's binaries
    #[arg(long, value_name = "DIR")]
    bin_dir: PathBuf,
    /// The folder of what was built for this: clients and Go's server
    #[arg(long, value_name = "DIR")]
    tools: PathBuf,
    /// The folder for what the processes print, and the figures as JSON
    #[arg(long, value_name = "DIR")]
    results: PathBuf,
}

/// A shortest and a longest time.
#[derive(Clone, Copy)]
struct Span(Duration, Duration);

impl Span {
    fn draw(self, random: &mut fastrand::Rng) -> Duration {
        let Self(least, most) = self;
        least + (most - least).mul_f64(random.f64())
    }
}

fn time(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

fn span(text: &str) -> Result<Span, String> {
    let (least, most) = text.split_once("..").ok_or("must be TIME..TIME")?;
    let (least, most) = (time(least)?, time(most)?);
    match least <= most {
        true => Ok(Span(least, most)),
        false => Err("must not end before it begins".to_owned()),
    }
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("real-clients: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> anyhow::Result<()> {
    let kinds = Kind::chosen(&options.clients, &options.tools)?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let mut columns = Vec::new();
    for arm in &options.arms {
        columns.push(rehearsal::rehearse(options, arm, &kinds, seed)?);
    }
    report::print(options, &kinds, &columns, seed)
}
