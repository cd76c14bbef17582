//! Clients that take nothing of what they have asked for.

use std::{task::Context, time::Instant};

use actix_http::{Request, body::MessageBody};
use actix_service::Service;
use actix_web::dev::ServiceResponse;
use h2::Reason;

use super::{Ended, Session, Turn};
use crate::{control::Stage, kernel};

/// What a client had taken when it was last seen to take something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    since: Instant,
    written: usize,
    unacknowledged: usize,
}

impl<S, B> Session<'_, '_, S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    /// Something is under way. A client that takes nothing for as long as a silent one is kept has
    /// no claim to more; while the process drains, only the deadline ends it. It is the connection
    /// that must move, not each of its streams: they share it, and some of them wait long.
    pub(super) fn poll_stall(&mut self, stage: Stage, cx: &mut Context<'_>) -> Turn {
        let blocked = self.wire.borrow().blocked;
        if stage >= Stage::Drain || !(blocked || self.shared.waiting.get() > 0) {
            self.stall = None;
            return Turn::Wait;
        }
        let patience = self.shared.worker.limits.keep_alive;
        let mut stall = self.stall.unwrap_or_else(|| self.look());
        while self.timer.poll(stall.since + patience, cx).is_ready() {
            let now = self.look();
            if now.written == stall.written && now.unacknowledged >= stall.unacknowledged {
                return self.give_up(blocked);
            }
            stall = now;
        }
        self.stall = Some(stall);
        Turn::Wait
    }

    fn look(&self) -> Stall {
        let wire = self.wire.borrow();
        Stall {
            since: Instant::now(),
            written: wire.written,
            unacknowledged: kernel::unacknowledged(&wire.link.io).unwrap_or(0),
        }
    }

    fn give_up(&mut self, blocked: bool) -> Turn {
        if blocked {
            self.wire.borrow().link.abandon();
            return Turn::End(Ended::Gone);
        }
        // It keeps its windows shut, but may listen.
        self.leave(Reason::ENHANCE_YOUR_CALM);
        Turn::Again
    }
}
