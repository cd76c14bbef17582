//! What nobody has set follows from `grace_period`, so that this one number is enough.

use std::time::Duration;

use super::budget::MARGIN;
use super::origin::Origins;
use super::{Drain, Origin};

/// Gives the drain's unset durations the values that follow from `grace`. Each may rest on those
/// before it, whether these were set or not.
pub(super) fn derive(drain: &mut Drain, grace: Duration, origins: &mut Origins) {
    let mut follow = |key: &str, value: &mut Duration, derived: Duration| {
        if origins.of(key) == Origin::Default {
            *value = derived;
            origins.note(key, Origin::GracePeriod);
        }
    };
    let short = whole_ms(grace / 30).min(Duration::from_secs(1));
    let usable = grace.saturating_sub(MARGIN);
    let least = whole_ms(grace / 6).min(Duration::from_secs(5));
    follow("drain.min", &mut drain.min, least);
    follow("drain.quiet", &mut drain.quiet, short);
    follow("drain.jitter", &mut drain.jitter, short);
    let most = Duration::from_secs(15)
        .min(grace / 2)
        .min(usable.saturating_sub(drain.jitter));
    let max = whole_ms(most).max(drain.min + drain.quiet);
    follow("drain.max", &mut drain.max, max);
    follow("drain.patience", &mut drain.patience, patience(grace));
}

/// Most of the usable time, so that a client that thinks for long is still told; what remains is
/// for the answers to whoever asks at its very end.
fn patience(grace: Duration) -> Duration {
    whole_ms(grace.saturating_sub(MARGIN) * 3 / 4)
}

/// `check` is read by people, who do not want a sixth of 10 s to its last nanosecond.
fn whole_ms(duration: Duration) -> Duration {
    duration - Duration::from_nanos(u64::from(duration.subsec_nanos() % 1_000_000))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::settings::{Loaded, load, print};

    /// The settings with `G` for the grace period and others, after the budget was checked.
    fn with(settings: &[(&str, &str)]) -> Loaded<()> {
        let named = |(key, value): &(&str, &str)| (format!("LASTCALL__{key}"), (*value).to_owned());
        let mut loaded = load(None::<&Path>, settings.iter().map(named)).unwrap();
        loaded.fit(None).unwrap();
        loaded
    }

    fn times(loaded: &Loaded<()>) -> [u128; 5] {
        let drain = &loaded.settings.drain;
        [
            drain.min,
            drain.quiet,
            drain.max,
            drain.jitter,
            drain.patience,
        ]
        .map(|time| time.as_millis())
    }

    #[test]
    fn the_grace_period_alone_is_enough_from_3_s_to_a_year() {
        for (grace, derived) in [
            ("3s", [500, 100, 900, 100, 750]),
            ("5s", [833, 166, 2_500, 166, 2_250]),
            ("10s", [1_666, 333, 5_000, 333, 6_000]),
            ("30s", [5_000, 1_000, 15_000, 1_000, 21_000]),
            ("60s", [5_000, 1_000, 15_000, 1_000, 43_500]),
            ("365days", [5_000, 1_000, 15_000, 1_000, 23_651_998_500]),
        ] {
            assert_eq!(times(&with(&[("GRACE_PERIOD", grace)])), derived, "{grace}");
        }
        for tenths in 30..600 {
            with(&[("GRACE_PERIOD", &format!("{tenths}00ms"))]);
        }
    }

    #[test]
    fn what_was_set_stays_and_the_rest_makes_room_for_it() {
        let long = with(&[("DRAIN__MIN", "20s")]);
        assert_eq!(times(&long), [20_000, 1_000, 21_000, 1_000, 21_000]);
        let spread = with(&[("GRACE_PERIOD", "10s"), ("DRAIN__JITTER", "5s")]);
        assert_eq!(times(&spread), [1_666, 333, 3_000, 5_000, 6_000]);
    }

    #[test]
    fn check_says_what_follows_from_the_grace_period() {
        let loaded = with(&[("GRACE_PERIOD", "10s"), ("DRAIN__MAX", "4s")]);
        let text = print(&loaded, None);
        for line in [
            "min = \"1666ms\"  # from grace_period",
            "max = \"4s\"  # LASTCALL__DRAIN__MAX",
            "patience = \"6s\"  # from grace_period",
        ] {
            assert!(
                text.lines().any(|told| told == line),
                "no {line} in:\n{text}"
            );
        }
    }
}
