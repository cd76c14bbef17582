//! A network on paused time: latency, loss, peers that vanish, windows that shut, and bytes in
//! arbitrary pieces. What it knows of TCP is what a drain can lose by.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    io::{self, ErrorKind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
};

use super::random::Random;
use crate::{
    clock,
    kernel::{Peer, Waiting},
};

/// What a sender's kernel keeps of what has not been acknowledged.
const SEND_BUFFER: usize = 4 * 1024;

/// What a receiver's kernel keeps of what has not been read.
const WINDOW: usize = 4 * 1024;

/// A segment.
const SEGMENT: usize = 1400;

/// After so long without an acknowledgement a segment is sent again; after twice as long once more.
const RETRANSMIT: Duration = Duration::from_millis(200);

/// How long at most the event loop takes to tell of what the kernel has.
const EVENT_LOOP: Duration = Duration::from_millis(2);

/// What happens at some time, in the order in which it was arranged.
struct Event {
    at: Instant,
    number: u64,
    happens: Box<dyn FnOnce()>,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// Everything on its way.
#[derive(Clone)]
pub(super) struct Network(Rc<Inner>);

struct Inner {
    events: RefCell<BinaryHeap<Reverse<Event>>>,
    arranged: Cell<u64>,
    changed: Notify,
    random: Random,
    /// Of a hundred segments so many are lost once.
    loss: u64,
}

/// One way a connection's packets go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub(super) latency: Duration,
    /// So much longer at most.
    pub(super) jitter: Duration,
}

impl Network {
    pub(super) fn new(random: Random, loss: u64) -> Self {
        Self(Rc::new(Inner {
            events: RefCell::default(),
            arranged: Cell::new(0),
            changed: Notify::new(),
            random,
            loss,
        }))
    }

    /// Has everything happen at its time.
    pub(super) async fn run(&self) {
        loop {
            let next = self.0.events.borrow().peek().map(|event| event.0.at);
            match next {
                Some(at) if at <= clock::now() => {
                    let event = self.0.events.borrow_mut().pop();
                    if let Some(Reverse(event)) = event {
                        (event.happens)();
                    }
                }
                Some(at) => {
                    tokio::select! {
                    biased;
                                () = tokio::time::sleep_until(at.into()) => {}
                                () = self.0.changed.notified() => {}
                            }
                }
                None => self.0.changed.notified().await,
            }
        }
    }

    pub(super) fn at(&self, at: Instant, happens: impl FnOnce() + 'static) {
        let number = self.0.arranged.get();
        self.0.arranged.set(number + 1);
        let happens = Box::new(happens);
        self.0.events.borrow_mut().push(Reverse(Event {
            at,
            number,
            happens,
        }));
        self.0.changed.notify_one();
    }

    fn takes(&self, path: Path) -> Duration {
        path.latency + self.0.random.up_to(path.jitter)
    }

    /// A connection whose handshake is complete: the client's side, and the server's.
    pub(super) fn connect(&self, path: Path) -> (Socket, Socket) {
        let pair = Rc::new(Pair {
            network: self.clone(),
            path,
            gone: Cell::new(None),
            ways: Default::default(),
        });
        let socket = |side| Socket {
            pair: Rc::clone(&pair),
            side,
            abandoned: Cell::new(false),
        };
        (socket(CLIENT), socket(SERVER))
    }
}

type Side = usize;
const CLIENT: Side = 0;
const SERVER: Side = 1;

struct Pair {
    network: Network,
    path: Path,
    /// When one side vanished: it sends nothing any more, not even an acknowledgement, and hears
    /// nothing.
    gone: Cell<Option<Instant>>,
    /// What each side sends.
    ways: [RefCell<Way>; 2],
}

/// What one side has sent to the other.
#[derive(Debug, Default)]
struct Way {
    /// The receiver's window has no room for it.
    unsent: VecDeque<u8>,
    fin_unsent: bool,
    /// Sent, and not acknowledged; a FIN counts as a byte.
    outstanding: usize,
    /// Since when.
    since: Option<Instant>,
    /// Of these, what has not arrived.
    flying: usize,
    /// What is behind it arrives no earlier.
    last_arrival: Option<Instant>,
    /// In the receiver's kernel.
    received: VecDeque<u8>,
    fin: bool,
    reset: bool,
    /// The receiver's event loop has told of it.
    told: bool,
    /// The receiver has closed its socket.
    deaf: bool,
    /// The sender may send no more.
    shut: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
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

impl Pair {
    /// Sends what the receiver has room for.
    fn pump(self: &Rc<Self>, from: Side) {
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
            let lost = self.network.0.random.below(100) < self.network.0.loss;
            let again = if lost { RETRANSMIT } else { Duration::ZERO };
            let arrives = now + again + self.network.takes(self.path);
            let arrives = way.last_arrival.map_or(arrives, |last| last.max(arrives));
            way.last_arrival = Some(arrives);
            drop(way);
            let pair = Rc::clone(self);
            self.network.at(arrives, move || pair.arrive(from, segment));
        }
    }

    /// Whether nothing gets from one side to the other.
    fn is_cut(&self) -> bool {
        self.gone.get().is_some()
    }

    fn cut(&self) {
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
        let pair = Rc::clone(self);
        self.network.at(acknowledged, move || {
            if !pair.is_cut() {
                let mut way = pair.ways[from].borrow_mut();
                way.outstanding = way.outstanding.saturating_sub(length);
                way.since = (way.outstanding > 0).then(clock::now);
                let writer = way.writer.take();
                drop(way);
                writer.into_iter().for_each(Waker::wake);
                pair.pump(from);
            }
        });
    }

    /// The receiver's event loop tells of what has arrived, a moment after its kernel has it.
    fn tell(self: &Rc<Self>, from: Side) {
        let at = clock::now() + self.network.0.random.up_to(EVENT_LOOP);
        let pair = Rc::clone(self);
        self.network.at(at, move || {
            let mut way = pair.ways[from].borrow_mut();
            way.told = true;
            let reader = way.reader.take();
            drop(way);
            reader.into_iter().for_each(Waker::wake);
        });
    }

    /// One side sends RST: what is on its way, and what has not been read, is lost.
    fn reset(self: &Rc<Self>) {
        if self.is_cut() {
            return;
        }
        let arrives = clock::now() + self.network.takes(self.path);
        let pair = Rc::clone(self);
        self.network.at(arrives, move || {
            if pair.is_cut() {
                return;
            }
            for side in [CLIENT, SERVER] {
                let mut way = pair.ways[side].borrow_mut();
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

/// One side of a connection.
pub(crate) struct Socket {
    pair: Rc<Pair>,
    side: Side,
    abandoned: Cell<bool>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ways = &self.pair.ways;
        write!(
            f,
            "sends {:?}, receives {:?}",
            ways[self.side],
            ways[1 - self.side]
        )
    }
}

impl Socket {
    fn incoming(&self) -> &RefCell<Way> {
        &self.pair.ways[1 - self.side]
    }

    fn outgoing(&self) -> &RefCell<Way> {
        &self.pair.ways[self.side]
    }

    /// Has this side be gone without a word when it is called, whoever has the socket then.
    pub(super) fn power_switch(&self) -> impl Fn() + 'static {
        let pair = Rc::clone(&self.pair);
        move || pair.cut()
    }

    /// Tells whether anything waits on this side, whoever has the socket then.
    pub(super) fn look(&self) -> impl Fn() -> bool + 'static {
        let (pair, side) = (Rc::clone(&self.pair), 1 - self.side);
        move || !pair.ways[side].borrow().received.is_empty()
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let way = self.incoming().borrow();
        match way.received.is_empty() {
            false => Waiting::Bytes,
            true if way.fin || way.reset => Waiting::End,
            true => Waiting::Nothing,
        }
    }

    pub(crate) fn request_waits(&self) -> bool {
        let way = self.incoming().borrow();
        way.received
            .iter()
            .any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    pub(crate) fn unacknowledged(&self) -> usize {
        let way = self.outgoing().borrow();
        way.outstanding + way.unsent.len() + usize::from(way.fin_unsent)
    }

    pub(crate) fn peer(&self) -> Peer {
        let way = self.outgoing().borrow();
        // Of a window that is shut there are probes, and a living peer answers them.
        let probed = self.pair.gone.get().filter(|_| !way.unsent.is_empty());
        let times = |since: Option<Instant>| {
            let silent = since.map_or(Duration::ZERO, |since| clock::now() - since);
            let sent_again = |times: &u32| RETRANSMIT * ((1 << times) - 1) <= silent;
            (1..=15).take_while(sent_again).count() as u8
        };
        Peer {
            retransmissions: times(way.since),
            probes: times(probed.filter(|_| way.outstanding == 0)),
            round_trip: self.pair.path.latency * 2,
        }
    }

    pub(crate) fn abandon(&self) {
        self.abandoned.set(true);
    }

    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut way = self.incoming().borrow_mut();
        if way.told {
            return Poll::Ready(Ok(()));
        }
        way.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut way = self.incoming().borrow_mut();
        if !way.told {
            // As tokio does, from memory.
            way.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if way.reset {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        let count = way.received.len().min(buffer.remaining());
        if count > 0 {
            let bytes: Vec<u8> = way.received.drain(..count).collect();
            buffer.put_slice(&bytes);
            drop(way);
            let (pair, side) = (Rc::clone(&self.pair), 1 - self.side);
            let at = clock::now() + self.pair.network.takes(self.pair.path);
            self.pair.network.at(at, move || pair.pump(side));
            return Poll::Ready(Ok(()));
        }
        if way.fin {
            return Poll::Ready(Ok(()));
        }
        way.told = false;
        way.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut way = self.outgoing().borrow_mut();
        if way.reset {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        if way.shut {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let count = bytes
            .len()
            .min(SEND_BUFFER.saturating_sub(way.outstanding + way.unsent.len()));
        if count == 0 {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        way.unsent.extend(&bytes[..count]);
        drop(way);
        self.pair.pump(self.side);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut way = self.outgoing().borrow_mut();
        if way.reset {
            return Poll::Ready(Err(ErrorKind::NotConnected.into()));
        }
        if !std::mem::replace(&mut way.shut, true) {
            way.fin_unsent = true;
            drop(way);
            self.pair.pump(self.side);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let unread = !self.incoming().borrow().received.is_empty();
        self.incoming().borrow_mut().deaf = true;
        let mut way = self.outgoing().borrow_mut();
        if self.abandoned.get() || unread {
            way.shut = true;
            way.unsent.clear();
            drop(way);
            self.pair.reset();
        } else if !std::mem::replace(&mut way.shut, true) {
            way.fin_unsent = true;
            drop(way);
            self.pair.pump(self.side);
        }
    }
}
