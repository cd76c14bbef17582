//! A service that streams. `/events` never ends by itself, so it takes [`Drain`] and ends when told.
//! `/download` ends by itself: it takes no `Drain`, and is finished, not cut.

pub mod ticks;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use actix_web::{HttpRequest, HttpResponse, Result, error, get, web};
use runtime::Drain;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// The keys under `service.`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The time from one event to the next, the same on every replica: 1 ms to 1 h.
    #[serde(serialize_with = "humantime_serde::serialize")]
    #[serde(deserialize_with = "interval")]
    pub interval: Duration,
    /// How many events a client may have missed, and still resume.
    pub backlog: u32,
    /// The longest download, in bytes.
    pub max_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(100),
            backlog: 10_000,
            max_bytes: 1 << 30,
        }
    }
}

// At zero, endless events would be due at every moment.
fn interval<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let interval = humantime_serde::deserialize(from)?;
    let allowed = Duration::from_millis(1)..=Duration::from_secs(3600);
    let interval = Some(interval).filter(|interval| allowed.contains(interval));
    interval.ok_or_else(|| Error::custom("must be 1ms to 1h"))
}

/// The routes, called once for each worker thread.
pub fn routes(settings: &Settings) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let settings = web::Data::new(settings.clone());
    move |cfg| {
        cfg.app_data(settings).service(events).service(download);
    }
}

type Set = web::Data<Settings>;

#[get("/events")]
async fn events(set: Set, request: HttpRequest, drain: Drain) -> Result<HttpResponse> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let latest = ticks::latest(set.interval, now);
    let first = match request.headers().get("last-event-id") {
        Some(id) => resume(id.as_bytes(), latest, set.backlog.into())?,
        // The present event, so that the client has an id to resume from at once.
        None => latest,
    };
    let told = async move { drain.told().await };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        // nginx would hold events back until a buffer is full.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(ticks::stream(first, set.interval, now, told)))
}

// What is no longer kept is 410, never a silent gap. An id a little ahead of our clock comes from
// a replica whose clock is ahead; one far ahead is not ours.
fn resume(last: &[u8], latest: u64, backlog: u64) -> Result<u64> {
    let last = String::from_utf8_lossy(last);
    let (oldest, newest) = (latest.saturating_sub(backlog), latest + backlog);
    let refusal = format!("Last-Event-ID = {last:?}: must be an event's id, {oldest} to {newest}");
    match last.parse::<u64>() {
        Ok(id) if id < oldest => Err(error::ErrorGone(refusal)),
        Ok(id) if id <= newest => Ok(id + 1),
        _ => Err(error::ErrorBadRequest(refusal)),
    }
}

// Byte `i` of a download is `i % 251`: a prime, so that a block lost or doubled shows.
#[get("/download")]
async fn download(set: Set, query: web::Query<HashMap<String, String>>) -> Result<HttpResponse> {
    let (asked, most) = (query.get("bytes").map_or("", String::as_str), set.max_bytes);
    let refusal = format!("bytes = {asked:?}: must be a whole number, 0 to {most}");
    let length = asked.parse::<u64>().ok().filter(|length| *length <= most);
    let length = length.ok_or_else(|| error::ErrorBadRequest(refusal))?;
    let chunks = (0..length).step_by(64 * 1024).map(move |start| {
        let bytes = (start..length).take(64 * 1024).map(|i| (i % 251) as u8);
        Result::<web::Bytes>::Ok(bytes.collect())
    });
    Ok(HttpResponse::Ok().streaming(futures_util::stream::iter(chunks)))
}
