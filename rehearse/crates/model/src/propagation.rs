//! How long a node's kube-proxy takes to learn of a change.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use rehearse_platform::PodId;

/// The quickest sync that is drawn: a watch event and one iptables transaction.
const QUICKEST: Duration = Duration::from_millis(20);

/// The distribution of the delay between a change of an endpoint and the moment from which new
/// connections follow it: piecewise linear through a floor of 20 ms, median, 95th percentile and
/// maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagation {
    median: Duration,
    p95: Duration,
    max: Duration,
}

/// Why a propagation cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PropagationError {
    /// Not three durations.
    #[error("expected median,p95,max as three durations, such as 150ms,1s,2900ms")]
    Form,
    /// The three are not in ascending order.
    #[error("expected median <= p95 <= max")]
    Order,
}

impl Default for Propagation {
    /// With these the last new connection comes to a deleted pod as late as it does on kind, with
    /// kube-proxy's default `minSyncPeriod` of 1 s (docs/model.md). They are lower than what is seen
    /// there, because the changes of a rolling update wait for one another.
    fn default() -> Self {
        let [median, p95, max] = [150, 1_000, 2_900].map(Duration::from_millis);
        Self { median, p95, max }
    }
}

impl Propagation {
    /// A distribution with these quantiles.
    ///
    /// # Errors
    /// If they are not in ascending order.
    pub fn new(median: Duration, p95: Duration, max: Duration) -> Result<Self, PropagationError> {
        if median <= p95 && p95 <= max {
            Ok(Self { median, p95, max })
        } else {
            Err(PropagationError::Order)
        }
    }

    /// The longest delay that can be drawn.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The delay that a share `q` (0 to 1) of all changes does not exceed.
    pub fn quantile(&self, q: f64) -> Duration {
        let between = |low: Duration, high: Duration, share: f64| low + (high - low).mul_f64(share);
        match q.clamp(0.0, 1.0) {
            q if q < 0.5 => between(QUICKEST.min(self.median), self.median, q / 0.5),
            q if q < 0.95 => between(self.median, self.p95, (q - 0.5) / 0.45),
            q => between(self.p95, self.max, (q - 0.95) / 0.05),
        }
    }

    /// The delay of a pod's nth change in a run with this seed. It depends on nothing else, so
    /// that every arm of a run, and every run with the same seed, has the same delays however
    /// their events interleave.
    pub fn draw(&self, seed: u64, pod: PodId, change: u32) -> Duration {
        let salt = pod
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(u32::from(change as u8) * 8);
        self.quantile(fastrand::Rng::with_seed(seed ^ salt ^ u64::from(change)).f64())
    }
}

impl FromStr for Propagation {
    type Err = PropagationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Result<Vec<_>, _> = text
            .split(',')
            .map(|part| humantime::parse_duration(part.trim()))
            .collect();
        match parts.as_deref() {
            Ok(&[median, p95, max]) => Self::new(median, p95, max),
            _ => Err(PropagationError::Form),
        }
    }
}

impl fmt::Display for Propagation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, p95, max } = self;
        write!(f, "median {median:?}, p95 {p95:?}, longest {max:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_pass_through_the_measured_points() {
        let p = Propagation::default();
        let at = |q| p.quantile(q).as_millis();
        assert_eq!(
            (at(0.0), at(0.5), at(0.95), at(1.0)),
            (20, 150, 1_000, 2_900)
        );
        assert_eq!((at(0.25), at(0.725), at(0.975)), (85, 575, 1_950));
        assert_eq!((at(-1.0), at(2.0)), (20, 2_900));
    }

    #[test]
    fn drawn_delays_follow_the_distribution() {
        let p = Propagation::default();
        let mut drawn: Vec<_> = (0..4_000)
            .map(|pod| p.draw(7, pod, (pod % 3) as u32))
            .collect();
        drawn.sort_unstable();
        let near = |q: f64, expected: u64| {
            let seen = drawn[(q * 3_999.0) as usize]
                .as_millis()
                .abs_diff(u128::from(expected));
            assert!(seen < 60, "quantile {q} is {seen} ms off");
        };
        near(0.25, 85);
        near(0.5, 150);
        near(0.95, 1_000);
        assert!(drawn.iter().all(|d| *d >= QUICKEST && *d <= p.max()));
    }

    #[test]
    fn the_same_seed_repeats_the_same_delays() {
        let p = Propagation::default();
        let run = |seed| (0..50).map(|pod| p.draw(seed, pod, 1)).collect::<Vec<_>>();
        assert_eq!(run(42), run(42));
        assert_ne!(run(42), run(43));
        assert_ne!(p.draw(42, 3, 0), p.draw(42, 3, 1));
    }

    #[test]
    fn text_must_be_three_ascending_durations() {
        assert_eq!("150ms, 1s,2900ms".parse(), Ok(Propagation::default()));
        assert_eq!(
            "0s,0s,0s".parse::<Propagation>().map(|p| p.quantile(0.3)),
            Ok(Duration::ZERO)
        );
        for bad in ["", "1s", "1s,2s", "1s,2s,x", "1s,2s,3s,4s"] {
            assert_eq!(
                bad.parse::<Propagation>(),
                Err(PropagationError::Form),
                "{bad}"
            );
        }
        assert_eq!(
            "2s,1s,3s".parse::<Propagation>(),
            Err(PropagationError::Order)
        );
    }
}
