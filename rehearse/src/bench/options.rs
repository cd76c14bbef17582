//! The command line of `bench`.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, value_parser};
use serde::Serialize;

use crate::cli::{Output, Programs};
use rehearse_generator::Protocol;

/// What to measure, and for how long.
#[derive(Debug, Args)]
pub struct Bench {
    /// Rounds of throughput; in each, both arms take their turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u32).range(1..=1_000))]
    pub rounds: u32,
    /// How long a turn lasts, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub seconds: Duration,
    /// What the arms are asked by
    #[arg(
        long,
        value_name = "PROTOCOL,…",
        value_enum,
        value_delimiter = ',',
        default_value = "http1,http2"
    )]
    pub protocol: Vec<Protocol>,
    /// Keep-alive connections, each with one request at a time; with HTTP/2, 8 streams in place of
    /// 8 connections
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = value_parser!(u32).range(1..=1_000))]
    pub connections: u32,
    /// The two request counts whose difference is taken
    #[arg(long, value_name = "A,B", default_value = "1000,5000")]
    pub requests: Counts,
    /// Leave out the profile that ships, whose build takes minutes
    #[arg(long)]
    pub skip_image: bool,
    /// No throughput; without valgrind: exit 69
    #[arg(long)]
    pub instructions_only: bool,
    /// Where the bundled programs are.
    #[command(flatten)]
    pub programs: Programs,
    /// How the result is shown.
    #[command(flatten)]
    pub output: Output,
}

/// A smaller and a larger number of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The smaller one, at least 1.
    pub few: u32,
    /// The larger one.
    pub many: u32,
}

impl FromStr for Counts {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let counts = text
            .split_once(',')
            .and_then(|(few, many)| Some((few.trim().parse().ok()?, many.trim().parse().ok()?)));
        match counts {
            Some((few, many)) if 0 < few && few < many && many <= 1_000_000 => {
                Ok(Self { few, many })
            }
            _ => Err("must be two numbers, the smaller first, from 1 to 1000000"),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().filter(|s| (0.1..=600.0).contains(s));
    let seconds = seconds.ok_or("must be 0.1 to 600");
    seconds.map(Duration::from_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn parsed(args: &str) -> Result<Bench, String> {
        let args = format!("rehearse {args}");
        let cli = cli::parse(args.split(' ').map(str::to_owned)).map_err(|e| e.to_string())?;
        match cli.command {
            Some(cli::Command::Bench(bench)) => Ok(bench),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_defaults_are_five_rounds_of_three_seconds() {
        let bench = parsed("bench").unwrap();
        assert_eq!((bench.rounds, bench.connections), (5, 32));
        assert_eq!(bench.seconds, Duration::from_secs(3));
        assert_eq!(bench.protocol, [Protocol::Http1, Protocol::Http2]);
        assert_eq!((bench.requests.few, bench.requests.many), (1_000, 5_000));
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let bad = [
            "--rounds 0",
            "--seconds 0",
            "--seconds NaN",
            "--connections 1001",
            "--protocol http3",
        ];
        let bad = bad
            .into_iter()
            .chain(["--requests 5", "--requests 5,5", "--requests 0,5"]);
        for args in bad {
            let error = parsed(&format!("bench {args}")).unwrap_err();
            assert!(error.contains(args.split_once(' ').unwrap().0), "{error}");
        }
    }

    #[test]
    fn options_of_rehearsals_are_refused_on_either_side_and_not_in_the_help() {
        for args in ["bench --seed 1", "--seed 1 bench", "bench --no-prestop"] {
            assert!(parsed(args).is_err(), "{args}");
        }
        assert!(parsed("bench --json --quiet --bin-dir x").is_ok());
        let help = parsed("bench --help").unwrap_err();
        assert!(
            help.contains("--bin-dir") && !help.contains("--propagation"),
            "{help}"
        );
    }
}
