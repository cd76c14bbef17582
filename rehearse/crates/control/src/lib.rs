//! The control: the services' routes on plain `actix_web::HttpServer`, with its own signal handling
//! and its own graceful stop. What it loses is what a service without Lastcall's drain loses.

mod tls;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use actix_web::web::ServiceConfig;
use actix_web::{App, HttpResponse, HttpServer, rt, web};
use anyhow::Context;
use clap::builder::FalseyValueParser;
use clap::{Parser, ValueEnum};

/// Serve a service's routes on plain actix-web, to compare with.
///
/// Takes the same variables as the service itself, so that both arms can be given one environment.
#[derive(Parser)]
#[command(name = "control", version)]
struct Cli {
    /// Whose routes to serve
    #[arg(value_enum)]
    service: Service,
    /// The public listener
    #[arg(long, value_name = "ADDR", env = "LASTCALL__HTTP__ADDRESS")]
    listen: SocketAddr,
    /// The listener of the readiness probe, `/readyz`
    #[arg(long, value_name = "ADDR", env = "LASTCALL__ADMIN__ADDRESS")]
    admin: SocketAddr,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N", env = "LASTCALL__HTTP__WORKERS")]
    workers: Option<NonZeroUsize>,
    /// How long an idle connection is kept [default: actix-web's own, 5s]
    #[arg(long, value_name = "TIME", env = "LASTCALL__HTTP__KEEP_ALIVE",
        value_parser = humantime::parse_duration)]
    keep_alive: Option<Duration>,
    /// How long the graceful stop waits for requests in flight, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    shutdown_timeout: u64,
    /// HTTP/2 by prior knowledge, beside HTTP/1.1
    #[arg(long, env = "CONTROL_H2C", value_parser = FalseyValueParser::new())]
    h2c: bool,
    /// A certificate in PEM: speak TLS, with HTTP/2 and HTTP/1.1 by ALPN
    #[arg(
        long,
        value_name = "FILE",
        env = "LASTCALL__HTTP__TLS__CERTIFICATE",
        requires = "tls_key"
    )]
    tls_certificate: Option<PathBuf>,
    /// Its key in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "LASTCALL__HTTP__TLS__KEY",
        requires = "tls_certificate"
    )]
    tls_key: Option<PathBuf>,
    /// How long `slow` takes to answer [default: 1s]
    #[arg(long, value_name = "TIME", env = "LASTCALL__SERVICE__DELAY",
        value_parser = humantime::parse_duration)]
    delay: Option<Duration>,
    /// From one event of `streaming` to the next [default: 100ms]
    #[arg(long, value_name = "TIME", env = "LASTCALL__SERVICE__INTERVAL",
        value_parser = interval)]
    interval: Option<Duration>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Service {
    Hello,
    Slow,
    Streaming,
    /// The routes of slow and streaming together
    All,
}

impl Service {
    fn routes(self, delay: Option<Duration>, interval: Option<Duration>, cfg: &mut ServiceConfig) {
        match self {
            Self::Hello => hello::routes(&hello::Settings::default())(cfg),
            Self::Slow => {
                let default = slow::Settings::default();
                let delay = delay.unwrap_or(default.delay);
                slow::routes(&slow::Settings { delay, ..default })(cfg);
            }
            Self::Streaming => {
                let default = streaming::Settings::default();
                let interval = interval.unwrap_or(default.interval);
                streaming::routes(&streaming::Settings {
                    interval,
                    ..default
                })(cfg);
            }
            Self::All => [Self::Slow, Self::Streaming]
                .into_iter()
                .for_each(|service| service.routes(delay, interval, cfg)),
        }
    }
}

/// As the service itself would have it: no events without end at one moment.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let allowed = Duration::from_millis(1)..=Duration::from_secs(3600);
    match allowed.contains(&interval) {
        true => Ok(interval),
        false => Err("must be 1ms to 1h".to_owned()),
    }
}

/// Serves until a signal ends it. `args` begin with the program's name.
///
/// Exit code 64: bad arguments. 71: it cannot listen.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            // Nothing is left to be done about a terminal that is gone.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match rt::System::new().block_on(serve(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("control: {error:#}");
            ExitCode::from(71)
        }
    }
}

async fn serve(cli: Cli) -> anyhow::Result<()> {
    let Cli {
        service,
        delay,
        interval,
        listen,
        admin,
        ..
    } = cli;
    let mut server =
        HttpServer::new(move || App::new().configure(|cfg| service.routes(delay, interval, cfg)))
            .shutdown_timeout(cli.shutdown_timeout);
    if let Some(workers) = cli.workers {
        server = server.workers(workers.get());
    }
    if let Some(keep_alive) = cli.keep_alive {
        server = server.keep_alive(keep_alive);
    }
    let bound = match (cli.tls_certificate.zip(cli.tls_key), cli.h2c) {
        (Some((certificate, key)), _) => {
            server.bind_rustls_0_23(listen, tls::config(&certificate, &key)?)
        }
        (None, true) => server.bind_auto_h2c(listen),
        (None, false) => server.bind(listen),
    };
    let server = bound.with_context(|| format!("cannot listen on {listen}"))?;
    let probes = HttpServer::new(|| App::new().route("/readyz", web::get().to(HttpResponse::Ok)))
        .workers(1)
        .disable_signals()
        .bind(admin)
        .with_context(|| format!("cannot listen on {admin}"))?;
    // Not awaited: the probe is answered until the process ends.
    rt::spawn(probes.run());
    server.run().await.context("the server failed")
}
