//! A service that takes its time: answers that come late, and bodies that arrive slowly. Both are
//! requests in flight for long, which is what a drain must wait for; neither handler knows of it.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::error::ErrorBadRequest;
use actix_web::{Result, get, post, rt, web};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};

/// The keys under `service.`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// How long `GET /` takes.
    #[serde(with = "humantime_serde")]
    pub delay: Duration,
    /// The longest delay that a client may ask for with `?ms=`.
    #[serde(with = "humantime_serde")]
    pub limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(1),
            limit: Duration::from_secs(30),
        }
    }
}

/// The routes, called once for each worker thread.
pub fn routes(settings: &Settings) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let settings = web::Data::new(settings.clone());
    move |cfg| {
        cfg.app_data(settings).service(wait).service(upload);
    }
}

type Query = web::Query<HashMap<String, String>>;

/// Answers after the delay that is set, or asked for.
#[get("/")]
async fn wait(settings: web::Data<Settings>, query: Query) -> Result<String> {
    let delay = match query.get("ms") {
        Some(ms) => asked_delay(ms, settings.limit)?,
        None => settings.delay,
    };
    rt::time::sleep(delay).await;
    Ok(format!("waited {} ms", delay.as_millis()))
}

fn asked_delay(ms: &str, limit: Duration) -> Result<Duration> {
    let delay = ms
        .parse()
        .ok()
        .map(Duration::from_millis)
        .filter(|delay| *delay <= limit);
    delay.ok_or_else(|| {
        let most = limit.as_millis();
        ErrorBadRequest(format!(
            "ms = {ms:?}: must be a whole number of milliseconds, 0 to {most}"
        ))
    })
}

/// What arrived, so that the sender can tell whether all of it did.
#[derive(Serialize)]
struct Received {
    bytes: u64,
    crc32: String,
}

/// Reads a body to its end, and says what arrived.
// `web::Payload` is the body as it arrives: memory stays flat, however long the upload.
#[post("/upload")]
async fn upload(mut body: web::Payload) -> Result<web::Json<Received>> {
    let mut bytes = 0;
    let mut crc32 = crc32fast::Hasher::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        bytes += chunk.len() as u64;
        crc32.update(&chunk);
    }
    Ok(web::Json(Received {
        bytes,
        crc32: format!("{:08x}", crc32.finalize()),
    }))
}
