//! Times in which nothing happens on a connection, and how long they may be.

use std::{
    task::Context,
    time::{Duration, Instant},
};

use h2::Reason;

use super::{Session, Turn};
use crate::{
    clock,
    conn::{app::App, registry::Waits},
    control::Stage,
    kernel::Waiting,
};

/// How long a new connection may take to its first request before it counts as idle.
const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// How long a drain waits for the answer to a goodbye: a second has room for any network's round
/// trip, with a segment lost and sent again. In the lame duck a client may take longer.
const ROUND_TRIP: Duration = Duration::from_secs(1);

impl<A: App> Session<'_, '_, A> {
    /// Nothing more can be read, written or answered at present.
    pub(super) fn poll_silence(&mut self, stage: Stage, cx: &mut Context<'_>) -> Turn {
        if self.is_busy() {
            self.half_head = None;
            self.slot.set_in_flight(true);
            return self.poll_stall(cx);
        }
        self.delivery.forget();
        let head_timeout = self.shared.worker.limits.head_timeout;
        let wire = self.wire.borrow();
        let (has_begun, is_half_head) = (wire.frames.has_begun(), wire.frames.is_half_head());
        drop(wire);
        if !has_begun {
            self.slot.set_in_flight(true);
            let deadline = self.shared.since.get() + head_timeout;
            return self.leave_at(deadline, Reason::SETTINGS_TIMEOUT, cx);
        }
        if is_half_head {
            self.slot.set_in_flight(true);
            let since = *self.half_head.get_or_insert_with(clock::now);
            return self.leave_at(since + head_timeout, Reason::ENHANCE_YOUR_CALM, cx);
        }
        self.half_head = None;
        self.poll_idle(stage, cx)
    }

    /// The client has nothing open.
    fn poll_idle(&mut self, stage: Stage, cx: &mut Context<'_>) -> Turn {
        let since = self.shared.since.get();
        let awaited = !self.asked && self.told.is_none() && self.slot.in_flight();
        if awaited && self.timer.poll(since + FIRST_REQUEST, cx).is_pending() {
            return Turn::Wait;
        }
        self.slot.set_in_flight(false);
        let keep_alive = self.shared.worker.limits.keep_alive;
        let drains_since = self.shared.worker.control.draining_since();
        if let Some(told) = self.told {
            let at = match drains_since {
                Some(since) => since.max(told) + ROUND_TRIP,
                None => told + keep_alive,
            };
            return self.leave_at(at, Reason::NO_ERROR, cx);
        }
        // After T0 silence ends nothing.
        let silent_for_long =
            stage < Stage::Goodbye && self.timer.poll(since + keep_alive, cx).is_ready();
        // On a starved machine, or when its first segment was lost, a client that has just connected
        // asks late.
        if let Some(drains) = drains_since
            && self.first_response.is_none()
            && self
                .timer
                .poll(since.max(drains) + FIRST_REQUEST, cx)
                .is_pending()
        {
            return Turn::Wait;
        }
        let waits = Waits {
            has_spoken: self.asked,
            since,
        };
        let makes_room = self.registration.is_some_and(|entry| entry.waits(waits));
        if drains_since.is_some() || silent_for_long || makes_room {
            self.tell();
            return Turn::Again;
        }
        Turn::Wait
    }

    /// Ends the connection at a deadline, and only if the kernel says that nothing waits: a request
    /// that has arrived, and that the event loop has yet to report, would be thrown away.
    fn leave_at(&mut self, deadline: Instant, reason: Reason, cx: &mut Context<'_>) -> Turn {
        if self.timer.poll(deadline, cx).is_pending() {
            return Turn::Wait;
        }
        if self.wire.borrow().link.io.waiting() != Waiting::Nothing {
            return Turn::Wait;
        }
        self.leave(reason);
        Turn::Again
    }

    /// Whether anything of a response may still be on its way.
    pub(super) fn is_busy(&self) -> bool {
        let blocked = self.wire.borrow().blocked;
        !self.streams.is_empty() || blocked || self.connection.has_streams()
    }
}
