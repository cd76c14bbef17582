use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use super::{Control, Notice, Stage};
use crate::lifecycle::Load;

/// What one worker has open. Written by that worker alone but for `open`, so it is uncontended.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    open: AtomicUsize,
    in_flight: AtomicUsize,
    /// Requests being handled.
    pub(crate) requests: AtomicUsize,
}

impl Counters {
    pub(crate) fn load(&self) -> Load {
        Load {
            open: self.open.load(SeqCst),
            in_flight: self.in_flight.load(SeqCst),
        }
    }
}

/// One connection's place in the count, from `accept` to its very end.
///
/// It is taken by the acceptor, so that a connection on its way to a worker is in flight.
#[derive(Debug)]
pub(crate) struct Slot {
    control: Arc<Control>,
    counters: Arc<Counters>,
    in_flight: bool,
}

impl Slot {
    pub(crate) fn new(control: Arc<Control>, counters: Arc<Counters>) -> Self {
        counters.open.fetch_add(1, SeqCst);
        counters.in_flight.fetch_add(1, SeqCst);
        Self {
            control,
            counters,
            in_flight: true,
        }
    }

    pub(crate) fn in_flight(&self) -> bool {
        self.in_flight
    }

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

impl Drop for Slot {
    fn drop(&mut self) {
        self.set_in_flight(false);
        if self.counters.open.fetch_sub(1, SeqCst) == 1 {
            self.progress();
        }
    }
}
