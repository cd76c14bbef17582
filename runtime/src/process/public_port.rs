//! The public port: taking its address, starting the workers, opening it.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, body::MessageBody, dev::AppConfig};
use anyhow::anyhow;
use tokio::{sync::oneshot, task::spawn_local};

use super::Failure;
use crate::{
    Address,
    accept::Places,
    acceptor::Acceptor,
    body_limits::BodyLimits,
    conn::{Limits, Observe, Room},
    control::Control,
    drive::Opened,
    exit::Exit,
    listener::{self, Bound, Listener},
    metrics::Metrics,
    settings::{Access, Http, Log, RequestIds},
    tls::Tls,
    worker::{self, Application, WorkerConfig},
};

/// The setting that names it.
pub(super) const KEY: &str = "http.address";

/// At `http.max_connections` a connection that has been silent for so long makes room for a newcomer.
/// Not sooner: a crowd of active clients would put each other out.
const SILENT: Duration = Duration::from_secs(1);

/// A public address that was taken, and how the program has called it.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) name: &'static str,
    pub(crate) bound: Bound,
}

/// What it takes to open the public port, but the application.
#[derive(Debug)]
pub(crate) struct PublicPort {
    pub(super) control: Arc<Control>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) http: Http,
    pub(super) observe: Observe,
    pub(super) tls: Option<Arc<Tls>>,
    /// The first is that of `http.address`.
    pub(super) taken: Vec<Taken>,
    pub(super) admin: SocketAddr,
}

impl PublicPort {
    /// Starts the workers, each with an application of its own, and then lets clients connect.
    pub(crate) async fn open<T, B>(
        self,
        app: impl Fn() -> App<T> + Send + Clone + 'static,
    ) -> Result<Opened, Failure>
    where
        T: Application<B>,
        B: MessageBody + 'static,
    {
        let http = &self.http;
        let first = self.taken.first().map(|first| first.bound.address());
        let shown = shown_to_applications(first.as_ref().unwrap_or(&http.address));
        let worker_config = WorkerConfig {
            control: Arc::clone(&self.control),
            metrics: self.metrics,
            limits: limits(http),
            observe: self.observe,
            app: AppConfig::__priv_test_new(self.tls.is_some(), shown.to_string(), shown),
            tls: self.tls,
            blocking_threads: blocking_threads(http),
        };
        let (mut workers, mut threads) = (Vec::new(), Vec::new());
        for number in 0..http.workers {
            let name = format!("worker-{number}");
            let (worker, thread) = worker::start(name, worker_config.clone(), app.clone()).await?;
            workers.push(worker);
            threads.push(thread);
        }
        let counters = workers
            .iter()
            .map(|worker| Arc::clone(&worker.counters))
            .collect();
        // Only now: whoever connects from here on is served.
        let room = limits(http).room;
        let places = Places::new(room.connections);
        let mut fences = Vec::new();
        for Taken { name, bound } in self.taken {
            let address = bound.address();
            let given = matches!(bound, Bound::Given { .. }).then_some(name);
            let listener = listen(name, bound, http.backlog)?;
            let control = Arc::clone(&self.control);
            let (fence, raised) = oneshot::channel();
            let acceptor = Acceptor::open(control, workers.clone(), listener, room, places.clone())
                .map_err(|error| cannot_listen(name, &address, error))?;
            spawn_local(acceptor.run(raised));
            fences.push(fence);
            tracing::info!(http = %address, given, admin = %self.admin, "listening");
        }
        Ok(Opened {
            counters,
            fences,
            threads,
        })
    }
}

/// What an application is told of where it is served. A Unix socket has no such address, and what stands for
/// one is what actix-web's own `bind_uds` makes up.
fn shown_to_applications(address: &Address) -> SocketAddr {
    const MADE_UP: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 8080);
    address.socket_address().unwrap_or(MADE_UP.into())
}

/// Takes the address of a listener, whose setting is `key`.
pub(super) fn bind(key: &str, address: &Address) -> Result<Bound, Failure> {
    listener::bind(address).map_err(|error| cannot_listen(key, address, error))
}

/// Lets clients connect.
pub(super) fn listen(key: &str, bound: Bound, backlog: u32) -> Result<Listener, Failure> {
    let address = bound.address();
    let listener = bound.listen(backlog);
    listener.map_err(|error| cannot_listen(key, &address, error))
}

pub(crate) fn cannot_listen(key: &str, address: &Address, error: io::Error) -> Failure {
    let what = format!("{key} = \"{address}\": cannot listen there");
    (Exit::OsErr, anyhow!(error).context(what))
}

/// What is told of each request. Lines of an access log are of little use without ids.
pub(super) fn observe(http: &Http, log: &Log) -> Observe {
    let access_log = log.access == Access::On;
    let by_default = match access_log {
        true => RequestIds::Take,
        false => RequestIds::Off,
    };
    Observe {
        request_ids: http.request_id.unwrap_or(by_default),
        access_log,
        traces: true,
    }
}

/// Each worker's share of `http.blocking_threads`.
fn blocking_threads(http: &Http) -> usize {
    (http.blocking_threads / http.workers).max(1) as usize
}

pub(super) fn limits(http: &Http) -> Limits {
    Limits {
        keep_alive: http.keep_alive,
        head_timeout: http.head_timeout,
        body: body_limits(http),
        request_timeout: http.request_timeout,
        connection_age: http.max_connection_age,
        half_close: http.half_close,
        room: Room {
            connections: http.max_connections as usize,
            after: SILENT,
            half_heads: false,
        },
    }
}

fn body_limits(http: &Http) -> BodyLimits {
    let limits = BodyLimits::new().timeout(http.body_timeout);
    match http.body_rate {
        Some(rate) => limits.rate(rate.bytes_per_second().get()),
        None => limits,
    }
}
