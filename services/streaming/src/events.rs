//! `/events`: Server-Sent Events, which any replica resumes by `Last-Event-ID`.

use actix_web::{HttpRequest, HttpResponse, Result, error, route};
use lastcall::Drain;

use crate::Set;
use crate::ticks::{self, Clock};

/// Events without an end, from the one on that the client has not seen.
#[route("/events", method = "GET", method = "HEAD")]
pub(crate) async fn events(set: Set, request: HttpRequest, drain: Drain) -> Result<HttpResponse> {
    let clock = Clock::read(set.interval);
    let first = match request.headers().get("last-event-id") {
        Some(id) => resume(id.as_bytes(), clock.latest(), set.backlog.into())?,
        // The present event, so that the client has an id to resume from at once.
        None => clock.latest(),
    };
    let told = async move { drain.told().await };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        // nginx would hold events back until a buffer is full.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(ticks::stream(clock, first, told)))
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
