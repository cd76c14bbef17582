//! When an idle connection of HTTP/1.1 may be ended: the one moment at which a request can be lost
//! unseen, because it may be on its way while our FIN is. Decided here, without sockets and clocks.

use std::time::{Duration, Instant};

use crate::control::Fence;

/// How long a new connection may take to its first byte before it counts as idle: a client that
/// has just connected is about to ask.
pub(super) const FIRST_BYTE: Duration = Duration::from_secs(1);

/// A connection without a request, whose client has not been told to leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idle {
    /// Since its last response, or its accept.
    pub(super) since: Instant,
    /// It has had no response yet.
    pub(super) is_new: bool,
}

/// How far the process has come, as far as idle connections are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Life {
    Serving { keep_alive: Duration },
    LameDuck,
    Draining(Fence),
}

impl Idle {
    /// From when on it may be ended; `None` as long as nothing but its client ends it.
    #[inline]
    pub(super) fn ends_at(self, life: Life) -> Option<Instant> {
        let fence = match life {
            Life::Serving { keep_alive } => return Some(self.since + keep_alive),
            // The client is about to ask, and to be told.
            Life::LameDuck => return None,
            Life::Draining(fence) => fence,
        };
        let earliest = match self.is_new {
            // On a starved machine, or when its first segment was lost, a client that has just
            // connected asks late.
            true => fence.at + FIRST_BYTE,
            false => fence.at,
        };
        let silent = fence.at.saturating_duration_since(self.since) >= fence.long_silence;
        Some(match silent {
            true => earliest,
            false => earliest.max(fence.idle_until),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP_ALIVE: Duration = Duration::from_secs(75);

    /// Seconds after some moment long ago; the fence goes up at 100.
    fn at(seconds: u64) -> Instant {
        static ZERO: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *ZERO.get_or_init(Instant::now) + Duration::from_secs(seconds)
    }

    fn draining(idle_until: u64) -> Life {
        Life::Draining(Fence {
            at: at(100),
            idle_until: at(idle_until),
            long_silence: Duration::from_secs(30),
        })
    }

    fn idle(since: u64) -> Idle {
        Idle {
            since: at(since),
            is_new: false,
        }
    }

    fn new(since: u64) -> Idle {
        Idle {
            since: at(since),
            is_new: true,
        }
    }

    #[test]
    fn before_t0_keep_alive_ends_it() {
        let serving = Life::Serving {
            keep_alive: KEEP_ALIVE,
        };
        assert_eq!(idle(10).ends_at(serving), Some(at(85)));
        assert_eq!(new(10).ends_at(serving), Some(at(85)));
    }

    #[test]
    fn the_lame_duck_ends_nothing() {
        assert_eq!(idle(0).ends_at(Life::LameDuck), None);
        assert_eq!(new(0).ends_at(Life::LameDuck), None);
    }

    #[test]
    fn behind_the_fence_it_is_waited_for_however_long_ago_its_last_request_was() {
        assert_eq!(idle(99).ends_at(draining(116)), Some(at(116)));
        assert_eq!(idle(71).ends_at(draining(116)), Some(at(116)));
    }

    #[test]
    fn one_that_has_been_silent_for_long_at_the_fence_ends_there() {
        assert_eq!(idle(70).ends_at(draining(116)), Some(at(100)));
        assert_eq!(new(70).ends_at(draining(116)), Some(at(101)));
    }

    #[test]
    fn a_new_one_has_a_second_for_its_first_byte_even_if_nobody_else_is_waited_for() {
        assert_eq!(new(99).ends_at(draining(100)), Some(at(101)));
        assert_eq!(idle(99).ends_at(draining(100)), Some(at(100)));
        assert_eq!(new(99).ends_at(draining(116)), Some(at(116)));
    }
}
