//! When a client's requests are due.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::think::Think;

/// tokio's timers count in milliseconds, and so does the wait in epoll below them: each rounds up.
/// That much of a timer's lateness is its granularity and not charged to the server; anything
/// beyond is, whoever caused it.
const GRANULARITY: Duration = Duration::from_millis(2);

/// The least pause after a failure in a closed loop. Without it a client with no think time would
/// count one refusing endpoint a hundred thousand times a second.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

/// Clients without think time that began in the same instant would stay in step for ever: the
/// server would see bursts, and a pod could be replaced between two of them unseen.
const RAMP: Duration = Duration::from_secs(1);

/// From one request to the next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// Closed loop: from the end of a request to the start of the next.
    Think(Think),
    /// Open loop: from due time to due time.
    Every(Duration),
}

impl Pace {
    /// An open loop. No period would make every request due at once, for ever.
    pub(super) fn every(period: Duration) -> Self {
        Self::Every(period.max(Duration::from_millis(1)))
    }

    /// The loop that waits so long each time, give or take a tenth.
    pub(super) fn steady(think: Duration) -> Self {
        Self::Think(Think::Steady(think))
    }

    fn interval(self, rng: &mut Rng) -> Duration {
        match self {
            Self::Think(think) => think.sample(rng),
            Self::Every(period) => Think::Steady(period).sample(rng),
        }
    }
}

/// One client's schedule: the same for the same seed and index.
pub(super) struct Schedule {
    rng: Rng,
}

impl Schedule {
    pub(super) fn new(seed: u64, index: usize) -> Self {
        // The odd constant (of the golden ratio) keeps neighbours' seeds far apart.
        let index = (index as u64)
            .wrapping_add(1)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self {
            rng: Rng::with_seed(seed ^ index),
        }
    }

    /// The first due time: the clients' phases are spread over one period, in a closed loop over
    /// [`RAMP`] at least.
    pub(super) fn first(&mut self, start: Instant, pace: Pace) -> Instant {
        let spread = match pace {
            Pace::Think(Think::Steady(think)) => think.max(RAMP),
            Pace::Think(think) => think.sample(&mut self.rng).max(RAMP),
            Pace::Every(period) => period,
        };
        start + spread.mul_f64(self.rng.f64())
    }

    /// The due time after a request that was due at `due` and ended at `ended`.
    pub(super) fn next(
        &mut self,
        pace: Pace,
        due: Instant,
        ended: Instant,
        failed: bool,
    ) -> Instant {
        let interval = pace.interval(&mut self.rng);
        match pace {
            Pace::Think(_) if failed => ended + interval.max(AFTER_FAILURE),
            Pace::Think(_) => ended + interval,
            Pace::Every(_) => due + interval,
        }
    }

    /// How many requests of an open loop fell due by `until`, the one due at `due` included.
    pub(super) fn missed(&mut self, pace: Pace, mut due: Instant, until: Instant) -> u64 {
        let mut missed = 0;
        while matches!(pace, Pace::Every(_)) && due <= until {
            missed += 1;
            due = self.next(pace, due, due, false);
        }
        missed
    }
}

/// The start from which latency counts, for a timer set to `due` that fired at `woke`.
pub(super) fn intended(due: Instant, woke: Instant) -> Instant {
    woke.clamp(due, due + GRANULARITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_seed_gives_one_schedule_and_each_client_its_own() {
        let start = Instant::now();
        let first = |seed, index| Schedule::new(seed, index).first(start, Pace::steady(SECOND));
        assert_eq!(first(7, 0), first(7, 0));
        assert_ne!(first(7, 0), first(7, 1));
        assert_ne!(first(7, 0), first(8, 0));
    }

    #[test]
    fn phases_are_spread_over_one_period() {
        let start = Instant::now();
        let mut quarters = [0; 4];
        for index in 0..400 {
            let due = Schedule::new(1, index).first(start, Pace::Every(SECOND));
            quarters[((due - start).as_secs_f64() * 4.0) as usize] += 1;
        }
        assert!(quarters.iter().all(|&count| count > 50), "{quarters:?}");
    }

    #[test]
    fn an_open_loop_does_not_wait_for_responses() {
        let start = Instant::now();
        let next = Schedule::new(1, 0).next(Pace::Every(SECOND), start, start + SECOND * 60, false);
        assert!(next >= start + SECOND.mul_f64(0.9) && next <= start + SECOND.mul_f64(1.1));
    }

    #[test]
    fn a_closed_loop_thinks_after_the_response_and_pauses_after_a_failure() {
        let (start, ended) = (Instant::now(), Instant::now() + SECOND * 60);
        let mut schedule = Schedule::new(1, 0);
        assert!(
            schedule.next(Pace::steady(SECOND), start, ended, false) >= ended + SECOND.mul_f64(0.9)
        );
        assert_eq!(
            schedule.next(Pace::steady(Duration::ZERO), start, ended, false),
            ended
        );
        assert_eq!(
            schedule.next(Pace::steady(Duration::ZERO), start, ended, true),
            ended + AFTER_FAILURE
        );
    }

    #[test]
    fn lateness_counts_beyond_the_timers_granularity() {
        let due = Instant::now();
        assert_eq!(intended(due, due + GRANULARITY / 2), due + GRANULARITY / 2);
        assert_eq!(intended(due, due + SECOND), due + GRANULARITY);
    }

    #[test]
    fn requests_due_and_never_started_are_counted() {
        let due = Instant::now();
        let missed = |pace, stopped| Schedule::new(1, 0).missed(pace, due, stopped);
        assert!((9..=12).contains(&missed(Pace::Every(SECOND), due + SECOND * 10)));
        assert_eq!(missed(Pace::Every(SECOND), due - SECOND), 0);
        assert_eq!(missed(Pace::steady(SECOND), due + SECOND * 10), 0);
    }
}
