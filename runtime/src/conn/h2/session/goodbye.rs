//! How a connection says goodbye, and what it leaves behind.

use std::{pin::Pin, task::Context};

use h2::Reason;

use super::{Ended, Session, State};
use crate::{
    clock,
    conn::{app::App, policy::goodbye_due},
    control::Stage,
    rules::Rule,
};

impl<A: App> Session<'_, '_, A> {
    /// Whether the client is to be told to leave now; if it is to be told later, the task is woken
    /// then.
    pub(super) fn is_to_be_told(&mut self, cx: &mut Context<'_>) -> bool {
        let first_response = match self.state {
            State::New | State::Asked => None,
            State::Answered(at) => Some(at),
            State::Told { .. } | State::Leaving { .. } => return false,
        };
        if self.shared.worker.control.lacks(Rule::Goodbye) {
            return false;
        }
        if self.shared.worker.control.lacks(Rule::FirstResponse) {
            return self.shared.worker.control.stage() >= Stage::Goodbye;
        }
        let worker = &self.shared.worker;
        let leaves_at = worker.leaves_at(self.open, self.shared.peer);
        goodbye_due(first_response, worker.life(), leaves_at)
            .is_some_and(|due| self.timer.poll(due, cx).is_ready())
    }

    /// Tells the client to leave, in two steps: a first GOAWAY that allows every stream; and when
    /// the client has answered the PING behind it, and so opens no more, the last stream's number
    /// (RFC 9113, 6.8). `h2` takes the second step, and ends the connection with its last stream.
    pub(super) fn tell(&mut self) {
        if self.shared.worker.control.lacks(Rule::TwoGoaways) && !self.is_busy() {
            return self.leave(Reason::NO_ERROR);
        }
        self.state = State::Told {
            at: clock::now(),
            settled: self.is_settled(),
        };
        self.connection.graceful_shutdown();
    }

    /// Ends the connection, whatever it has.
    pub(super) fn leave(&mut self, reason: Reason) {
        let settled = self.is_settled();
        self.state = State::Leaving { settled };
        self.connection.abrupt_shutdown(reason);
    }

    fn is_settled(&self) -> bool {
        let unacknowledged = || self.wire.borrow().io.transport.unacknowledged();
        self.state.is_settled() || (!self.is_busy() && unacknowledged() == Some(0))
    }

    pub(super) fn close(&self) -> Ended {
        let owing = !self.state.is_settled();
        Ended::Close { owing }
    }

    /// The deadline: counts what of this connection is lost.
    pub(super) fn count_cut(&mut self) {
        let worker = &self.shared.worker;
        let mut count = 0;
        for stream in Pin::new(&mut self.streams).iter_pin_mut() {
            if let Some(request) = stream.get_mut().as_mut().request() {
                worker
                    .control
                    .ledger
                    .count_cut(&request.cut(&worker.routes), 1);
                count += 1;
            }
        }
        let mut wire = self.wire.borrow_mut();
        let unacknowledged = wire
            .io
            .transport
            .unacknowledged()
            .is_some_and(|left| left > 0);
        let owing = unacknowledged || wire.blocked || self.connection.has_streams();
        if count > 0 {
            // Their own bytes cannot be told from those of responses that are complete.
        } else if owing && !self.state.is_settled() {
            self.shared.count_unacknowledged();
        } else if wire.frames.is_half_head() {
            worker.control.ledger.count_cut("(half a request head)", 1);
        } else if wire.io.transport.request_waits() {
            worker
                .control
                .ledger
                .count_cut("(a request not yet read)", 1);
        }
    }
}
