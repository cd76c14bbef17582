//! The command line of `cluster`.

use std::net::IpAddr;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, value_parser};

use super::plan;
use super::scenario::Scenario;
use crate::cli::{Output, Seed};
use rehearse_client::Think;

/// What to rehearse, where, and under which load.
#[derive(Debug, Args)]
pub struct Cluster {
    /// Only these scenarios, in this order [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = scenarios())]
    pub(super) only: Vec<Scenario>,
    /// Where the Deployments are
    #[arg(long, value_name = "NAME", default_value = "lastcall")]
    pub namespace: String,
    /// The context of kubectl [default: the current one]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The control's image, as the cluster's nodes pull it
    #[arg(
        long,
        value_name = "IMAGE",
        env = "LASTCALL_CONTROL_IMAGE",
        required_unless_present = "no_control"
    )]
    pub control_image: Option<String>,
    /// Without the control; then there is no proof
    #[arg(long, conflicts_with = "control_image")]
    pub no_control: bool,
    /// Send to this address [default: on Linux the nodes' own, elsewhere 127.0.0.1]
    #[arg(long, value_name = "IP")]
    pub address: Option<IpAddr>,
    /// Keep-alive clients of each arm
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = value_parser!(u32).range(1..=2_000))]
    pub clients: u32,
    /// From a response to the next request of a keep-alive client, in the forms of `rollout`
    #[arg(long, value_name = "THINK", default_value = "300ms")]
    pub think: Think,
    /// More keep-alive clients of each arm, which think for longer
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = value_parser!(u32).range(0..=2_000))]
    pub slow_clients: u32,
    /// Their pause
    #[arg(long, value_name = "THINK", default_value = "log-uniform:10ms..20s")]
    pub slow_think: Think,
    /// New connections a second to each arm, with one request each: at most 300
    ///
    /// A node remembers each for two minutes; with more, it drops and the figures blame the
    /// service.
    #[arg(long, value_name = "N", default_value_t = 50,
        value_parser = value_parser!(u32).range(1..=300))]
    pub rate: u32,
    /// From a request's start to its complete response; later is a failure
    #[arg(long, value_name = "TIME", default_value = "30s",
        value_parser = humantime::parse_duration)]
    pub timeout: Duration,
    /// For how long clients do not see that the server has ended a connection, and send all the same
    #[arg(long, value_name = "TIME", default_value = "10ms",
        value_parser = humantime::parse_duration)]
    pub rtt: Duration,
    /// What decides the chances of a run.
    #[command(flatten)]
    pub seed: Seed,
    /// How the result is shown.
    #[command(flatten)]
    pub output: Output,
}

fn scenarios() -> impl TypedValueParser<Value = Scenario> {
    let possible = |s: Scenario| PossibleValue::new(s.name).help(s.to_string());
    PossibleValuesParser::new(plan::ALL.map(possible))
        .map(|name| plan::named(&name).expect("a possible value is a scenario's name"))
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
