//! A Lastcall service whose handlers, start hook and shutdown hooks misbehave, and that has those
//! of `streaming` beside them, under `/streaming`. The tests in `tests/e2e` drive it; it is also
//! something to try a drain on by hand.
//!
//! A test holds a handler back by a *gate*: a listener of its own, named by `?at=ADDRESS`, to
//! which the handler connects and on which it waits until the test hangs up.

mod gate;
mod handlers;
mod requests;
mod responses;

use std::{env, future::pending, io, process::ExitCode, thread};

use actix_web::{App, web};
use anyhow::bail;
use lastcall::{
    Service,
    prometheus_client::{metrics::counter::Counter, registry::Registry},
};
use serde::{Deserialize, Serialize};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Settings {
    start: Start,
    shutdown: Shutdown,
    streaming: streaming::Settings,
}

/// What the start hook does.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Start {
    #[default]
    Succeed,
    /// Waits for ever.
    Hang,
    /// Keeps its thread for ever.
    Block,
    Fail,
}

/// What the shutdown hook does that runs first.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shutdown {
    #[default]
    Succeed,
    Hang,
    Fail,
}

fn main() -> ExitCode {
    if env::var_os("UNRULY_LOGGER").is_some() {
        log::set_logger(&Silent).expect("the first logger");
    }
    let service = Service::new("unruly", env!("CARGO_PKG_VERSION"));
    // Which rule of the drain it does without.
    let service = match env::var("LASTCALL_SABOTAGE") {
        Ok(rule) => service.without(&rule),
        Err(_) => service,
    };
    let said = Counter::<u64>::default();
    let shown = said.clone();
    service
        .metrics(|registry: &mut Registry| {
            registry.register("unruly_said", "Events of handlers", shown)
        })
        .layer(move |_: &Settings| Count(said))
        .start(async |settings: &Settings| start(settings).await)
        .on_shutdown("pool", async |_: Settings| {
            shut_down("pool", Shutdown::Succeed).await
        })
        .on_shutdown("buffers", async |settings: Settings| {
            shut_down("buffers", settings.shutdown).await
        })
        .run(|settings: &Settings, _: &Settings| {
            let streaming = streaming::routes(&settings.streaming);
            let streaming = web::scope("/streaming").configure(streaming);
            App::new()
                .configure(handlers::routes)
                .configure(responses::routes)
                .configure(requests::routes)
                .service(streaming)
        })
}

/// A logger of the program's own, as `env_logger` is.
struct Silent;

impl log::Log for Silent {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}

/// A layer that counts what handlers say.
struct Count(Counter<u64>);

impl<S: Subscriber> Layer<S> for Count {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "unruly::handlers" {
            self.0.inc();
        }
    }
}

async fn start(settings: &Settings) -> anyhow::Result<Settings> {
    tracing::info!(start = ?settings.start, "start hook");
    match settings.start {
        Start::Succeed => Ok(settings.clone()),
        Start::Hang => pending().await,
        Start::Block => loop {
            thread::park();
        },
        Start::Fail => Err(io::Error::other("the database is away").into()),
    }
}

async fn shut_down(hook: &str, how: Shutdown) -> anyhow::Result<()> {
    tracing::info!(hook, "shutdown hook");
    match how {
        Shutdown::Succeed => Ok(()),
        Shutdown::Hang => pending().await,
        Shutdown::Fail => bail!("the disk is full"),
    }
}
