//! The command line of `cluster`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum, value_parser};
use tokio::net::lookup_host;

use super::scenario::Scenario;
use super::scenarios;
use rehearse_client::Think;
use rehearse_report::Limits;
use rehearse_report::options::{Files, Output, Seed};

/// What to rehearse, where, and under which load.
#[derive(Debug, Args)]
pub struct Cluster {
    /// The context of kubectl, by its name: the current one is never taken
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The same scenarios and clients under the model of Kubernetes, on this machine: no cluster is
    /// needed, and the services are those of this repository
    #[arg(long, conflicts_with_all = ["context", "deployment", "control_image", "address", "allow"])]
    pub model: bool,
    /// Where the Deployment is
    #[arg(long, value_name = "NAME", default_value = "lastcall")]
    pub namespace: String,
    /// The Deployment, any that serves HTTP [default: hello, slow and streaming, one after the other]
    ///
    /// It is scaled, updated and given another image meanwhile, and is as before afterwards. No
    /// autoscaler may work against that.
    #[arg(long, value_name = "NAME")]
    pub deployment: Option<String>,
    /// Where it is reached from here: http://HOST[:PORT][/TARGET] [default: a NodePort of its Service;
    /// if it has none, a Service of our own is made for the run]
    ///
    /// What stands in between (a proxy, a load balancer) can hide failures, or add some; the control
    /// has a NodePort in any case.
    #[arg(long, value_name = "URL", requires = "deployment")]
    pub(super) url: Option<Url>,
    /// What clients get [default: / of a Deployment that is not ours]
    #[arg(long, value_name = "TARGET", requires = "deployment", conflicts_with = "url",
        value_parser = target)]
    pub(super) path: Option<String>,
    /// Only these scenarios, in this order [default: all that are for the Deployment]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = scenarios())]
    pub(super) only: Vec<Scenario>,
    /// Replicas, in scenarios that have more than one [default: as the scenario says]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(2..=200))]
    pub replicas: Option<u32>,
    /// What is done only if it is asked for
    #[arg(long, value_name = "WHAT,…", value_delimiter = ',', value_enum)]
    pub(super) allow: Vec<Permission>,
    /// The control's image, as the cluster's nodes pull it
    #[arg(
        long,
        value_name = "IMAGE",
        env = "LASTCALL_CONTROL_IMAGE",
        required_unless_present_any = ["no_control", "model"]
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
    /// What it writes.
    #[command(flatten)]
    pub files: Files,
    /// Take the bundled programs from this folder, and build nothing
    #[arg(long, value_name = "DIR", requires = "model")]
    pub bin_dir: Option<PathBuf>,
    /// What is demanded of the service.
    #[command(flatten)]
    pub limits: Limits,
    /// What decides the chances of a run.
    #[command(flatten)]
    pub seed: Seed,
    /// How the result is shown.
    #[command(flatten)]
    pub output: Output,
}

/// What reaches beyond the Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Permission {
    /// kubectl drain of a node, which evicts whatever runs there (the scenario drain-node)
    NodeDrain,
}

/// Where a Deployment is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// As it was written.
    authority: String,
    /// With its port.
    host: String,
    target: String,
}

impl Url {
    /// What is asked for there.
    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// Who is asked: its host as it was written, by which a proxy chooses.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Its address: the first, if its name has several.
    ///
    /// # Errors
    /// If its name has none.
    pub(super) async fn address(&self) -> anyhow::Result<SocketAddr> {
        let found = lookup_host(&self.host).await;
        let mut found = found.with_context(|| format!("--url: {}", self.host))?;
        let first = found.next();
        first.with_context(|| format!("--url: {} has no address", self.host))
    }
}

impl FromStr for Url {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be http://HOST[:PORT][/TARGET]";
        let rest = text.strip_prefix("http://").ok_or(FORM)?;
        let end = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        if host.is_empty() || host.contains(['@', '?', '#']) || host.contains(char::is_whitespace) {
            return Err(FORM);
        }
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let port = if has_port { "" } else { ":80" };
        Ok(Self {
            authority: host.to_owned(),
            host: format!("{host}{port}"),
            target: target(if path.is_empty() { "/" } else { path })?,
        })
    }
}

fn target(text: &str) -> Result<String, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
    match text.starts_with('/') && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("must begin with / and have no blanks"),
    }
}

fn scenarios() -> impl TypedValueParser<Value = Scenario> {
    let help = |s: Scenario| format!("{}: {s}", s.service.name());
    let possible = move |s: Scenario| PossibleValue::new(s.name).help(help(s));
    PossibleValuesParser::new(scenarios::ALL.map(possible))
        .map(|name| scenarios::named(&name).expect("a possible value is a scenario's name"))
}

#[cfg(test)]
#[path = "options_tests.rs"]
pub(crate) mod tests;
