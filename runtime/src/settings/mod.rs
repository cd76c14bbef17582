//! What can be set: defaults, then code, then an optional TOML file, then the environment.

mod author;
mod budget;
mod derive;
mod error;
mod field;
mod levels;
mod load;
mod misspelt;
mod mounted;
mod origin;
mod path;
mod print;
mod rate;
mod required;
mod secret;
mod source;
#[cfg(test)]
mod tests;
mod tree;

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZero;
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::author::Invalid;
pub(crate) use self::author::{Author, Command};
pub(crate) use self::budget::{Budget, BudgetError};
pub(crate) use self::error::SettingsError;
pub(crate) use self::levels::{LEVELS, Levels};
pub(crate) use self::load::Loaded;
#[cfg(test)]
pub(crate) use self::load::load;
pub(crate) use self::origin::Origin;
pub(crate) use self::print::print;
pub(crate) use self::rate::Rate;
pub use self::required::Required;
pub use self::secret::Secret;
pub use self::source::Settings;
use crate::Address;

/// The effective settings of a service whose own ones are `S`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Effective<S> {
    /// The public listener.
    pub(crate) http: Http,
    /// The listener for probes, metrics and preStop.
    pub(crate) admin: Admin,
    /// The pod's `terminationGracePeriodSeconds`; the whole budget follows from it.
    #[serde(with = "field::duration")]
    pub(crate) grace_period: Duration,
    /// The lame duck, and how the streams are told.
    pub(crate) drain: Drain,
    /// How the phases show to the outside.
    pub(crate) lifecycle: Lifecycle,
    /// How readiness checks are asked.
    pub(crate) checks: Checks,
    /// The log on stderr.
    pub(crate) log: Log,
    /// Traces.
    #[cfg(feature = "otlp")]
    pub(crate) telemetry: Telemetry,
    /// The service's own settings.
    pub(crate) service: S,
}

/// `http.*`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Http {
    /// Where the public listener binds. Port 0: any free one.
    #[serde(with = "field::public_address")]
    pub(crate) address: Address,
    /// The certificate that it shows, if it speaks TLS.
    #[cfg(feature = "tls")]
    pub(crate) tls: TlsFiles,
    /// How long a connection may be silent between requests.
    #[serde(with = "field::positive_duration")]
    pub(crate) keep_alive: Duration,
    /// How long a request's head may take from its first byte on.
    #[serde(with = "field::positive_duration")]
    pub(crate) head_timeout: Duration,
    /// How long a request's body may stand still while a handler waits for more of it. The time in
    /// which it does not wait, since it is busy, does not count.
    #[serde(with = "field::positive_duration")]
    pub(crate) body_timeout: Duration,
    /// How quick such a body must be on average, if at all.
    pub(crate) body_rate: Option<Rate>,
    /// How long a handler may take, from its request's head to the end of its response.
    #[serde(with = "field::optional_duration")]
    pub(crate) request_timeout: Option<Duration>,
    /// Whether a client that has sent its FIN still gets its answer.
    pub(crate) half_close: bool,
    /// Where requests have ids from. Not set: as the access log needs them.
    pub(crate) request_id: Option<RequestIds>,
    /// Threads that serve connections.
    #[serde(deserialize_with = "field::whole::<1, 1_024, _>")]
    pub(crate) workers: u32,
    /// Threads for what blocks (`web::block`), of all workers together.
    #[serde(deserialize_with = "field::whole::<1, 65_536, _>")]
    pub(crate) blocking_threads: u32,
    /// Handshakes the kernel completes ahead of us. It silently lowers this to `somaxconn`.
    #[serde(deserialize_with = "field::whole::<1, 65_535, _>")]
    pub(crate) backlog: u32,
    /// Connections open at once, in all workers together.
    #[serde(deserialize_with = "field::whole::<1, 1_000_000, _>")]
    pub(crate) max_connections: u32,
    /// How old a connection may be before its client is told to leave, give or take a tenth.
    #[serde(with = "field::optional_duration")]
    pub(crate) max_connection_age: Option<Duration>,
}

/// `http.tls.*`: files in PEM.
#[cfg(feature = "tls")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key.
    pub(crate) key: Option<PathBuf>,
    /// Who must have signed a client's certificate. Not set: clients need none.
    pub(crate) client_ca: Option<PathBuf>,
}

/// `http.request_id`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RequestIds {
    /// They have none.
    Off,
    /// From their clients, by `x-request-id`; else they are made.
    Take,
    /// They are made, whatever clients say: these are strangers.
    Make,
}

/// `admin.*`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Admin {
    /// Where the admin listener binds. Port 0: any free one.
    #[serde(deserialize_with = "field::address")]
    pub(crate) address: SocketAddr,
}

/// `drain.*`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Drain {
    /// The lame duck lasts at least this long.
    #[serde(with = "field::duration")]
    pub(crate) min: Duration,
    /// The lame duck ends once there was no sign of traffic for this long.
    #[serde(with = "field::duration")]
    pub(crate) quiet: Duration,
    /// The lame duck lasts at most this long.
    #[serde(with = "field::duration")]
    pub(crate) max: Duration,
    /// Over which the streams are told, so that their clients do not come back all at once.
    #[serde(with = "field::duration")]
    pub(crate) jitter: Duration,
    /// Until when after T0 a kept connection that was not told to leave is waited for.
    #[serde(with = "field::duration")]
    pub(crate) patience: Duration,
    /// Paths whose requests are no sign of traffic: a load balancer's check. No queries.
    #[serde(deserialize_with = "field::paths")]
    pub(crate) ignore: Vec<String>,
}

/// `lifecycle.*`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lifecycle {
    /// What `/readyz` says in the lame duck.
    pub(crate) readiness: Readiness,
    /// `/livez` fails when no worker has answered for so long.
    #[serde(with = "field::optional_duration")]
    pub(crate) live_within: Option<Duration>,
    /// What background work that fails does to the process.
    pub(crate) background_failure: BackgroundFailure,
}

/// `lifecycle.background_failure`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BackgroundFailure {
    /// The process drains, and ends with exit code 70.
    Drain,
    /// It is logged, counted and named in the drain report.
    Ignore,
}

/// `checks.*`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checks {
    /// From the end of a check to its next turn.
    #[serde(with = "field::positive_duration")]
    pub(crate) interval: Duration,
    /// How long the answer may take.
    #[serde(with = "field::positive_duration")]
    pub(crate) timeout: Duration,
    /// So many failures in a row make the service unready.
    #[serde(deserialize_with = "field::whole::<1, 1_000, _>")]
    pub(crate) failure_threshold: u32,
    /// So many successes in a row make it ready again.
    #[serde(deserialize_with = "field::whole::<1, 1_000, _>")]
    pub(crate) success_threshold: u32,
}

/// `lifecycle.readiness`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Readiness {
    /// The probe passes as long as requests are served.
    Serving,
    /// The classic way: the probe fails from T0 on.
    FailAtDrain,
}

/// `log.*`
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Log {
    /// Text for people or JSON for machines.
    pub(crate) format: LogFormat,
    /// The least severe level that is written, by target.
    pub(crate) level: Levels,
    /// Whether each request has a line.
    pub(crate) access: Access,
}

/// `log.access`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Access {
    /// None has.
    Off,
    /// One, when its response has ended.
    On,
}

/// `log.format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// Text if stderr is a terminal, JSON otherwise.
    Auto,
    /// One line of text an event.
    Text,
    /// One JSON object a line, its fields flattened.
    Json,
}

/// `telemetry.*`
#[cfg(feature = "otlp")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Telemetry {
    /// The collector that traces are sent to.
    #[serde(deserialize_with = "field::collector")]
    pub(crate) otlp_endpoint: Option<String>,
    /// The share of requests that are traced, of those whose callers have not decided it.
    #[serde(deserialize_with = "field::share")]
    pub(crate) sample: Option<f64>,
}

impl<S> Effective<S> {
    /// The same, with other settings of the service.
    pub(crate) fn with<T>(&self, service: T) -> Effective<T> {
        Effective {
            http: self.http.clone(),
            admin: self.admin.clone(),
            grace_period: self.grace_period,
            drain: self.drain.clone(),
            lifecycle: self.lifecycle.clone(),
            checks: self.checks.clone(),
            log: self.log.clone(),
            #[cfg(feature = "otlp")]
            telemetry: self.telemetry.clone(),
            service,
        }
    }

    /// The defaults, and these of the service.
    pub(crate) fn of(service: S) -> Self {
        Self {
            http: Http::default(),
            admin: Admin::default(),
            grace_period: Duration::from_secs(30),
            // Its durations follow from the grace period: see `derive`.
            drain: Drain::default(),
            lifecycle: Lifecycle {
                readiness: Readiness::Serving,
                live_within: None,
                background_failure: BackgroundFailure::Drain,
            },
            checks: Checks::default(),
            log: Log {
                format: LogFormat::Auto,
                level: Levels::default(),
                access: Access::Off,
            },
            #[cfg(feature = "otlp")]
            telemetry: Telemetry::default(),
            service,
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        // Honours a container's CPU quota, which a count of the machine's cores would not.
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self {
            address: Address::Tcp((Ipv4Addr::UNSPECIFIED, 8080).into()),
            #[cfg(feature = "tls")]
            tls: TlsFiles::default(),
            keep_alive: Duration::from_secs(75),
            head_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(30),
            body_rate: None,
            request_timeout: None,
            half_close: true,
            request_id: None,
            workers: u32::try_from(cores).map_or(1_024, |cores| cores.min(1_024)),
            blocking_threads: 512,
            backlog: 4_096,
            max_connections: 10_000,
            max_connection_age: None,
        }
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(1),
            failure_threshold: 3,
            success_threshold: 1,
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::UNSPECIFIED, 9090).into(),
        }
    }
}
