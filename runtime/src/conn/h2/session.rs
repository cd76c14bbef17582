//! The life of a connection: its streams, its goodbye, its silences.

mod begin;
mod goodbye;
mod silence;
mod stall;

use std::{
    cell::RefCell,
    future::Future as _,
    mem,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use h2::{Reason, server::Connection};

use super::{
    STREAMS,
    io::{FramedIo, H2Io},
    shared::Shared,
    stream::{Stream, StreamEnd},
};
use crate::{
    clock,
    conn::{app::App, delivery::Delivery, registry::Registration, timer::Timer},
    control::{OpenConnection, Stage},
};

/// So many more requests may be reset by their client than are answered. `h2` limits those that
/// were reset before they were seen; these have cost a handler's start (CVE-2023-44487).
const RESETS: u32 = 2 * STREAMS;

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ended {
    /// In good order. `owing`: bytes of a response may not have been acknowledged yet.
    Close { owing: bool },
    /// The peer has gone.
    Gone,
}

/// What a step came to.
enum Step {
    Again,
    /// Every waker is registered.
    Wait,
    End(Ended),
}

/// A connection while it has streams, or may have some.
pub(super) struct Session<'w, 'l, A>
where
    A: App,
{
    shared: Rc<Shared<A>>,
    wire: &'w RefCell<FramedIo<'l>>,
    open: &'w mut OpenConnection,
    timer: &'w mut Timer,
    registration: Option<&'w Registration>,
    connection: Connection<H2Io<'w, 'l>, Bytes>,
    /// Requests without a body that have just come. Most handlers answer such a one at once, and then
    /// it needs no place among the streams that wait.
    quick: Vec<Pin<Box<Stream<A>>>>,
    streams: FuturesUnordered<Pin<Box<Stream<A>>>>,
    state: State,
    /// Resets by the client, less what was answered.
    resets: u32,
    /// When half a head was first seen.
    half_head: Option<Instant>,
    delivery: Delivery,
}

/// How far a connection has come: it only goes forward. `settled`: every byte of every response was
/// acknowledged when only a goodbye was left to say, so a peer that has vanished is owed nothing.
#[derive(Clone, Copy, Debug)]
enum State {
    /// No request has come.
    New,
    /// A request has come, and nothing of a response was sent.
    Asked,
    /// Since the first response was sent.
    Answered(Instant),
    /// Since its client was told to leave.
    Told { at: Instant, settled: bool },
    /// The last GOAWAY is on its way, without regard to streams.
    Leaving { settled: bool },
}

impl State {
    fn request_came(&mut self) {
        match self {
            Self::New => *self = Self::Asked,
            Self::Asked | Self::Answered(_) => {}
            Self::Told { settled, .. } | Self::Leaving { settled } => *settled = false,
        }
    }

    fn response_was_sent(&mut self) {
        if let Self::New | Self::Asked = self {
            *self = Self::Answered(clock::now());
        }
    }

    fn is_settled(self) -> bool {
        matches!(
            self,
            Self::Told { settled: true, .. } | Self::Leaving { settled: true }
        )
    }
}

impl<'w, 'l, A: App> Session<'w, 'l, A> {
    pub(super) fn new(
        shared: Rc<Shared<A>>,
        wire: &'w RefCell<FramedIo<'l>>,
        open: &'w mut OpenConnection,
        timer: &'w mut Timer,
        registration: Option<&'w Registration>,
        connection: Connection<H2Io<'w, 'l>, Bytes>,
    ) -> Self {
        Self {
            shared,
            wire,
            open,
            timer,
            registration,
            connection,
            quick: Vec::new(),
            streams: FuturesUnordered::new(),
            state: State::New,
            resets: 0,
            half_head: None,
            delivery: Delivery::default(),
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            let stage = self.shared.worker.control.stage();
            if stage == Stage::Cut {
                self.count_cut();
                return Poll::Ready(Ended::Gone);
            }
            match self.step(stage, cx) {
                Step::Again => {}
                Step::Wait => return Poll::Pending,
                Step::End(ended) => return Poll::Ready(ended),
            }
        }
    }

    fn step(&mut self, stage: Stage, cx: &mut Context<'_>) -> Step {
        // What was sent before now is flushed first, and so comes before a goodbye. Its time is taken
        // before its client can know of it.
        if self.shared.answered.get() {
            self.state.response_was_sent();
        }
        self.wire.borrow_mut().begin_turn();
        if let Some(ended) = self.poll_connection(stage, cx) {
            return Step::End(ended);
        }
        if let State::Leaving { .. } = self.state {
            // The client does not even take the last GOAWAY.
            return Step::End(self.close());
        }
        if !self.wire.borrow().blocked {
            self.shared.outgoing.all_taken();
        }
        self.poll_streams(cx);
        if self.resets > RESETS {
            self.leave(Reason::ENHANCE_YOUR_CALM);
            return Step::Again;
        }
        if self.is_to_be_told(cx) {
            self.tell();
            return Step::Again;
        }
        self.poll_silence(cx)
    }

    /// Reads, writes, and takes what requests have come.
    fn poll_connection(&mut self, stage: Stage, cx: &mut Context<'_>) -> Option<Ended> {
        loop {
            match self.connection.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(stage, request, respond),
                Poll::Ready(Some(Err(error))) if error.is_io() => return Some(Ended::Gone),
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(peer = %self.shared.peer, %error, "HTTP/2 ended by an error");
                    return Some(self.close());
                }
                Poll::Ready(None) => return Some(self.close()),
                Poll::Pending => return None,
            }
        }
    }

    /// Polls the streams that have something to do. What they send is flushed in the next turn, for
    /// which `h2` wakes this task.
    fn poll_streams(&mut self, cx: &mut Context<'_>) {
        // By the connection's waker first, and by one of its own from the second time on. A body's
        // timer keeps the waker that it was armed with; here is none.
        let mut quick = mem::take(&mut self.quick);
        for mut stream in quick.drain(..) {
            match stream.as_mut().poll(cx) {
                Poll::Ready(end) => self.stream_ended(end),
                Poll::Pending => self.streams.push(stream),
            }
        }
        self.quick = quick;
        while let Poll::Ready(Some(end)) = self.streams.poll_next_unpin(cx) {
            self.stream_ended(end);
        }
    }

    fn stream_ended(&mut self, end: StreamEnd) {
        self.shared.since.set(clock::now());
        match end {
            StreamEnd::Answered => self.resets = self.resets.saturating_sub(1),
            StreamEnd::Reset => self.resets += 1,
            StreamEnd::Failed => {}
        }
    }
}
