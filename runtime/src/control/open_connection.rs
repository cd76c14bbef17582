use std::{
    sync::{
        Arc,
        atomic::{
            AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Instant,
};

use super::{Control, Newcomers, Notice, Pulse, Stage};
use crate::{accept::Place, clock, lifecycle::Load};

/// What one worker has open. Written by that worker alone but for `open`, so it is uncontended; and
/// whether the worker answers.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    open: AtomicUsize,
    in_flight: AtomicUsize,
    /// Connections that speak HTTP/2.
    http2: AtomicUsize,
    requests: AtomicUsize,
    aborted: AtomicUsize,
    pub(crate) pulse: Pulse,
}

impl Counters {
    pub(crate) fn load(&self) -> Load {
        Load {
            open: self.open.load(SeqCst),
            in_flight: self.in_flight.load(SeqCst),
            background: 0,
        }
    }

    pub(super) fn http2(&self) -> usize {
        self.http2.load(SeqCst)
    }

    /// A request is being handled from here on. Only its worker may call this and
    /// [`Self::request_ended`]: where one thread writes, no atomic addition is needed.
    pub(crate) fn request_began(&self) {
        self.requests.store(self.requests() + 1, Relaxed);
    }

    pub(crate) fn request_ended(&self, aborted: bool) {
        self.requests.store(self.requests() - 1, Relaxed);
        if aborted {
            self.aborted.store(self.aborted() + 1, Relaxed);
        }
    }

    /// Requests that are being handled.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Relaxed)
    }

    /// Requests whose clients left before the end of the response.
    pub(crate) fn aborted(&self) -> usize {
        self.aborted.load(Relaxed)
    }
}

/// One connection's place in the count, from `accept` to its very end.
///
/// It is taken with the accept, so that a connection is in flight before anybody looks at it.
#[derive(Debug)]
pub(crate) struct OpenConnection {
    control: Arc<Control>,
    counters: Arc<Counters>,
    /// Where there may be so many only.
    _place: Option<Place>,
    accepted: Instant,
    in_flight: bool,
    http2: bool,
    /// It has been counted as a sign of traffic, or is none.
    is_sign: bool,
}

impl OpenConnection {
    pub(crate) fn new(
        control: Arc<Control>,
        counters: Arc<Counters>,
        place: Option<Place>,
    ) -> Self {
        counters.open.fetch_add(1, SeqCst);
        counters.in_flight.fetch_add(1, SeqCst);
        Self {
            control,
            counters,
            _place: place,
            accepted: clock::now(),
            in_flight: true,
            http2: false,
            is_sign: false,
        }
    }

    /// It is one of these.
    pub(crate) fn of(mut self, newcomers: Newcomers) -> Self {
        // A client that was there before T0, and asks again, is a sign nevertheless.
        self.is_sign = newcomers == Newcomers::Anybodys && self.control.t0().is_some();
        self
    }

    /// When the connection was accepted.
    pub(crate) fn accepted(&self) -> Instant {
        self.accepted
    }

    /// The connection's first bytes have come. After T0 that makes it a sign of traffic: a load
    /// balancer's TCP check sends none. Where there are paths that are no sign, its first request
    /// has to be seen.
    pub(crate) fn note_bytes(&mut self) {
        if self.control.drain().ignore.is_empty() {
            self.note_newcomer();
        }
    }

    /// A request has come after T0. A first one on an old connection is a sign of traffic, too, by
    /// HTTP/1.1: a proxy that still routes here uses up the connections of its pool, and opens no
    /// new one meanwhile.
    pub(crate) fn note_request(&mut self, path: &str, now: Instant) {
        if self
            .control
            .drain()
            .ignore
            .iter()
            .any(|ignored| ignored == path)
        {
            return;
        }
        self.note_newcomer();
        if !self.is_sign && !self.http2 {
            self.is_sign = true;
            self.control.notify(Notice::KeptRequest(now));
        }
    }

    fn note_newcomer(&mut self) {
        let is_new = self.control.t0().is_some_and(|t0| self.accepted >= t0);
        if is_new && !self.is_sign {
            self.is_sign = true;
            self.control.notify(Notice::Newcomer(self.accepted));
        }
    }

    /// From now on the connection speaks HTTP/2.
    pub(crate) fn set_http2(&mut self) {
        self.http2 = true;
        self.counters.http2.fetch_add(1, SeqCst);
    }

    pub(crate) fn in_flight(&self) -> bool {
        self.in_flight
    }

    #[inline]
    pub(crate) fn set_in_flight(&mut self, in_flight: bool) {
        if in_flight == self.in_flight {
            return;
        }
        self.in_flight = in_flight;
        if in_flight {
            self.counters.in_flight.fetch_add(1, SeqCst);
        } else if self.counters.in_flight.fetch_sub(1, SeqCst) == 1 {
            self.progress();
        }
    }

    /// Counted first and the stage read second, while the driver raises the stage first and reads
    /// the count second: in whatever order the two run, one of them sees the other.
    fn progress(&self) {
        if self.control.stage() >= Stage::Drain {
            self.control.notify(Notice::Progress);
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.set_in_flight(false);
        if self.http2 {
            self.counters.http2.fetch_sub(1, SeqCst);
        }
        if self.counters.open.fetch_sub(1, SeqCst) == 1 {
            self.progress();
        }
    }
}
