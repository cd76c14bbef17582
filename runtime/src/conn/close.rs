use std::{
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::{link::Link, timer::Timer};
use crate::{
    kernel,
    sabotage::{self, Rule},
};

/// How long the client's own FIN is waited for once it has everything.
const LINGER: Duration = Duration::from_millis(200);

/// How long at most the rest of a body is discarded that the handler did not want.
const DISCARD: Duration = Duration::from_secs(5);

/// How long the acknowledgement of a FIN is waited for that has no byte before it: a peer that has
/// vanished without a word is owed nothing.
const FIN_ALONE: Duration = Duration::from_secs(1);

/// The kernel has no event for "all is acknowledged", so it is asked at these intervals; mostly
/// the client's FIN comes first, and brings the answer with it.
const FIRST_CHECK: Duration = Duration::from_millis(1);
const LAST_CHECK: Duration = Duration::from_millis(50);

/// The end of a connection: FIN, then wait until the peer has acknowledged every byte, then
/// read and discard until its FIN.
///
/// When the last process of a pod exits, its network goes, and with it what its kernel had still
/// to send; and a socket closed with bytes unread, or that receives some later, answers RST,
/// which destroys a response on its way (RFC 9112, 9.6).
#[derive(Debug)]
pub(super) struct Close {
    fin_sent: bool,
    /// It is to end by RST, once the peer has what was sent.
    abrupt: bool,
    peer_done: bool,
    /// The client was still sending when it was answered.
    unread: bool,
    /// Every byte had been acknowledged when this began.
    owes_nothing: bool,
    began: Instant,
    unacknowledged: usize,
    /// When the count above last fell.
    progress: Instant,
    /// When something was last discarded. A peer that sends takes nothing by that.
    discarded: Instant,
    check_after: Duration,
    acknowledged: Option<Instant>,
}

impl Close {
    pub(super) fn new(link: &Link, unread: bool, now: Instant) -> Self {
        Self {
            fin_sent: false,
            abrupt: false,
            peer_done: link.eof,
            unread,
            owes_nothing: kernel::unacknowledged(&link.io).is_ok_and(|left| left == 0),
            began: now,
            unacknowledged: usize::MAX,
            progress: now,
            discarded: now,
            check_after: FIRST_CHECK,
            acknowledged: None,
        }
    }

    /// Every byte of every response has been acknowledged: what has not is a goodbye.
    pub(super) fn owes_nothing(&mut self) {
        self.owes_nothing = true;
    }

    /// The end of a response that has failed, and for which a FIN would be the proper end.
    pub(super) fn abrupt(link: &Link, now: Instant) -> Self {
        Self {
            fin_sent: true,
            abrupt: true,
            ..Self::new(link, true, now)
        }
    }

    /// Whether the peer has everything.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.owes_nothing || self.acknowledged.is_some()
    }

    /// Ready when the socket may be dropped. `patience` is how long a peer may go without
    /// acknowledging anything; while the process drains, only the deadline ends it.
    pub(super) fn poll(
        &mut self,
        link: &mut Link,
        timer: &mut Timer,
        patience: Option<Duration>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if !self.fin_sent {
            if ready!(link.poll_shutdown(cx)).is_err() {
                return Poll::Ready(());
            }
            self.fin_sent = true;
        }
        while !self.peer_done {
            match link.poll_discard(cx) {
                Poll::Ready(Ok(0)) => self.peer_done = true,
                Poll::Ready(Ok(_)) => self.discarded = Instant::now(),
                // Reset: the peer has gone, and nothing more can reach it.
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        loop {
            let now = Instant::now();
            let Some(since) = self.acknowledged else {
                if self.look(link, now) {
                    self.acknowledged = Some(now);
                    continue;
                }
                if patience.is_some_and(|patience| now - self.progress > patience) {
                    return Poll::Ready(());
                }
                ready!(timer.poll(now + self.check_after, cx));
                self.check_after = (self.check_after * 2).min(LAST_CHECK);
                continue;
            };
            if self.abrupt {
                link.abandon();
                return Poll::Ready(());
            }
            let until = match self.unread {
                true => (self.discarded.max(since) + LINGER).min(since + DISCARD),
                false => since + LINGER,
            };
            if !self.peer_done && !sabotage::is_off(Rule::Linger) {
                ready!(timer.poll(until, cx));
            }
            return Poll::Ready(());
        }
    }

    /// Whether the kernel now says that all is acknowledged.
    fn look(&mut self, link: &Link, now: Instant) -> bool {
        // Where it cannot say, the client's FIN, or the linger, must do.
        let left = kernel::unacknowledged(&link.io).unwrap_or(0);
        if left < self.unacknowledged {
            self.unacknowledged = left;
            self.progress = now;
            self.check_after = FIRST_CHECK;
        }
        let given_up = self.owes_nothing && now - self.began >= FIN_ALONE;
        left == 0 || given_up || sabotage::is_off(Rule::Acknowledged)
    }
}
