//! Times in which nothing happens on a connection, and how long they may be.

use std::{
    task::{Context, Poll},
    time::Instant,
};

use h2::Reason;

use super::{Session, State, Step};
use crate::{
    clock,
    conn::{
        app::App,
        policy::{Awaits, FIRST_REQUEST, Silence},
        registry::AwaitsClient,
    },
    kernel::Waiting,
};

impl<A: App> Session<'_, '_, A> {
    /// Nothing more can be read, written or answered at present.
    pub(super) fn poll_silence(&mut self, cx: &mut Context<'_>) -> Step {
        if self.is_busy() {
            self.half_head = None;
            self.open.set_in_flight(true);
            return self.poll_stall(cx);
        }
        self.delivery.forget();
        let wire = self.wire.borrow();
        let has_begun = wire.frames.has_begun();
        let is_half_head = wire.frames.is_half_head() || wire.io.transport.half_since().is_some();
        drop(wire);
        if !has_begun {
            let since = self.shared.since.get();
            return self.poll_head(since, Reason::SETTINGS_TIMEOUT, cx);
        }
        if is_half_head {
            let since = *self.half_head.get_or_insert_with(clock::now);
            return self.poll_head(since, Reason::ENHANCE_YOUR_CALM, cx);
        }
        self.half_head = None;
        self.poll_idle(cx)
    }

    /// The connection's first frame, or a head, has begun and is not complete.
    fn poll_head(&mut self, since: Instant, reason: Reason, cx: &mut Context<'_>) -> Step {
        self.open.set_in_flight(true);
        let awaits = Awaits::Head;
        match self.poll_limit(Silence { awaits, since }, cx) {
            Poll::Ready(()) => self.leave_unless_something_waits(reason, cx),
            Poll::Pending => Step::Wait,
        }
    }

    /// The client has nothing open.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Step {
        let since = self.shared.since.get();
        let (awaits, has_spoken) = match self.state {
            State::New => (Awaits::First, false),
            State::Asked => (Awaits::First, true),
            State::Answered(_) => (Awaits::Next, true),
            State::Told { at, .. } => (Awaits::Leave(at), true),
            State::Leaving { .. } => return Step::Again,
        };
        let is_about_to_ask = !has_spoken && self.open.in_flight();
        if is_about_to_ask && self.timer.poll(since + FIRST_REQUEST, cx).is_pending() {
            return Step::Wait;
        }
        self.open.set_in_flight(false);
        let waits = AwaitsClient { has_spoken, since };
        let is_over = self.poll_limit(Silence { awaits, since }, cx).is_ready();
        if let Awaits::Leave(_) = awaits {
            return match is_over {
                true => self.leave_unless_something_waits(Reason::NO_ERROR, cx),
                false => Step::Wait,
            };
        }
        if is_over || self.registration.is_some_and(|entry| entry.waits(waits)) {
            self.tell();
            return Step::Again;
        }
        Step::Wait
    }

    fn poll_limit(&mut self, silence: Silence, cx: &mut Context<'_>) -> Poll<()> {
        let worker = &self.shared.worker;
        match silence.http2_ends_at(worker.life(), worker.silence_limits()) {
            Some(at) => self.timer.poll(at, cx),
            None => Poll::Pending,
        }
    }

    /// A request that has arrived, and that the event loop has yet to report, would be thrown away.
    fn leave_unless_something_waits(&mut self, reason: Reason, cx: &mut Context<'_>) -> Step {
        if self.wire.borrow_mut().io.transport.waiting(cx) != Waiting::Nothing {
            return Step::Wait;
        }
        self.leave(reason);
        Step::Again
    }

    /// Whether anything of a response may still be on its way.
    pub(super) fn is_busy(&self) -> bool {
        let blocked = self.wire.borrow().blocked;
        !self.streams.is_empty() || blocked || self.connection.has_streams()
    }
}
