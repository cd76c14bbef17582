//! The admin listener: probes, preStop, metrics and status.
//!
//! It serves from the driver's own thread, so that a handler which blocks every worker cannot
//! make the process look dead, and it is the last thing to close.

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse, Route,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    guard,
    http::header,
    web,
};
use tokio::sync::watch;

use crate::{
    checks::Checks,
    control::{Control, Notice},
    lifecycle::{Cause, Phase, Probes, probes},
    metrics::Metrics,
    rules::Rule,
    settings::{LEVELS, Levels, Readiness},
    status::Status,
    telemetry::LogLevel,
};

/// What the endpoints show.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) control: Arc<Control>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Readiness,
    /// How long no worker may leave a question unanswered, for liveness.
    pub(crate) live_within: Option<Duration>,
    pub(crate) checks: Arc<Checks>,
    pub(crate) status: watch::Receiver<Status>,
}

impl View {
    fn probes(&self) -> Probes {
        let phase = self.status.borrow().phase;
        let probes = probes(phase, self.readiness, self.checks.pass());
        match self.control.lacks(Rule::Probes) {
            false => probes,
            true => Probes {
                livez: phase <= Phase::Ready,
                healthz: true,
                ..probes
            },
        }
    }
}

/// The admin endpoints, as an application of their own.
pub(crate) fn app(
    view: View,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(web::Data::new(view))
        .route("/livez", shown().to(livez))
        .route("/readyz", shown().to(readyz))
        .route(
            "/healthz",
            shown().to(async |view: web::Data<View>| answer(view.probes().healthz)),
        )
        .route("/metrics", shown().to(metrics))
        .route("/status", shown().to(status))
        .route("/prestop", web::post().to(prestop))
        .route("/log/level", shown().to(log_level))
        .route("/log/level", web::put().to(set_log_level))
}

/// By GET, and by HEAD, which some checks ask by.
fn shown() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn answer(passes: bool) -> HttpResponse {
    match passes {
        true => HttpResponse::Ok().body("ok\n"),
        false => HttpResponse::ServiceUnavailable().body("no\n"),
    }
}

/// Which checks fail, since when and why, if there are any.
async fn readyz(view: web::Data<View>) -> HttpResponse {
    let lines = view.checks.lines();
    match view.probes().readyz {
        true => HttpResponse::Ok().body(format!("ok\n{lines}")),
        false => HttpResponse::ServiceUnavailable().body(format!("no\n{lines}")),
    }
}

async fn livez(view: web::Data<View>) -> HttpResponse {
    let alive = match view.live_within {
        None => true,
        Some(within) => view.control.ledger.ask_workers().await.silent < within,
    };
    answer(alive && view.probes().livez)
}

async fn metrics(view: web::Data<View>) -> HttpResponse {
    view.control.ledger.ask_workers().await;
    HttpResponse::Ok()
        .insert_header((
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ))
        .body(view.metrics.encode())
}

async fn status(view: web::Data<View>) -> HttpResponse {
    let workers = view.control.ledger.ask_workers().await;
    let page = view
        .status
        .borrow()
        .page(&view.control, workers, &view.checks);
    HttpResponse::Ok().json(page)
}

/// Whether somebody asks from inside of the pod: nothing outside must be able to change what the
/// process does. A peer is inside if it comes from the loopback address proper, or from the
/// very address that the listener is bound to, where that is a single one: what `prestop` connects
/// to is then its source, too. The rest of 127.0.0.0/8 may speak for anybody, as a mesh's sidecar
/// does, which connects from 127.0.0.6.
fn is_inside(request: &HttpRequest) -> bool {
    let own = request.app_config().local_addr().ip();
    request.peer_addr().is_some_and(|peer| {
        let ip = peer.ip().to_canonical();
        ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST || ip == own
    })
}

fn forbidden(request: &HttpRequest) -> HttpResponse {
    let (method, path) = (request.method(), request.path());
    HttpResponse::Forbidden().body(format!(
        "{method} {path} is for the pod itself: call it from a loopback address\n"
    ))
}

/// Begins the lame duck, and answers when it is over. Only the pod itself may: kubelet's `exec` hook
/// runs inside of it.
async fn prestop(request: HttpRequest, view: web::Data<View>) -> HttpResponse {
    if !is_inside(&request) && !view.control.lacks(Rule::PrestopInside) {
        return forbidden(&request);
    }
    if view.control.lacks(Rule::Prestop) {
        return HttpResponse::Ok().finish();
    }
    view.control.notify(Notice::Terminate(Cause::Prestop));
    let mut status = view.status.clone();
    let over = status.wait_for(|status| status.lame_duck_over).await;
    match over.map(|status| status.phase) {
        Ok(Phase::LameDuck | Phase::Draining | Phase::Stopped) => {
            HttpResponse::Ok().body("the lame duck is over\n")
        }
        _ => HttpResponse::ServiceUnavailable().body("the process is leaving\n"),
    }
}

async fn log_level() -> HttpResponse {
    LogLevel::current().map_or_else(no_log, |log| shown_level(&log))
}

/// Changes what is logged, until the process ends or it is changed again.
async fn set_log_level(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    if !is_inside(&request) {
        return forbidden(&request);
    }
    let Some(log) = LogLevel::current() else {
        return no_log();
    };
    let text = String::from_utf8_lossy(&body);
    match text.trim().parse::<Levels>() {
        Ok(levels) => log.set(levels, "the admin port"),
        Err(_) => {
            return HttpResponse::BadRequest().body(format!("log.level must be {LEVELS}\n"));
        }
    }
    shown_level(&log)
}

fn shown_level(log: &LogLevel) -> HttpResponse {
    HttpResponse::Ok().body(format!("{}\n", log.levels()))
}

fn no_log() -> HttpResponse {
    HttpResponse::NotFound().body("the log of this process is not Lastcall's\n")
}
