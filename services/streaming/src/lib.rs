//! A service that streams. `/events` and `/ws` never end by themselves, so they take
//! [`Drain`](lastcall::Drain) and end when told. `/download` and `/upload` end by themselves: they
//! take no `Drain`, and are finished, not cut.

mod download;
mod events;
pub mod ticks;
mod upload;
mod ws;

use std::time::Duration;

use actix_web::web;
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
    /// What the drain's Close says to a WebSocket (RFC 6455, 7.4): 1001, going away, or 1012,
    /// service restart, by which some clients come back later than after 1001.
    #[serde(deserialize_with = "close_code")]
    pub close_code: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(100),
            backlog: 10_000,
            max_bytes: 1 << 30,
            close_code: 1001,
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

fn close_code<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let code = u16::deserialize(from).ok();
    let code = code.filter(|code| [1001, 1012].contains(code));
    code.ok_or_else(|| Error::custom("must be 1001 (going away) or 1012 (service restart)"))
}

/// The routes, called once for each worker thread.
pub fn routes(settings: &Settings) -> impl FnOnce(&mut web::ServiceConfig) + use<> {
    let settings = web::Data::new(settings.clone());
    move |cfg| {
        cfg.app_data(settings);
        cfg.service(events::events).service(ws::ws);
        cfg.service(download::download).service(upload::upload);
    }
}

type Set = web::Data<Settings>;
