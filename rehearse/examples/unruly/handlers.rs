//! Handlers that take their time, or fail.

use std::{future::pending, io, time::Duration};

use actix_web::{
    HttpResponse, Result, get,
    rt::time::sleep,
    web::{self, Query, ServiceConfig},
};
use lastcall::RequestId;
use serde::Deserialize;

use crate::gate::Gate;

pub(crate) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(hello).service(slow).service(never);
    cfg.service(gated).service(block).service(panic);
    cfg.service(logs).service(logs_at);
}

#[get("/hello/{name}")]
async fn hello(name: web::Path<String>) -> String {
    format!("Hello, {name}!")
}

#[derive(Deserialize)]
struct Slow {
    ms: u64,
}

#[get("/slow")]
async fn slow(how: Query<Slow>) -> &'static str {
    sleep(Duration::from_millis(how.ms)).await;
    "awake"
}

#[get("/never/{id}")]
async fn never() -> String {
    pending().await
}

#[get("/gate")]
async fn gated(gate: Query<Gate>) -> Result<&'static str> {
    gate.wait().await?;
    Ok("let go")
}

/// Keeps its worker's thread, and so everybody else whom that worker serves.
#[get("/block")]
async fn block(gate: Query<Gate>) -> Result<&'static str> {
    let mut gate = std::net::TcpStream::connect(&gate.at)?;
    io::Read::read_to_end(&mut gate, &mut Vec::new())?;
    Ok("let go")
}

#[get("/logs")]
async fn logs(id: RequestId) -> String {
    tracing::info!("a handler speaks");
    id.to_string()
}

#[get("/logs/{level}")]
async fn logs_at(level: web::Path<String>) -> &'static str {
    match level.as_str() {
        "debug" => tracing::debug!("a handler says debug"),
        _ => tracing::error!("a handler fails"),
    }
    "said"
}

#[get("/panic")]
async fn panic() -> HttpResponse {
    panic!("a handler's bug")
}
