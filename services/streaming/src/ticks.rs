//! Event N happens at N intervals of unix time: each replica can go on where another ended.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use tokio::time::{Instant, timeout};

/// The id of the latest event at `now`, a unix time. `interval` must not be zero.
pub fn latest(interval: Duration, now: Duration) -> u64 {
    (now.as_nanos() / interval.as_nanos()) as u64
}

/// The events from `first` on, as they fall due; when told, the end, which falls between two
/// events: the client's last id says what the next replica owes it. `now` is the unix time.
pub fn stream(
    first: u64,
    interval: Duration,
    now: Duration,
    told: impl Future<Output = ()>,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let begun = Instant::now();
    stream::unfold(Some((first, Box::pin(told))), move |state| async move {
        let (id, mut told) = state?;
        let due = Duration::from_nanos_u128(u128::from(id) * interval.as_nanos());
        let wait = due.saturating_sub(now + begun.elapsed());
        // `timeout` asks `told` first: an event due at that very moment is left to the next replica.
        if timeout(wait, &mut told).await.is_ok() {
            // Milliseconds; few, because the drain itself spreads the ends of its streams.
            return Some((Ok("retry: 100\n\n".into()), None));
        }
        // A backlog goes out in chunks, so that it never stands in memory whole.
        let last = latest(interval, now + begun.elapsed()).clamp(id, id + 499);
        let frame = |id| format!("id: {id}\nevent: tick\ndata: {id}\n\n");
        let events: String = (id..=last).map(frame).collect();
        Some((Ok(events.into()), Some((last + 1, told))))
    })
}
