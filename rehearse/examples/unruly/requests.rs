//! Requests with bodies, read and unread.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, Result, get, post,
    web::{self, Bytes, Query, ServiceConfig},
};
use futures_util::StreamExt as _;
use lastcall::BodyLimits;

use crate::gate::Gate;

pub(crate) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(upload).service(gated_upload).service(whole);
    cfg.service(reflect).service(echo);
    cfg.service(ignore).service(reject).service(fields);
    let limits = BodyLimits::new();
    for (name, limits) in [
        ("patient", limits.timeout(Duration::from_secs(3_600))),
        ("hasty", limits.timeout(Duration::from_millis(300))),
        (
            "brisk",
            limits.timeout(Duration::from_millis(300)).rate(10_000),
        ),
    ] {
        cfg.service(web::scope(name).wrap(limits).service(upload));
    }
}

/// A field as it has reached the handler, a line for each time.
#[get("/fields/{name}")]
async fn fields(name: web::Path<String>, request: HttpRequest) -> String {
    let values = request.headers().get_all(name.as_str());
    let lines = values.map(|value| String::from_utf8_lossy(value.as_bytes()) + "\n");
    lines.collect()
}

/// Another protocol on the same connection, which sends back what it gets. actix knows of none
/// but WebSocket, whose frames do not matter here.
#[get("/echo")]
async fn echo(body: web::Payload) -> HttpResponse {
    HttpResponse::SwitchingProtocols()
        .upgrade("websocket")
        .streaming(body)
}

/// Sends the body back while it comes.
#[post("/reflect")]
async fn reflect(body: web::Payload) -> HttpResponse {
    HttpResponse::Ok().streaming(body)
}

/// Takes the body as a whole, up to actix's own limit of 256 KiB.
#[post("/whole")]
async fn whole(body: Bytes) -> String {
    body.len().to_string()
}

/// Does not look at the body until the test lets it.
#[post("/gated-upload")]
async fn gated_upload(gate: Query<Gate>, body: web::Payload) -> Result<String> {
    gate.wait().await?;
    read(body).await
}

#[actix_web::routes]
#[get("/upload")]
#[post("/upload")]
async fn upload(body: web::Payload) -> Result<String> {
    read(body).await
}

async fn read(mut body: web::Payload) -> Result<String> {
    let (mut bytes, mut crc32) = (0, crc32fast::Hasher::new());
    while let Some(chunk) = body.next().await {
        let chunk = chunk.inspect_err(|error| tracing::info!(%error, "a body failed"))?;
        bytes += chunk.len();
        crc32.update(&chunk);
    }
    Ok(format!("{bytes} {:08x}", crc32.finalize()))
}

/// Answers without a look at the body.
#[post("/ignore")]
async fn ignore() -> &'static str {
    "never mind"
}

#[post("/reject")]
async fn reject(_body: web::Payload) -> HttpResponse {
    HttpResponse::PayloadTooLarge().body("too large")
}
