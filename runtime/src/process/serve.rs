//! The service itself: start hook, workers, public listener, driver.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App, body::MessageBody, dev::AppConfig};
use anyhow::{Context as _, anyhow};
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_local,
};

use super::{AnySettings, Begin, Failure, Parts, admin_listener::AdminListener};
use crate::{
    acceptor::Acceptor,
    admin::View,
    background::Background,
    body_limits::BodyLimits,
    conn::{Limits, Room},
    control::Control,
    drive::{Driver, Opened},
    exit::Exit,
    lifecycle::Schedule,
    listener::{self, Bound, Listener},
    metrics::{Gauges, Metrics},
    report::Report,
    rules::{Rule, Rules},
    settings::{Budget, Http, Loaded, Settings},
    signals::Signals,
    telemetry,
    worker::{self, Application, WorkerConfig},
};

/// At `http.max_connections` a connection that has been silent for so long makes room for a newcomer.
/// Not sooner: a crowd of active clients would put each other out.
const SILENT: Duration = Duration::from_secs(1);

/// Serves until it is told to go and everything is finished.
pub(super) async fn serve<S, St, A, T, B>(
    signals: Signals,
    parts: Parts<S, St>,
    loaded: Loaded<S>,
    budget: Budget,
    app: A,
) -> Exit
where
    S: AnySettings,
    St: Clone + Send + Sync + 'static,
    A: Fn(&S, &St) -> App<T> + Send + Sync + 'static,
    T: Application<B>,
    B: MessageBody + 'static,
{
    let settings = loaded.settings;
    let _flushed = telemetry::init(&settings.log);
    for misspelt in loaded.misspelt {
        tracing::warn!("{misspelt}");
    }
    match run(signals, parts, settings, budget, app).await {
        Ok(exit) => exit,
        Err((exit, error)) => {
            tracing::error!(
                error = format!("{error:#}"),
                "the service could not be started"
            );
            exit
        }
    }
}

async fn run<S, St, A, T, B>(
    signals: Signals,
    parts: Parts<S, St>,
    settings: Settings<S>,
    budget: Budget,
    app: A,
) -> Result<Exit, Failure>
where
    S: AnySettings,
    St: Clone + Send + Sync + 'static,
    A: Fn(&S, &St) -> App<T> + Send + Sync + 'static,
    T: Application<B>,
    B: MessageBody + 'static,
{
    let (notify, notices) = mpsc::unbounded_channel();
    let control = Control::new(settings.drain.clone(), parts.rules, notify);
    spawn_local(signals.forward(Arc::clone(&control)));

    let metrics = Metrics::new(parts.name, parts.version);
    let (background, state) = match parts.begin {
        Begin::With(state) => (None, Ok(state)),
        Begin::Start(start, hooks) => {
            let (service, control) = (settings.service.clone(), Arc::clone(&control));
            let (background, state) = Background::start(control, service, start, hooks)
                .map_err(|error| (Exit::OsErr, error.into()))?;
            (Some(background), Err(state))
        }
    };
    let report = Report {
        service: parts.name,
        version: parts.version,
        ..Report::default()
    };
    let driver = Driver::new(
        schedule(&settings, &budget, parts.rules),
        report,
        Arc::clone(&control),
        notices,
        background,
    );
    let view = View {
        control: Arc::clone(&control),
        metrics: Arc::clone(&metrics),
        readiness: settings.lifecycle.readiness,
        live_within: settings.lifecycle.live_within,
        status: driver.status(),
    };
    metrics.collect(Gauges {
        control: Arc::clone(&control),
        status: driver.status(),
    });
    let admin = AdminListener::open(settings.admin.address, limits(&settings.http), view).await?;
    let exit = driver
        .run(open(control, metrics, settings, state, app, admin.address))
        .await;
    admin.close().await;
    exit
}

/// Everything from the start hook to the bound port.
async fn open<S, St, A, T, B>(
    control: Arc<Control>,
    metrics: Arc<Metrics>,
    settings: Settings<S>,
    state: Result<St, oneshot::Receiver<anyhow::Result<St>>>,
    app: A,
    admin: SocketAddr,
) -> Result<Opened, Failure>
where
    S: AnySettings,
    St: Clone + Send + Sync + 'static,
    A: Fn(&S, &St) -> App<T> + Send + Sync + 'static,
    T: Application<B>,
    B: MessageBody + 'static,
{
    let state = match state {
        Ok(state) => state,
        Err(starting) => {
            let started = starting
                .await
                .unwrap_or_else(|_| Err(anyhow!("its thread has gone")));
            started
                .context("the start hook failed")
                .map_err(|error| (Exit::Unavailable, error))?
        }
    };
    let http = &settings.http;
    let bound = bind("http.address", http.address)?;
    let address = bound.address();
    let worker_config = WorkerConfig {
        control: Arc::clone(&control),
        metrics,
        limits: limits(http),
        app: AppConfig::__priv_test_new(false, address.to_string(), address),
    };
    let mut workers = Vec::new();
    let app = Arc::new(move || app(&settings.service, &state));
    for number in 0..http.workers {
        let app = Arc::clone(&app);
        let worker = worker::start(
            format!("worker-{number}"),
            worker_config.clone(),
            move || app(),
        );
        workers.push(worker.await.map_err(|error| (Exit::Software, error))?);
    }
    let counters = workers
        .iter()
        .map(|worker| Arc::clone(&worker.counters))
        .collect();
    // Only now: whoever connects from here on is served.
    let listener = listen("http.address", bound, http.backlog)?;
    let (fence, raised) = oneshot::channel();
    let acceptor = Acceptor::open(control, workers, listener, limits(http).room)
        .map_err(|error| cannot_listen("http.address", address, error))?;
    spawn_local(acceptor.run(raised));
    tracing::info!(http = %address, %admin, "listening");
    Ok(Opened { counters, fence })
}

/// Takes the address of a listener, whose setting is `key`.
pub(super) fn bind(key: &str, address: SocketAddr) -> Result<Bound, Failure> {
    listener::bind(address).map_err(|error| cannot_listen(key, address, error))
}

/// Lets clients connect.
pub(super) fn listen(key: &str, bound: Bound, backlog: u32) -> Result<Listener, Failure> {
    let address = bound.address();
    let listener = bound.listen(backlog);
    listener.map_err(|error| cannot_listen(key, address, error))
}

pub(super) fn cannot_listen(key: &str, address: SocketAddr, error: std::io::Error) -> Failure {
    let what = format!("{key} = \"{address}\": cannot listen there");
    (Exit::OsErr, anyhow!(error).context(what))
}

fn limits(http: &Http) -> Limits {
    Limits {
        keep_alive: http.keep_alive,
        head_timeout: http.head_timeout,
        body: body_limits(http),
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

fn schedule<S>(settings: &Settings<S>, budget: &Budget, rules: Rules) -> Schedule {
    let drain = &settings.drain;
    let mut schedule = Schedule {
        min: drain.min,
        quiet: drain.quiet,
        max: drain.max,
        patience: drain.patience,
        cut_after: budget.cut_at,
    };
    if rules.lack(Rule::LameDuck) {
        (schedule.min, schedule.quiet, schedule.max) = Default::default();
    }
    if rules.lack(Rule::Deadline) {
        schedule.cut_after = Duration::from_secs(3600);
    }
    schedule
}
