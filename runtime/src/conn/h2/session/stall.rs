//! Clients that take nothing of what they have asked for.

use std::task::{Context, Poll};

use h2::Reason;

use super::{Ended, Session, Step};
use crate::conn::{app::App, delivery::GivenUp};

impl<A: App> Session<'_, '_, A> {
    /// Something is under way. It is the connection that must move, not each of its streams: they
    /// share it, and some of them wait long.
    pub(super) fn poll_stall(&mut self, cx: &mut Context<'_>) -> Step {
        let stalled_after = self.shared.worker.stalled_after();
        let wire = self.wire.borrow();
        if stalled_after.is_some() && !wire.blocked && self.shared.waiting.get() == 0 {
            self.delivery.forget();
            return Step::Wait;
        }
        let (io, written) = (&wire.io.transport, wire.io.written);
        let given_up = self
            .delivery
            .poll(io, written, stalled_after, self.timer, cx);
        match given_up {
            Poll::Pending => return Step::Wait,
            // It keeps its windows shut, but may listen.
            Poll::Ready(GivenUp::Stalled) if !wire.blocked => {
                drop(wire);
                self.leave(Reason::ENHANCE_YOUR_CALM);
                return Step::Again;
            }
            Poll::Ready(GivenUp::Stalled) => {}
            Poll::Ready(GivenUp::Vanished) => {
                self.shared.worker.control.ledger.vanished.add();
                drop(wire);
                self.count_cut();
            }
        }
        self.wire.borrow().io.transport.abandon();
        Step::End(Ended::Gone)
    }
}
