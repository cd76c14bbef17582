use std::time::{Duration, Instant};

use crate::body_limits::BodyLimits;

/// How a request's body arrives.
///
/// Only the time is counted in which its reader waits for it: while the reader does something
/// else, it is not the client that is slow.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    /// Since when the reader waits.
    since: Option<Instant>,
    /// How long it has waited since something came, before that.
    still: Duration,
    /// How long it had waited for what has come.
    waited: Duration,
    /// How much of the body has come.
    arrived: u64,
}

impl Arrival {
    /// Whether the time runs.
    pub(super) fn runs(&self) -> bool {
        self.since.is_some()
    }

    /// The reader waits no more, if it did: it does something else.
    pub(super) fn pause(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.still += now - since;
        }
    }

    /// Something has come, if only a part of what frames the body.
    pub(super) fn moved(&mut self, now: impl FnOnce() -> Instant) {
        if self.runs() {
            self.pause(now());
        }
        self.waited += std::mem::take(&mut self.still);
    }

    /// So much of what has come is the body itself.
    pub(super) fn count(&mut self, bytes: usize) {
        self.arrived += bytes as u64;
    }

    /// By when something must come; `None` is never. The reader waits; since now, if it did not
    /// before.
    pub(super) fn deadline(
        &mut self,
        limits: BodyLimits,
        now: impl FnOnce() -> Instant,
    ) -> Option<Instant> {
        let since = *self.since.get_or_insert_with(now);
        let standing = limits.standing().saturating_sub(self.still);
        let whole = limits.whole(self.arrived);
        let whole = whole.saturating_sub(self.waited + self.still);
        since.checked_add(standing.min(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BodyLimits = BodyLimits::new().timeout(Duration::from_secs(10));

    fn later(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    /// The deadline of a reader that waits since `now`, in seconds from `start`.
    fn deadline(arrival: &mut Arrival, limits: BodyLimits, start: Instant, now: u64) -> u64 {
        let deadline = arrival.deadline(limits, || later(start, now));
        deadline.map_or(u64::MAX, |deadline| (deadline - start).as_secs())
    }

    #[test]
    fn a_body_that_does_not_stand_still_may_come_byte_by_byte() {
        let (start, mut arrival) = (Instant::now(), Arrival::default());
        for second in (0..900).step_by(9) {
            assert_eq!(deadline(&mut arrival, LIMITS, start, second), second + 10);
            arrival.moved(|| later(start, second + 9));
            arrival.count(1);
        }
    }

    #[test]
    fn time_in_which_nobody_waits_does_not_count() {
        let (start, mut arrival) = (Instant::now(), Arrival::default());
        assert_eq!(deadline(&mut arrival, LIMITS, start, 0), 10);
        arrival.pause(later(start, 4));
        // Its reader is busy for an hour.
        assert_eq!(deadline(&mut arrival, LIMITS, start, 3_600), 3_606);
        let waits = "it waits already, and since then";
        assert_eq!(
            deadline(&mut arrival, LIMITS, start, 3_605),
            3_606,
            "{waits}"
        );
    }

    #[test]
    fn a_body_with_a_rate_must_keep_it_once_it_has_been_waited_for() {
        let (start, mut arrival) = (Instant::now(), Arrival::default());
        let limits = LIMITS.rate(100);
        for second in 0..10 {
            // What has come so far allows another 100 ms a second.
            let allowed = 10 + second / 10;
            assert_eq!(deadline(&mut arrival, limits, start, second), allowed);
            arrival.moved(|| later(start, second + 1));
            arrival.count(10);
        }
        arrival.count(100_000);
        // It may have come long before, but still it must not stand still.
        assert_eq!(deadline(&mut arrival, limits, start, 10), 20);
    }

    #[test]
    fn a_body_that_keeps_its_rate_may_take_for_ever() {
        let (start, mut arrival) = (Instant::now(), Arrival::default());
        for second in 0..3_600 {
            let soon = deadline(&mut arrival, LIMITS.rate(100), start, second);
            assert!(soon >= second + 9, "{soon} at {second}");
            arrival.moved(|| later(start, second + 1));
            arrival.count(100);
        }
    }

    #[test]
    fn a_limit_beyond_all_time_is_none() {
        for limits in [
            BodyLimits::new(),
            BodyLimits::new().timeout(Duration::MAX).rate(1),
            BodyLimits::new().rate(0),
        ] {
            let mut arrival = Arrival::default();
            arrival.count(1);
            assert_eq!(arrival.deadline(limits, Instant::now), None);
        }
    }
}
