use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Waker},
    time::Instant,
};

use crate::conn::{PeerAddress, Worker, request::LastResponse};

/// What the heads of all requests of a connection may weigh that handlers are at work on: a hundred
/// of 28 fields each.
const HEADS: usize = 1024 * 1024;

/// What all streams of a connection may have handed to `h2` and the kernel not taken, more or less a
/// chunk.
const OUTGOING: usize = 256 * 1024;

/// What a chunk costs beside its bytes: handlers may stream byte by byte.
const CHUNK: usize = 256;

/// What all streams of a connection may have taken from their bodies for a client whose windows are
/// shut, more or less a chunk.
const READ_AHEAD: usize = 256 * 1024;

/// What the streams of a connection share.
#[derive(Debug)]
pub(super) struct Shared<A> {
    pub(super) worker: Rc<Worker<A>>,
    pub(super) peer: PeerAddress,
    pub(super) last: RefCell<LastResponse>,
    /// A response has been sent, if only its head.
    pub(super) answered: Cell<bool>,
    /// When the last stream ended.
    pub(super) since: Cell<Instant>,
    /// Streams whose client's windows are full.
    pub(super) waiting: Cell<usize>,
    /// What these have taken from their bodies already.
    pub(super) read_ahead: Cell<usize>,
    /// What the heads of requests weigh that handlers have not answered yet.
    pub(super) heads: Cell<usize>,
    pub(super) outgoing: Outgoing,
}

/// What of responses was handed to `h2` since the kernel last took all that it had, over all streams.
/// `h2` limits each stream alone, and a client may have a hundred.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Cell<usize>,
    /// Streams that wait for room.
    waiting: RefCell<Vec<Waker>>,
}

impl Outgoing {
    /// Whether there is room for more; if not, the task is woken when there is.
    pub(super) fn has_room(&self, cx: &mut Context<'_>) -> bool {
        let has_room = self.bytes.get() < OUTGOING;
        if !has_room {
            self.waiting.borrow_mut().push(cx.waker().clone());
        }
        has_room
    }

    pub(super) fn add(&self, bytes: usize) {
        self.bytes.update(|before| before + bytes + CHUNK);
    }

    /// The kernel has taken everything.
    pub(super) fn all_taken(&self) {
        if self.bytes.replace(0) >= OUTGOING {
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
    }
}

/// A request's head while its handler is at work.
#[derive(Debug)]
pub(super) struct Head<A> {
    shared: Rc<Shared<A>>,
    weight: usize,
}

impl<A> Head<A> {
    /// `None` if the heads of this connection weigh too much with this one.
    pub(super) fn new(shared: &Rc<Shared<A>>, weight: usize) -> Option<Self> {
        let heads = shared.heads.get() + weight;
        (heads <= HEADS).then(|| {
            shared.heads.set(heads);
            let shared = Rc::clone(shared);
            Self { shared, weight }
        })
    }
}

impl<A> Drop for Head<A> {
    fn drop(&mut self) {
        self.shared.heads.update(|heads| heads - self.weight);
    }
}

/// A stream that waits until its client takes more.
#[derive(Debug)]
pub(super) struct Stalled<A> {
    shared: Rc<Shared<A>>,
    read_ahead: usize,
}

impl<A> Stalled<A> {
    /// `read_ahead`: what it has taken from its body already.
    pub(super) fn new(shared: &Rc<Shared<A>>, read_ahead: usize) -> Self {
        shared.waiting.update(|count| count + 1);
        shared.read_ahead.update(|bytes| bytes + read_ahead);
        let shared = Rc::clone(shared);
        Self { shared, read_ahead }
    }
}

impl<A> Drop for Stalled<A> {
    fn drop(&mut self) {
        self.shared.waiting.update(|count| count - 1);
        self.shared
            .read_ahead
            .update(|bytes| bytes - self.read_ahead);
    }
}

impl<A> Shared<A> {
    /// Whether a stream whose client takes nothing may take the next chunk from its body.
    pub(super) fn may_read_ahead(&self) -> bool {
        self.read_ahead.get() < READ_AHEAD
    }

    /// The deadline: the last response is written, and has not arrived.
    pub(super) fn count_unacknowledged(&self) {
        self.last
            .borrow()
            .count_unacknowledged(&self.worker.control);
    }
}
