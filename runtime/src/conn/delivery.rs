//! Whether a peer takes what is sent to it: one rule for requests under way by either protocol, and
//! for a connection's end.

use std::{
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::{timer::Timer, transport::Transport};
use crate::{clock, kernel::Peer};

/// How often a peer is sampled, to see whether it has vanished.
const SAMPLED_EVERY: Duration = Duration::from_secs(1);

/// Why a peer is waited for no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GivenUp {
    /// It has gone without a word.
    Vanished,
    /// It has taken nothing for as long as a silent client is kept, and the process has no deadline
    /// yet that would end it.
    Stalled,
}

/// What a peer takes, as it was last sampled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivery(Option<Sample>);

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Bytes that its kernel and ours had taken in all.
    written: usize,
    /// Of these, what the peer had not acknowledged.
    unacknowledged: usize,
    /// When either last said that something moves.
    moved: Instant,
    /// When the peer last acknowledged something, or had nothing to acknowledge. Whatever is written
    /// to one that has vanished does not count.
    answered: Instant,
}

impl Delivery {
    /// Nothing is under way, or something has just been taken.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// What is not acknowledged, as it was last sampled.
    pub(super) fn unacknowledged(&self) -> Option<usize> {
        self.0.map(|sample| sample.unacknowledged)
    }

    /// Sees what the peer has taken by now. `written` only has to change when more is written.
    pub(super) fn sample(
        &mut self,
        transport: &Transport,
        written: usize,
        stalled_after: Option<Duration>,
        now: Instant,
    ) -> Option<GivenUp> {
        // Where the kernel cannot say, the client's own end must do.
        let unacknowledged = transport.unacknowledged().unwrap_or(0);
        let before = self.0.unwrap_or(Sample {
            written,
            unacknowledged,
            moved: now,
            answered: now,
        });
        let answers = unacknowledged < before.unacknowledged || unacknowledged == 0;
        let sample = Sample {
            written,
            unacknowledged,
            moved: match written != before.written || unacknowledged < before.unacknowledged {
                true => now,
                false => before.moved,
            },
            answered: if answers { now } else { before.answered },
        };
        self.0 = Some(sample);
        given_up(sample, stalled_after, now, || transport.peer())
    }

    /// Ready when the peer is given up. `stalled_after` is for how long it may take nothing; `None`
    /// while the process drains: only the deadline ends a peer that lives.
    pub(super) fn poll(
        &mut self,
        transport: &Transport,
        written: usize,
        stalled_after: Option<Duration>,
        timer: &mut Timer,
        cx: &mut Context<'_>,
    ) -> Poll<GivenUp> {
        loop {
            let now = clock::now();
            if let Some(given_up) = self.sample(transport, written, stalled_after, now) {
                return Poll::Ready(given_up);
            }
            // Each poll takes a sample; this only sees to it that there is one.
            let moved = self.0.map_or(now, |sample| sample.moved);
            let next =
                stalled_after.map_or(now + SAMPLED_EVERY, |stalled_after| moved + stalled_after);
            ready!(timer.poll(next, cx));
        }
    }
}

/// Whether a peer is given up that was last seen like this.
fn given_up(
    sample: Sample,
    stalled_after: Option<Duration>,
    now: Instant,
    peer: impl FnOnce() -> Peer,
) -> Option<GivenUp> {
    if sample.unacknowledged > 0 && peer().has_vanished(now - sample.answered) {
        return Some(GivenUp::Vanished);
    }
    // The kernel may have had so much room that it asks for more only after minutes.
    let stalled = stalled_after.is_some_and(|stalled_after| now - sample.moved >= stalled_after);
    stalled.then_some(GivenUp::Stalled)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GONE: Peer = Peer {
        retransmissions: 9,
        probes: 0,
        round_trip: Duration::ZERO,
    };

    /// Of a peer that has answered nothing for so long, and to which something was written since.
    fn after(
        seconds: u64,
        unacknowledged: usize,
        stalled_after: Option<u64>,
        peer: Peer,
    ) -> Option<GivenUp> {
        let long_ago = clock::now();
        let now = long_ago + Duration::from_secs(seconds);
        let sample = Sample {
            written: 7,
            unacknowledged,
            moved: long_ago,
            answered: long_ago,
        };
        given_up(sample, stalled_after.map(Duration::from_secs), now, || peer)
    }

    #[test]
    fn who_has_vanished_is_given_up_whether_the_process_drains_or_not() {
        for stalled_after in [None, Some(75)] {
            assert_eq!(after(60, 1, stalled_after, GONE), Some(GivenUp::Vanished));
            assert_eq!(
                after(60, 0, stalled_after, GONE),
                None,
                "nothing is left to take"
            );
        }
    }

    #[test]
    fn who_lives_is_given_up_by_time_and_in_the_drain_never() {
        let alive = Peer::default();
        assert_eq!(after(74, 1, Some(75), alive), None);
        assert_eq!(after(75, 1, Some(75), alive), Some(GivenUp::Stalled));
        assert_eq!(
            after(75, 0, Some(75), alive),
            Some(GivenUp::Stalled),
            "of HTTP/2's window"
        );
        assert_eq!(after(3_600, 1, None, alive), None);
    }
}
