//! Options of the load: how many clients of which kind, and what they do.

use std::time::Duration;

use clap::Args;

use super::commands::Service;
use super::values::{number, time};
use rehearse_client::{Method, Think};

/// The heading in the help.
pub(super) const CLIENTS: &str = "Clients";

/// Clients that any program understands.
#[derive(Debug, Args)]
#[command(next_help_heading = CLIENTS)]
#[allow(missing_docs, reason = "the options' help says it")]
pub struct Clients {
    /// Keep-alive clients [default: hello and run 200, slow 100, streaming 50]
    #[arg(long, value_name = "N", value_parser = number)]
    pub clients: Option<usize>,
    /// From a response to the next request of a keep-alive client, or the next message of a
    /// WebSocket: a time (give or take a tenth), uniform:2s..20s, log-uniform:10ms..20s, or
    /// exponential:5s (its mean)
    #[arg(long, value_name = "THINK", default_value = "300ms")]
    pub think: Think,
    /// More keep-alive clients, which think for longer [default: hello and run 100, others 20]
    #[arg(long, value_name = "N", value_parser = number)]
    pub slow_clients: Option<usize>,
    /// Their pause, in the forms of --think
    #[arg(long, value_name = "THINK", default_value = "log-uniform:10ms..20s")]
    pub slow_think: Think,
    /// New connections a second, with one request each [default: hello and run 100, others 20]
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,
    /// HTTP/2 clients, by prior knowledge, each with one connection [default: streaming 5, others 0]
    #[arg(long, value_name = "N", value_parser = number)]
    pub h2: Option<usize>,
    /// Streams of each HTTP/2 client, with a request every 2s; on streaming, every fourth reads slowly
    #[arg(long, value_name = "N", value_parser = number, default_value = "20")]
    pub streams: usize,
    /// From a request's start to its complete response, and the silence inside a stream; later is a
    /// failure
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "30s")]
    pub timeout: Duration,
    /// The round trip of the clients' network: for so long they do not see that the server has
    /// ended a connection (FIN, GOAWAY, Close), and send all the same; at most 1s [default: 10ms; 0s
    /// with --network-delay, where the network itself takes its time]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub rtt: Option<Duration>,
}

/// A bundled service, and its clients.
#[derive(Debug, Args)]
#[command(next_help_heading = CLIENTS)]
#[allow(missing_docs, reason = "the options' help says it")]
pub struct Mix {
    /// Which service
    #[arg(long, value_enum, default_value = "hello")]
    pub service: Service,
    #[command(flatten)]
    pub clients: Clients,
    /// How both kinds of keep-alive clients ask (POST with hello only)
    #[arg(long, value_enum, ignore_case = true, default_value = "GET")]
    pub method: Method,
    /// Clients that send slow bodies (slow and streaming only) [default: slow 20, streaming 10]
    #[arg(long, value_name = "N", value_parser = number)]
    pub uploads: Option<usize>,
    /// Clients that read long responses slowly (streaming only) [default: 10]
    #[arg(long, value_name = "N", value_parser = number)]
    pub downloads: Option<usize>,
    /// Clients that follow an event stream (streaming only) [default: 50]
    #[arg(long, value_name = "N", value_parser = number)]
    pub event_streams: Option<usize>,
    /// Clients that talk on WebSockets (streaming only) [default: 20]
    #[arg(long, value_name = "N", value_parser = number)]
    pub websockets: Option<usize>,
}
