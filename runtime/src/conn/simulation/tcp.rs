//! TCP, as far as a drain can lose by it: windows that shut, segments that are lost and sent again,
//! acknowledgements, resets, and peers that vanish.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    task::Waker,
    time::{Duration, Instant},
};

use super::network::{Network, Path};
use crate::clock;

/// What a receiver's kernel keeps of what has not been read.
const WINDOW: usize = 4 * 1024;

/// A segment.
const SEGMENT: usize = 1400;

/// After so long without an acknowledgement a segment is sent again; after twice as long once more.
pub(super) const RETRANSMIT: Duration = Duration::from_millis(200);

/// How long at most the event loop takes to tell of what the kernel has.
const EVENT_LOOP: Duration = Duration::from_millis(2);

pub(super) type Side = usize;
pub(super) const CLIENT: Side = 0;
pub(super) const SERVER: Side = 1;

/// A connection, and what both its kernels know of it.
pub(super) struct Tcp {
    pub(super) network: Network,
    pub(super) path: Path,
    /// When one side vanished: it sends nothing any more, not even an acknowledgement, and hears
    /// nothing.
    pub(super) gone: Cell<Option<Instant>>,
    /// What each side sends.
    pub(super) ways: [RefCell<Way>; 2],
}

/// What one side has sent to the other.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// The receiver's window has no room for it.
    pub(super) unsent: VecDeque<u8>,
    pub(super) fin_unsent: bool,
    /// Sent, and not acknowledged; a FIN counts as a byte.
    pub(super) outstanding: usize,
    /// Since when.
    pub(super) since: Option<Instant>,
    /// Of these, what has not arrived.
    pub(super) flying: usize,
    /// What is behind it arrives no earlier.
    pub(super) last_arrival: Option<Instant>,
    /// In the receiver's kernel.
    pub(super) received: VecDeque<u8>,
    pub(super) fin: bool,
    pub(super) reset: bool,
    /// The receiver's event loop has told of it.
    pub(super) told: bool,
    /// The receiver has closed its socket.
    pub(super) deaf: bool,
    /// The sender may send no more.
    pub(super) shut: bool,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

/// What a segment carries.
enum Segment {
    Bytes(Vec<u8>),
    Fin,
}

impl Segment {
    fn length(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Fin => 1,
        }
    }
}

impl Tcp {
    pub(super) fn new(network: Network, path: Path) -> Rc<Self> {
        Rc::new(Self {
            network,
            path,
            gone: Cell::new(None),
            ways: Default::default(),
        })
    }

    /// Sends what the receiver has room for.
    pub(super) fn pump(self: &Rc<Self>, from: Side) {
        loop {
            let mut way = self.ways[from].borrow_mut();
            let room = WINDOW.saturating_sub(way.flying + way.received.len());
            let count = way.unsent.len().min(room).min(SEGMENT);
            let segment = if count > 0 {
                Segment::Bytes(way.unsent.drain(..count).collect())
            } else if way.fin_unsent && way.unsent.is_empty() {
                way.fin_unsent = false;
                Segment::Fin
            } else {
                return;
            };
            let now = clock::now();
            way.outstanding += segment.length();
            way.flying += segment.length();
            way.since.get_or_insert(now);
            if self.is_cut() {
                continue;
            }
            let lost = self.network.loses_one();
            let again = if lost { RETRANSMIT } else { Duration::ZERO };
            let arrives = now + again + self.network.takes(self.path);
            let arrives = way.last_arrival.map_or(arrives, |last| last.max(arrives));
            way.last_arrival = Some(arrives);
            drop(way);
            let tcp = Rc::clone(self);
            self.network.at(arrives, move || tcp.arrive(from, segment));
        }
    }

    /// Whether nothing gets from one side to the other.
    fn is_cut(&self) -> bool {
        self.gone.get().is_some()
    }

    pub(super) fn cut(&self) {
        self.gone
            .set(self.gone.get().or_else(|| Some(clock::now())));
    }

    fn arrive(self: &Rc<Self>, from: Side, segment: Segment) {
        if self.is_cut() {
            return;
        }
        let mut way = self.ways[from].borrow_mut();
        if way.reset {
            return;
        }
        let length = segment.length();
        way.flying -= length;
        if way.deaf {
            let is_data = matches!(segment, Segment::Bytes(_));
            drop(way);
            if is_data {
                return self.reset();
            }
        } else {
            match segment {
                Segment::Bytes(bytes) => way.received.extend(bytes),
                Segment::Fin => way.fin = true,
            }
            drop(way);
            self.tell(from);
        }
        let acknowledged = clock::now() + self.network.takes(self.path);
        let tcp = Rc::clone(self);
        self.network.at(acknowledged, move || {
            if !tcp.is_cut() {
                let mut way = tcp.ways[from].borrow_mut();
                way.outstanding = way.outstanding.saturating_sub(length);
                way.since = (way.outstanding > 0).then(clock::now);
                let writer = way.writer.take();
                drop(way);
                writer.into_iter().for_each(Waker::wake);
                tcp.pump(from);
            }
        });
    }

    /// The receiver's event loop tells of what has arrived, a moment after its kernel has it.
    fn tell(self: &Rc<Self>, from: Side) {
        let at = clock::now() + self.network.moment(EVENT_LOOP);
        let tcp = Rc::clone(self);
        self.network.at(at, move || {
            let mut way = tcp.ways[from].borrow_mut();
            // Whoever has read past the event loop hears nothing more of it (epoll(7)).
            if way.received.is_empty() && !way.fin && !way.reset {
                return;
            }
            way.told = true;
            let reader = way.reader.take();
            drop(way);
            reader.into_iter().for_each(Waker::wake);
        });
    }

    /// One side sends RST: what is on its way, and what has not been read, is lost.
    pub(super) fn reset(self: &Rc<Self>) {
        if self.is_cut() {
            return;
        }
        let arrives = clock::now() + self.network.takes(self.path);
        let tcp = Rc::clone(self);
        self.network.at(arrives, move || {
            if tcp.is_cut() {
                return;
            }
            for side in [CLIENT, SERVER] {
                let mut way = tcp.ways[side].borrow_mut();
                (way.reset, way.told) = (true, true);
                way.unsent.clear();
                way.received.clear();
                (way.outstanding, way.flying, way.since) = (0, 0, None);
                let wakers = [way.reader.take(), way.writer.take()];
                drop(way);
                wakers.into_iter().flatten().for_each(Waker::wake);
            }
        });
    }
}
