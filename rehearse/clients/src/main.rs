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

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use arm::Arm;
use client::Kind;
use report::Verdict;

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
    #[arg(long, value_name = "N", default_value = "1")]
    replicas: NonZeroUsize,
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
#[derive(Clone, Copy, Debug, PartialEq)]
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
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            // Nothing is left to be done about a terminal that is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match run(&options) {
        Ok(Verdict::Pass) => ExitCode::SUCCESS,
        Ok(Verdict::Fail) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("real-clients: {error:#}");
            ExitCode::from(71)
        }
    }
}

fn run(options: &Options) -> anyhow::Result<Verdict> {
    let kinds = Kind::chosen(&options.clients, &options.tools)?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let mut columns = Vec::new();
    for arm in &options.arms {
        columns.push(rehearsal::rehearse(options, arm, &kinds, seed)?);
    }
    report::print(options, &kinds, &columns, seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Options::command().debug_assert();
    }

    #[test]
    fn a_span_is_two_times_in_their_order() {
        assert_eq!(
            span("0s..2s").unwrap(),
            Span(Duration::ZERO, Duration::from_secs(2))
        );
        for wrong in ["2s", "2s..1s", "2..3", "..", "1s..x"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_drawn_is_within_the_span() {
        let span = span("200ms..1400ms").unwrap();
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..1000 {
            let drawn = span.draw(&mut random);
            assert!((span.0..=span.1).contains(&drawn), "{drawn:?}");
        }
    }
}
