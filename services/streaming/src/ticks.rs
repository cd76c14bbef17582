//! Event N happens at N intervals of unix time: each replica can go on where another ended.

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use tokio::time::{Instant, timeout};

/// A stream's clock: unix time, read once. From then on it keeps step with the monotonic clock,
/// so that a leap of the system's time neither holds a running stream up nor hurries it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    interval: Duration,
    unix: Duration,
    read: Instant,
}

impl Clock {
    /// The system's time. `interval` is the time from one event to the next, and not zero.
    pub fn read(interval: Duration) -> Self {
        let unix = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self::at(interval, unix)
    }

    /// A clock by which it is now `unix`.
    pub fn at(interval: Duration, unix: Duration) -> Self {
        let read = Instant::now();
        Self {
            interval,
            unix,
            read,
        }
    }

    /// The id of the latest event.
    pub fn latest(&self) -> u64 {
        (self.now().as_nanos() / self.interval.as_nanos()) as u64
    }

    /// How long it is until the event with this `id` happens; zero if it has.
    pub fn until(&self, id: u64) -> Duration {
        let due = Duration::from_nanos_u128(u128::from(id) * self.interval.as_nanos());
        due.saturating_sub(self.now())
    }

    fn now(&self) -> Duration {
        self.unix + self.read.elapsed()
    }
}

/// The events from `first` on, as they fall due; when told, the end, which falls between two
/// events: the client's last id says what the next replica owes it.
pub fn stream(
    clock: Clock,
    first: u64,
    told: impl Future<Output = ()>,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(Some((first, Box::pin(told))), move |state| async move {
        let (id, mut told) = state?;
        // `timeout` asks `told` first: an event due at that very moment is left to the next replica.
        if timeout(clock.until(id), &mut told).await.is_ok() {
            // Milliseconds; few, because the drain itself spreads the ends of its streams.
            return Some((Ok("retry: 100\n\n".into()), None));
        }
        // A backlog goes out in chunks, so that it never stands in memory whole.
        let last = clock.latest().clamp(id, id + 499);
        let frame = |id| format!("id: {id}\nevent: tick\ndata: {id}\n\n");
        let events: String = (id..=last).map(frame).collect();
        Some((Ok(events.into()), Some((last + 1, told))))
    })
}
