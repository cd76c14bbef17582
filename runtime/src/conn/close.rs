use std::{
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::{
    Worker,
    buffered_io::BufferedIo,
    delivery::{Delivery, GivenUp},
    request::LastResponse,
    timer::Timer,
};
use crate::{
    clock,
    control::{Control, OpenConnection},
    rules::Rule,
};

/// How long the client's own FIN is waited for once it has everything: so many round trips, so that
/// what it sent before it heard of ours arrives here ...
const ROUND_TRIPS: u32 = 3;

/// ... within these bounds.
const LINGER: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// How long at most something is discarded that is no request.
const DISCARD: Duration = Duration::from_secs(5);

/// A client that uploads reads its answer when it has sent what it was about to send: it may pause
/// for so long, and take so long in all.
const UPLOAD_PAUSE: Duration = Duration::from_secs(5);
const UPLOAD: Duration = Duration::from_secs(30);

/// How long the acknowledgement of a FIN is waited for that has no byte before it: a peer that has
/// vanished without a word is owed nothing.
const FIN_ALONE: Duration = Duration::from_secs(1);

/// The kernel has no event for "all is acknowledged", so it is asked at intervals that grow from the
/// one to the other; mostly the client's FIN comes first, and brings the answer with it.
const FIRST_CHECK: Duration = Duration::from_millis(1);
const LAST_CHECK: Duration = Duration::from_millis(100);

/// What bytes are that arrive behind our FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// A request of a client that was never told to leave: it crossed the FIN, and is lost.
    Crossed,
    /// A request of a client that was told that nothing more would be answered.
    Unanswered,
    /// The rest of a request's body that nobody read.
    Body,
    /// No request: what follows broken framing, or frames of HTTP/2.
    Anything,
}

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
    behind: Behind,
    /// Something behind the FIN has been counted.
    counted: bool,
    /// Every byte had been acknowledged when this began, or needs no acknowledgement.
    owes_nothing: bool,
    began: Instant,
    delivery: Delivery,
    /// When something was last discarded. A peer that sends takes nothing by that.
    discarded: Instant,
    /// When the kernel is asked next, and how long after the time before.
    check_at: Instant,
    check_after: Duration,
    acknowledged: Option<Instant>,
}

impl Close {
    pub(super) fn new(io: &BufferedIo, behind: Behind, now: Instant) -> Self {
        Self {
            fin_sent: false,
            abrupt: false,
            peer_done: io.eof,
            behind,
            counted: false,
            owes_nothing: io.transport.is_delivered_at_once()
                || io.transport.unacknowledged() == Some(0),
            began: now,
            delivery: Delivery::default(),
            discarded: now,
            check_at: now,
            check_after: FIRST_CHECK,
            acknowledged: None,
        }
    }

    /// Every byte of every response has been acknowledged: what has not is a goodbye.
    pub(super) fn owes_nothing(&mut self) {
        self.owes_nothing = true;
    }

    /// The end of a response that has failed, and for which a FIN would be the proper end.
    pub(super) fn abrupt(io: &BufferedIo, now: Instant) -> Self {
        Self {
            fin_sent: true,
            abrupt: true,
            ..Self::new(io, Behind::Anything, now)
        }
    }

    /// Whether the peer has everything.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.owes_nothing || self.acknowledged.is_some()
    }

    /// Counts what a client sent that will not be answered. Line ends are no request.
    pub(super) fn note(&mut self, bytes: &[u8], control: &Control) {
        if self.counted || bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            return;
        }
        match self.behind {
            Behind::Crossed => {
                control.ledger.crossed.add();
                tracing::warn!("a request crossed the end of its idle connection, and is lost");
            }
            Behind::Unanswered => control.ledger.unanswered.add(),
            Behind::Body | Behind::Anything => return,
        }
        self.counted = true;
    }

    /// Ready when the socket may be dropped. The connection is in flight until its peer has everything,
    /// and a peer that has vanished is counted.
    pub(super) fn poll_counting<A>(
        &mut self,
        io: &mut BufferedIo,
        timer: &mut Timer,
        worker: &Worker<A>,
        open: &mut OpenConnection,
        last: &LastResponse,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let closed = self.poll(io, timer, worker.stalled_after(), &worker.control, cx);
        open.set_in_flight(!self.is_acknowledged());
        if closed == Poll::Ready(Some(GivenUp::Vanished)) {
            worker.control.ledger.vanished.add();
            last.count_vanished(&worker.control);
        }
        closed.map(|_| ())
    }

    /// Ready when the socket may be dropped; if its peer is given up before it has everything, with
    /// the reason. `stalled_after`: see [`Delivery::poll`].
    fn poll(
        &mut self,
        io: &mut BufferedIo,
        timer: &mut Timer,
        stalled_after: Option<Duration>,
        control: &Control,
        cx: &mut Context<'_>,
    ) -> Poll<Option<GivenUp>> {
        if !self.fin_sent {
            match io.poll_shutdown(cx) {
                Poll::Ready(Ok(())) => self.fin_sent = true,
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                // TLS has a last word of its own, and the kernel no room for it: a peer that takes
                // nothing is given up like any other.
                Poll::Pending => {}
            }
        }
        while !self.peer_done {
            let noted = io.poll_discard(cx, |bytes| self.note(bytes, control));
            match noted {
                Poll::Ready(Ok(0)) => self.peer_done = true,
                Poll::Ready(Ok(_)) => self.discarded = clock::now(),
                // Reset: the peer has gone, and nothing more can reach it.
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        if self.acknowledged.is_none()
            && let Some(given_up) =
                ready!(self.poll_acknowledged(io, timer, stalled_after, control, cx))
        {
            return Poll::Ready(Some(given_up));
        }
        if self.abrupt {
            io.transport.abandon();
        } else if !self.peer_done && !control.lacks(Rule::Linger) {
            ready!(timer.poll(self.lingers_until(io), cx));
        }
        Poll::Ready(None)
    }

    /// Ready with `None` when the peer has everything, else when it is given up.
    fn poll_acknowledged(
        &mut self,
        io: &BufferedIo,
        timer: &mut Timer,
        stalled_after: Option<Duration>,
        control: &Control,
        cx: &mut Context<'_>,
    ) -> Poll<Option<GivenUp>> {
        loop {
            let now = clock::now();
            let given_up = self
                .delivery
                .sample(&io.transport, io.written, stalled_after, now);
            let owed_nothing = self.owes_nothing && now - self.began >= FIN_ALONE;
            let has_all = self.delivery.unacknowledged() == Some(0) || owed_nothing;
            if has_all || control.lacks(Rule::Acknowledged) {
                self.acknowledged = Some(now);
                return Poll::Ready(None);
            }
            if given_up.is_some() {
                io.transport.abandon();
                return Poll::Ready(given_up);
            }
            // Not at each poll: what the peer goes on sending must not put the next look off.
            if now >= self.check_at {
                self.check_at = now + self.check_after;
                self.check_after = (self.check_after * 2).min(LAST_CHECK);
            }
            ready!(timer.poll(self.check_at, cx));
        }
    }

    /// Until when the client's FIN is waited for.
    fn lingers_until(&self, io: &BufferedIo) -> Instant {
        let since = self.acknowledged.unwrap_or(self.began);
        let last = self.discarded.max(since);
        let round_trip = io.transport.peer().round_trip;
        let linger = (round_trip * ROUND_TRIPS).clamp(LINGER[0], LINGER[1]);
        match self.behind {
            Behind::Body => (last + UPLOAD_PAUSE).min(since + UPLOAD),
            Behind::Anything => (last + linger).min(since + DISCARD),
            Behind::Crossed | Behind::Unanswered => since + linger,
        }
    }
}
