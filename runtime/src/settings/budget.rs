//! The one budget: what must happen by when, all of it derived from `grace_period`.

use std::time::Duration;

use super::field::text;
use super::{Drain, Effective, Http};
use crate::rules::{Rule, Rules};

/// Kept free at the end of the grace period, to cut, count, report and exit before SIGKILL.
pub(super) const MARGIN: Duration = Duration::from_secs(2);

/// With less, the lame duck would be too short to see anything.
const SHORTEST_GRACE: Duration = Duration::from_secs(3);

/// Descriptors that are no client's: standard streams, listeners, signals, and the admin
/// listener's connections, which must go through when the public ones have used up theirs.
const RESERVED: u64 = 64;

/// Descriptors for each worker: its event loop (epoll, eventfd), and what its handlers open.
const RESERVED_PER_WORKER: u64 = 8;

/// The steps of the drain, each as the time since T0, the first of preStop and the signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// The lame duck may end.
    pub(crate) fence_at_earliest: Duration,
    /// The lame duck ends, however much traffic there is.
    pub(crate) fence_at_latest: Duration,
    /// Every stream has been told to end.
    pub(crate) streams_told_at_latest: Duration,
    /// A kept connection that was not told is waited for no longer, nor after the fence if later.
    pub(crate) patience_until: Duration,
    /// What is left is cut, counted and named.
    pub(crate) cut_at: Duration,
    /// Kubernetes kills.
    pub(crate) kill_at: Duration,
    /// Descriptors kept for other things than public connections.
    pub(crate) descriptors_reserved: u64,
    /// The hard limit of descriptors, where there is one.
    pub(crate) descriptor_limit: Option<u64>,
}

/// Settings that are fine one by one, and do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BudgetError {
    /// Too little time.
    #[error(
        "grace_period = {}: must be at least {}, of which {} are kept to finish before SIGKILL",
        text(*.0), text(SHORTEST_GRACE), text(MARGIN)
    )]
    Grace(Duration),
    /// The quiet could never be seen.
    #[error(
        "drain.min = {} and drain.quiet = {} do not fit drain.max = {}: \
         min + quiet must be at most max",
        text(.0.min), text(.0.quiet), text(.0.max)
    )]
    LameDuck(Box<Drain>),
    /// The shortest lame duck is too long. Said apart, because `max` may follow from `min`.
    #[error(
        "drain.min = {}, drain.quiet = {} and drain.jitter = {} do not fit grace_period = {}: \
         min + quiet + jitter must be at most grace_period - {} = {}",
        text(drain.min), text(drain.quiet), text(drain.jitter), text(*grace), text(MARGIN),
        text(*grace - MARGIN)
    )]
    Least {
        /// The settings that do not fit.
        drain: Box<Drain>,
        /// What they must fit.
        grace: Duration,
    },
    /// The streams could still be waiting to be told when they are cut.
    #[error(
        "drain.max = {} and drain.jitter = {} do not fit grace_period = {}: \
         max + jitter must be at most grace_period - {} = {}",
        text(drain.max), text(drain.jitter), text(*grace), text(MARGIN), text(*grace - MARGIN)
    )]
    Drain {
        /// The settings that do not fit.
        drain: Box<Drain>,
        /// What they must fit.
        grace: Duration,
    },
    /// Kept connections would be waited for until after the cut.
    #[error(
        "drain.patience = {} does not fit grace_period = {}: \
         must be at most grace_period - {} = {}",
        text(*patience), text(*grace), text(MARGIN), text(*grace - MARGIN)
    )]
    Patience {
        /// The setting that does not fit.
        patience: Duration,
        /// What it must fit.
        grace: Duration,
    },
    /// The system allows fewer descriptors than connections.
    #[error(
        "http.max_connections = {wanted} does not fit the limit of {limit} descriptors: \
         must be at most {room} ({reserved} are reserved for other things), \
         or raise the limit (ulimit -n)"
    )]
    Descriptors {
        /// `http.max_connections`
        wanted: u32,
        /// The hard limit.
        limit: u64,
        /// Kept for other things.
        reserved: u64,
        /// What is left.
        room: u32,
    },
}

impl Budget {
    /// Derives the budget. `descriptor_limit` is the hard limit, to which the soft one is
    /// raised at start; `None` where there is none.
    ///
    /// # Errors
    /// [`BudgetError`], for the first thing that does not fit.
    pub(crate) fn check<S>(
        settings: &Effective<S>,
        descriptor_limit: Option<u64>,
        rules: Rules,
    ) -> Result<Self, BudgetError> {
        let (drain, grace, http) = (&settings.drain, settings.grace_period, &settings.http);
        times_fit(drain, grace, rules)?;
        descriptors_fit(http, descriptor_limit)?;
        Ok(Self {
            fence_at_earliest: drain.min,
            fence_at_latest: drain.max,
            streams_told_at_latest: drain.max + drain.jitter,
            patience_until: drain.patience,
            cut_at: grace - MARGIN,
            kill_at: grace,
            descriptors_reserved: reserved(http.workers),
            descriptor_limit,
        })
    }

    /// How many public connections a limit of descriptors allows.
    pub(super) fn connections_within(limit: u64, workers: u32) -> u32 {
        u32::try_from(limit.saturating_sub(reserved(workers))).unwrap_or(u32::MAX)
    }
}

fn times_fit(drain: &Drain, grace: Duration, rules: Rules) -> Result<(), BudgetError> {
    if grace < SHORTEST_GRACE {
        return Err(BudgetError::Grace(grace));
    }
    if drain.min + drain.quiet > drain.max {
        return Err(BudgetError::LameDuck(Box::new(drain.clone())));
    }
    let usable = grace - MARGIN;
    if drain.patience > usable {
        let patience = drain.patience;
        return Err(BudgetError::Patience { patience, grace });
    }
    if drain.max + drain.jitter <= usable || rules.lack(Rule::Budget) {
        return Ok(());
    }
    let drain = Box::new(drain.clone());
    Err(match drain.min + drain.quiet + drain.jitter > usable {
        true => BudgetError::Least { drain, grace },
        false => BudgetError::Drain { drain, grace },
    })
}

fn descriptors_fit(http: &Http, limit: Option<u64>) -> Result<(), BudgetError> {
    let Some(limit) = limit else { return Ok(()) };
    let room = Budget::connections_within(limit, http.workers);
    if http.max_connections <= room {
        return Ok(());
    }
    Err(BudgetError::Descriptors {
        wanted: http.max_connections,
        limit,
        reserved: reserved(http.workers),
        room,
    })
}

fn reserved(workers: u32) -> u64 {
    RESERVED + RESERVED_PER_WORKER * u64::from(workers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Loaded, Origin, load};

    fn loaded(variables: &[(&str, &str)]) -> Loaded<()> {
        let named = |(key, value): &(&str, &str)| (format!("LASTCALL__{key}"), (*value).to_owned());
        load(None, variables.iter().map(named)).unwrap()
    }

    fn refusal(variables: &[(&str, &str)], limit: Option<u64>) -> String {
        loaded(variables).fit(limit).unwrap_err().to_string()
    }

    #[test]
    fn every_step_follows_from_the_settings() {
        let budget = loaded(&[]).fit(None).unwrap();
        let steps = [
            budget.fence_at_earliest,
            budget.fence_at_latest,
            budget.streams_told_at_latest,
            budget.patience_until,
            budget.cut_at,
            budget.kill_at,
        ];
        assert_eq!(steps.map(|step| step.as_secs()), [5, 15, 16, 21, 28, 30]);
    }

    #[test]
    fn the_drain_must_fit_the_grace_period_less_two_seconds() {
        assert!(loaded(&[("DRAIN__MAX", "27s")]).fit(None).is_ok());
        assert_eq!(
            refusal(&[("DRAIN__MAX", "40s")], None),
            "drain.max = 40s and drain.jitter = 1s do not fit grace_period = 30s: \
             max + jitter must be at most grace_period - 2s = 28s"
        );
    }

    #[test]
    fn the_lame_duck_must_have_time_to_see_the_quiet() {
        let with_min = |min| [("DRAIN__MAX", "15s"), ("DRAIN__MIN", min)];
        assert!(loaded(&with_min("14s")).fit(None).is_ok());
        assert_eq!(
            refusal(&with_min("14500ms"), None),
            "drain.min = 14500ms and drain.quiet = 1s do not fit drain.max = 15s: \
             min + quiet must be at most max"
        );
    }

    #[test]
    fn a_lame_duck_that_is_too_long_is_told_by_what_was_set_not_by_what_follows() {
        let asked = [("GRACE_PERIOD", "10s"), ("DRAIN__MIN", "8s")];
        assert_eq!(
            refusal(&asked, None),
            "drain.min = 8s, drain.quiet = 333ms and drain.jitter = 333ms do not fit \
             grace_period = 10s: min + quiet + jitter must be at most grace_period - 2s = 8s"
        );
    }

    #[test]
    fn patience_must_end_before_the_cut() {
        assert!(loaded(&[("DRAIN__PATIENCE", "28s")]).fit(None).is_ok());
        assert!(loaded(&[("DRAIN__PATIENCE", "0s")]).fit(None).is_ok());
        assert_eq!(
            refusal(&[("DRAIN__PATIENCE", "28001ms")], None),
            "drain.patience = 28001ms does not fit grace_period = 30s: \
             must be at most grace_period - 2s = 28s"
        );
    }

    #[test]
    fn a_grace_period_without_room_is_refused() {
        assert!(loaded(&[("GRACE_PERIOD", "3s")]).fit(None).is_ok());
        for (grace, told) in [("0s", "0s"), ("2s", "2s"), ("2999ms", "2999ms")] {
            assert_eq!(
                refusal(&[("GRACE_PERIOD", grace)], None),
                format!(
                    "grace_period = {told}: \
                     must be at least 3s, of which 2s are kept to finish before SIGKILL"
                )
            );
        }
    }

    #[test]
    fn a_lame_duck_of_zero_fits() {
        let zero = ["MIN", "QUIET", "MAX", "JITTER"].map(|key| format!("DRAIN__{key}"));
        let zero: Vec<_> = zero.iter().map(|key| (key.as_str(), "0s")).collect();
        assert_eq!(
            loaded(&zero).fit(None).unwrap().fence_at_latest,
            Duration::ZERO
        );
    }

    #[test]
    fn connections_that_were_asked_for_must_fit_the_descriptors() {
        let asked = [("HTTP__WORKERS", "2"), ("HTTP__MAX_CONNECTIONS", "4017")];
        assert_eq!(
            refusal(&asked, Some(4_096)),
            "http.max_connections = 4017 does not fit the limit of 4096 descriptors: must be at \
             most 4016 (80 are reserved for other things), or raise the limit (ulimit -n)"
        );
        assert!(loaded(&asked).fit(Some(4_097)).is_ok());
        assert!(loaded(&asked).fit(None).is_ok());
    }

    #[test]
    fn connections_that_nobody_asked_for_are_lowered_to_what_fits() {
        let mut loaded = loaded(&[("HTTP__WORKERS", "2")]);
        loaded.fit(Some(4_096)).unwrap();
        assert_eq!(loaded.settings.http.max_connections, 4_016);
        assert_eq!(
            loaded.origin("http.max_connections"),
            Origin::Descriptors(4_096)
        );
    }

    #[test]
    fn a_limit_that_leaves_no_connection_at_all_is_an_error() {
        assert!(refusal(&[("HTTP__WORKERS", "2")], Some(80)).contains("limit of 80 descriptors"));
    }
}
