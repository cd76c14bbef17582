use std::time::{Duration, Instant};

/// So much of a body must arrive within `http.body_timeout`.
const STEP: usize = 1024;

/// How a request's body arrives.
///
/// Only the time is counted in which its reader waits for it: while the reader does something
/// else, it is not the client that is slow.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    /// Since when the reader waits.
    since: Option<Instant>,
    /// How long it has waited before, for the step at hand.
    waited: Duration,
    /// What has arrived of the step at hand.
    arrived: usize,
}

impl Arrival {
    /// Whether the time runs.
    pub(super) fn runs(&self) -> bool {
        self.since.is_some()
    }

    /// The reader waits no more, if it did: something has been read, or it does something else.
    pub(super) fn pause(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.waited += now - since;
        }
    }

    pub(super) fn count(&mut self, bytes: usize) {
        self.arrived += bytes;
        if self.arrived >= STEP {
            (self.arrived, self.waited) = (0, Duration::ZERO);
        }
    }

    /// By when the rest of the step must be here. The reader waits; since now, if it did not
    /// before.
    pub(super) fn deadline(&mut self, limit: Duration, now: impl FnOnce() -> Instant) -> Instant {
        let since = *self.since.get_or_insert_with(now);
        since + limit.saturating_sub(self.waited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn later(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_step_that_comes_byte_by_byte_has_no_more_time_than_one_in_a_piece() {
        let start = Instant::now();
        let mut arrival = Arrival::default();
        for second in 0..9 {
            let deadline = arrival.deadline(LIMIT, || later(start, second));
            assert_eq!(deadline, later(start, 10));
            arrival.pause(later(start, second + 1));
            arrival.count(1);
        }
    }

    #[test]
    fn each_further_step_has_its_own_time() {
        let start = Instant::now();
        let mut arrival = Arrival::default();
        for nine in 0..5 {
            let begin = later(start, 9 * nine);
            assert_eq!(
                arrival.deadline(LIMIT, || begin),
                begin + LIMIT,
                "one kibibyte in nine seconds is enough"
            );
            arrival.pause(later(begin, 9));
            arrival.count(STEP);
        }
    }

    #[test]
    fn time_in_which_nobody_waits_does_not_count() {
        let start = Instant::now();
        let mut arrival = Arrival::default();
        arrival.deadline(LIMIT, || start);
        arrival.pause(later(start, 4));
        arrival.count(1);
        // Its reader is busy for an hour.
        let deadline = arrival.deadline(LIMIT, || later(start, 3_600));
        assert_eq!(deadline, later(start, 3_606));
        let deadline = arrival.deadline(LIMIT, || unreachable!("it waits already"));
        assert_eq!(deadline, later(start, 3_606));
    }
}
