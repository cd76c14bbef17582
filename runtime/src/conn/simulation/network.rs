//! A network on paused time: what is on its way, and when it arrives.

use std::{
    cell::{Cell, RefCell},
    cmp::Reverse,
    collections::BinaryHeap,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::{
    random::Random,
    socket::Socket,
    tcp::{CLIENT, SERVER, Tcp},
};
use crate::clock;

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
                    let changed = self.0.changed.notified();
                    let _ = tokio::time::timeout_at(at.into(), changed).await;
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

    /// How long one segment takes.
    pub(super) fn takes(&self, path: Path) -> Duration {
        path.latency + self.0.random.up_to(path.jitter)
    }

    /// Whether the segment at hand is lost once.
    pub(super) fn loses_one(&self) -> bool {
        self.0.random.percent(self.0.loss)
    }

    /// A moment of at most this length.
    pub(super) fn moment(&self, longest: Duration) -> Duration {
        self.0.random.up_to(longest)
    }

    /// A connection whose handshake is complete: the client's side, and the server's.
    pub(super) fn connect(&self, path: Path) -> (Socket, Socket) {
        let tcp = Tcp::new(self.clone(), path);
        (
            Socket::new(Rc::clone(&tcp), CLIENT),
            Socket::new(tcp, SERVER),
        )
    }
}
