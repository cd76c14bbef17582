use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    time::Instant,
};

use crate::conn::{Worker, request::LastRoute};

/// What the streams of a connection share.
#[derive(Debug)]
pub(super) struct Shared<S> {
    pub(super) worker: Rc<Worker<S>>,
    pub(super) peer: SocketAddr,
    pub(super) route: RefCell<LastRoute>,
    /// A response has been sent, if only its head.
    pub(super) answered: Cell<bool>,
    /// The last response was counted as one that the drain finished.
    pub(super) finished: Cell<bool>,
    /// When the last stream ended.
    pub(super) since: Cell<Instant>,
    /// Streams whose client's windows are full.
    pub(super) waiting: Cell<usize>,
}

/// A stream that waits until its client takes more.
#[derive(Debug)]
pub(super) struct Waits<S>(Rc<Shared<S>>);

impl<S> Waits<S> {
    pub(super) fn new(shared: &Rc<Shared<S>>) -> Self {
        shared.waiting.update(|count| count + 1);
        Self(Rc::clone(shared))
    }
}

impl<S> Drop for Waits<S> {
    fn drop(&mut self) {
        self.0.waiting.update(|count| count - 1);
    }
}

impl<S> Shared<S> {
    /// The deadline: the last response is written, and has not arrived.
    pub(super) fn count_unacknowledged(&self) {
        let control = &self.worker.control;
        control.count_cut(&self.route.borrow().unacknowledged(), 1);
        if self.finished.get() {
            control.uncount_finished();
        }
    }
}
