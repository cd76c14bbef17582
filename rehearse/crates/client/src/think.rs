//! How long a client thinks between a response and its next request.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use fastrand::Rng;

/// How far a steady pause may be off its mean, so that clients do not fall into step.
const JITTER: f64 = 0.1;

/// Longer than any rehearsal.
const LONGEST: Duration = Duration::from_secs(3_600);

const ALLOWED: &str = "must be a time such as 300ms (give or take a tenth), uniform:2s..20s, \
                       log-uniform:10ms..20s or exponential:5s, at most 1h";

/// From the end of a request to the start of the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Think {
    /// This, give or take a tenth: clients with a rhythm.
    Steady(Duration),
    /// Anything between the two, all alike.
    Uniform(Duration, Duration),
    /// Anything between the two, each order of magnitude as often as the others: no server's limit
    /// can lie in a gap of it.
    LogUniform(Duration, Duration),
    /// Without memory, with this mean: clients without a rhythm.
    Exponential(Duration),
}

impl Think {
    /// One pause.
    pub(super) fn sample(self, rng: &mut Rng) -> Duration {
        let share = rng.f64();
        match self {
            Self::Steady(mean) => mean.mul_f64(1.0 + JITTER * (2.0 * share - 1.0)),
            Self::Uniform(from, to) => from + (to - from).mul_f64(share),
            Self::LogUniform(from, to) => {
                from.mul_f64((to.as_secs_f64() / from.as_secs_f64()).powf(share))
            }
            // `share` is below 1, so that its complement has a logarithm.
            Self::Exponential(mean) => mean.mul_f64(-(1.0 - share).ln()),
        }
    }
}

impl FromStr for Think {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let think = match text.split_once(':') {
            None => time(text).map(Self::Steady),
            Some(("exponential", mean)) => some(mean).map(Self::Exponential),
            Some(("uniform", bounds)) => range(bounds).map(|(from, to)| Self::Uniform(from, to)),
            Some(("log-uniform", bounds)) => range(bounds)
                .filter(|(from, _)| !from.is_zero())
                .map(|(from, to)| Self::LogUniform(from, to)),
            Some(_) => None,
        };
        think.ok_or(ALLOWED)
    }
}

fn time(text: &str) -> Option<Duration> {
    let time = humantime::parse_duration(text).ok()?;
    (time <= LONGEST).then_some(time)
}

fn some(text: &str) -> Option<Duration> {
    time(text).filter(|time| !time.is_zero())
}

fn range(text: &str) -> Option<(Duration, Duration)> {
    let (from, to) = text.split_once("..")?;
    let (from, to) = (time(from)?, time(to)?);
    (from < to).then_some((from, to))
}

impl fmt::Display for Think {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steady(mean) => write!(f, "{mean:?}"),
            Self::Uniform(from, to) => write!(f, "uniform:{from:?}..{to:?}"),
            Self::LogUniform(from, to) => write!(f, "log-uniform:{from:?}..{to:?}"),
            Self::Exponential(mean) => write!(f, "exponential:{mean:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(think: &str) -> Vec<f64> {
        let (think, mut rng) = (think.parse::<Think>().unwrap(), Rng::with_seed(1));
        let mut samples: Vec<f64> = (0..10_000)
            .map(|_| think.sample(&mut rng).as_secs_f64())
            .collect();
        samples.sort_by(f64::total_cmp);
        samples
    }

    #[track_caller]
    fn assert_near(is: f64, due: f64) {
        assert!((is / due - 1.0).abs() < 0.05, "{is}, not some {due}");
    }

    #[test]
    fn a_steady_pause_is_a_tenth_off_at_most() {
        let samples = samples("5s");
        assert!(samples[0] >= 4.5 && samples[9_999] <= 5.5);
        assert!(samples[0] < 4.6 && samples[9_999] > 5.4);
    }

    #[test]
    fn pauses_are_spread_as_their_distribution_says() {
        let uniform = samples("uniform:2s..20s");
        assert!(uniform[0] >= 2.0 && uniform[9_999] <= 20.0);
        assert_near(uniform[5_000], 11.0);
        let log_uniform = samples("log-uniform:10ms..20s");
        assert!(log_uniform[0] >= 0.01 && log_uniform[9_999] <= 20.0);
        assert_near(log_uniform[5_000], (0.01_f64 * 20.0).sqrt());
        let exponential = samples("exponential:5s");
        assert_near(exponential.iter().sum::<f64>() / 10_000.0, 5.0);
        assert_near(exponential[5_000], 5.0 * 2.0_f64.ln());
    }

    #[test]
    fn what_is_read_is_shown_in_the_same_words() {
        for text in [
            "300ms",
            "0ns",
            "uniform:2s..20s",
            "uniform:0ns..1s",
            "log-uniform:10ms..20s",
            "exponential:5s",
        ] {
            assert_eq!(text.parse::<Think>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        for text in [
            "",
            "5",
            "-5s",
            "61m",
            "uniform",
            "uniform:5s",
            "uniform:20s..2s",
            "uniform:2s..2s",
            "log-uniform:0s..20s",
            "exponential:0s",
            "normal:5s",
            "uniform:2s..61m",
        ] {
            assert_eq!(text.parse::<Think>(), Err(ALLOWED), "{text}");
        }
    }
}
