//! When a client of HTTP/2 is told to leave. Decided here, without sockets and clocks.

use std::time::{Duration, Instant};

/// How far the process has come, as far as the goodbye of HTTP/2 is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Life {
    /// Before T0, and until `drain.min` has passed: a client that is told earlier comes back to this
    /// very process, and each GOAWAY is a small race in it.
    Early,
    LameDuck {
        /// When `drain.min` had passed.
        since: Instant,
        quiet: Duration,
    },
    Draining {
        since: Instant,
    },
}

/// When a client is to be told whose first response was sent at this moment. One that has had none
/// is not told: many take a connection that says goodbye at once for a failure.
pub(super) fn due(first_response: Option<Instant>, life: Life) -> Option<Instant> {
    let first = first_response?;
    match life {
        Life::Early => None,
        Life::LameDuck { since, .. } if first <= since => Some(since),
        // It is still sent here, so it would come back at once. But it must be told before the lame
        // duck can end, which it has lengthened by coming.
        Life::LameDuck { quiet, .. } => Some(first + quiet / 2),
        Life::Draining { since } => Some(first.max(since)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> Instant {
        static ZERO: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *ZERO.get_or_init(Instant::now) + Duration::from_secs(seconds)
    }

    fn lame_duck() -> Life {
        Life::LameDuck {
            since: at(100),
            quiet: QUIET,
        }
    }

    #[test]
    fn nobody_is_told_before_min_has_passed() {
        assert_eq!(due(Some(at(1)), Life::Early), None);
    }

    #[test]
    fn nobody_is_told_before_its_first_response() {
        let draining = Life::Draining { since: at(200) };
        for life in [Life::Early, lame_duck(), draining] {
            assert_eq!(due(None, life), None);
        }
    }

    #[test]
    fn who_is_there_when_min_has_passed_is_told_then_and_who_comes_later_later() {
        assert_eq!(due(Some(at(1)), lame_duck()), Some(at(100)));
        assert_eq!(due(Some(at(100)), lame_duck()), Some(at(100)));
        assert_eq!(due(Some(at(101)), lame_duck()), Some(at(106)));
    }

    #[test]
    fn everybody_is_told_when_the_process_drains() {
        let draining = Life::Draining { since: at(200) };
        for (first, told) in [(1, 200), (199, 200), (201, 201)] {
            assert_eq!(due(Some(at(first)), draining), Some(at(told)));
        }
    }
}
