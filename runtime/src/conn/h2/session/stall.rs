//! Clients that take nothing of what they have asked for.

use std::{
    task::Context,
    time::{Duration, Instant},
};

use actix_http::{Request, body::MessageBody};
use actix_service::Service;
use actix_web::dev::ServiceResponse;
use h2::Reason;

use super::{Ended, Session, Turn};
use crate::{clock, control::Stage};

/// How often it is looked whether a peer has vanished, while the process drains.
const LOOK: Duration = Duration::from_secs(1);

/// What a client had taken when it was last seen to take something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    since: Instant,
    /// When it was last looked whether the peer has vanished.
    looked: Instant,
    written: usize,
    unacknowledged: usize,
}

impl<S, B> Session<'_, '_, S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    /// Something is under way. A client that takes nothing for as long as a silent one is kept has
    /// no claim to more; while the process drains, only the deadline ends one that lives. It is the
    /// connection that must move, not each of its streams: they share it, and some of them wait
    /// long.
    pub(super) fn poll_stall(&mut self, stage: Stage, cx: &mut Context<'_>) -> Turn {
        if stage >= Stage::Drain {
            return self.poll_vanished(cx);
        }
        let blocked = self.wire.borrow().blocked;
        if !blocked && self.shared.waiting.get() == 0 {
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

    /// A peer that has vanished holds up no drain, whatever its streams wait for. A window that a
    /// living reader keeps shut leaves nothing unanswered.
    fn poll_vanished(&mut self, cx: &mut Context<'_>) -> Turn {
        let mut stall = self.stall.unwrap_or_else(|| self.look());
        while self.timer.poll(stall.looked + LOOK, cx).is_ready() {
            let now = self.look();
            if now.unacknowledged == 0 || now.unacknowledged < stall.unacknowledged {
                stall = now;
                continue;
            }
            let silent = now.since - stall.since;
            if self.wire.borrow().link.io.peer().has_vanished(silent) {
                self.shared.worker.control.count_vanished();
                self.count_cut();
                self.wire.borrow().link.io.abandon();
                return Turn::End(Ended::Gone);
            }
            stall.looked = now.since;
        }
        self.stall = Some(stall);
        Turn::Wait
    }

    fn look(&self) -> Stall {
        let wire = self.wire.borrow();
        let now = clock::now();
        Stall {
            since: now,
            looked: now,
            written: wire.written,
            unacknowledged: wire.link.io.unacknowledged().unwrap_or(0),
        }
    }

    fn give_up(&mut self, blocked: bool) -> Turn {
        if blocked {
            self.wire.borrow().link.io.abandon();
            return Turn::End(Ended::Gone);
        }
        // It keeps its windows shut, but may listen.
        self.leave(Reason::ENHANCE_YOUR_CALM);
        Turn::Again
    }
}
