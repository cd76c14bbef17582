//! Peers that take too long: to send a body that is waited for, or to take a response.

use std::{
    io::{self, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use actix_http::{
    Request, Response, StatusCode,
    body::{BoxBody, EitherBody, MessageBody},
    error::PayloadError,
};
use actix_service::Service;
use actix_web::dev::ServiceResponse;

use super::{ExchangeProj, H1, Turn, body};
use crate::{clock, control::Stage};

/// How often it is looked whether a peer has vanished, while the process drains.
const LOOK: Duration = Duration::from_secs(1);

/// A response that its client does not take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    since: Instant,
    unacknowledged: usize,
}

impl<S, B> H1<S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    /// Ready when the body at hand comes too slowly. `read` is when something was read, if that
    /// was in this very poll.
    pub(super) fn poll_late_body(
        self: Pin<&mut Self>,
        read: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let this = self.project();
        // Another protocol has silences of its own.
        let Some(payload) = this.payload.as_ref().filter(|_| !*this.switched) else {
            return Poll::Pending;
        };
        let now = || read.unwrap_or_else(clock::now);
        if !payload.is_awaited(cx) {
            if this.arrival.runs() {
                this.arrival.pause(now());
            }
            return Poll::Pending;
        }
        let limits = payload.limits(this.worker.limits.body);
        match this.arrival.deadline(limits, now) {
            Some(deadline) => this.timer.poll(deadline, cx),
            None => Poll::Pending,
        }
    }

    /// The body at hand comes too slowly. Its reader is told by a failed read, and the client by a
    /// 408, if it can be.
    pub(super) fn give_up_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        let this = self.as_mut().project();
        *this.broken = true;
        let late = PayloadError::Io(ErrorKind::TimedOut.into());
        body::end(this.payload, Err(late));
        let ExchangeProj::Call { response } = this.exchange.project() else {
            // The response has begun, and is the handler's to end.
            return Turn::Again;
        };
        // For the handler to see it. What it answers is not what was asked, since nobody knows
        // all that was.
        let _ = catch_unwind(AssertUnwindSafe(|| response.poll(cx).is_ready()));
        let status = StatusCode::REQUEST_TIMEOUT;
        self.as_mut().note_unrouted(status);
        let body = BoxBody::new("the request's body came too slowly\n");
        self.send(Response::with_body(status, ()), EitherBody::right(body))
    }

    /// Hands the write buffer to the kernel. A client that takes nothing for as long as a silent
    /// one is kept fails; while the process drains, only the deadline ends it.
    #[inline]
    pub(super) fn poll_hand_over(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.as_mut().project();
        let before = this.link.write.len();
        if before == 0 {
            return Poll::Ready(Ok(()));
        }
        let flushed = this.link.poll_flush(cx);
        if flushed.is_ready() || this.link.write.len() < before {
            *this.stall = None;
        }
        match flushed {
            Poll::Ready(_) => flushed,
            Poll::Pending => self.poll_stall(cx),
        }
    }

    /// Ready when the peer of the response that is under way has vanished: while the process drains,
    /// it is waited for no longer.
    pub(super) fn poll_vanished(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let worker = &this.worker;
        if worker.control.stage() < Stage::Drain {
            return Poll::Pending;
        }
        let now = clock::now();
        let unacknowledged = this.link.io.unacknowledged().unwrap_or(0);
        let stall = match *this.stall {
            Some(stall) if unacknowledged > 0 && unacknowledged >= stall.unacknowledged => stall,
            _ => Stall {
                since: now,
                unacknowledged,
            },
        };
        *this.stall = Some(stall);
        let silent = now - stall.since;
        if unacknowledged == 0 || !this.link.io.peer().has_vanished(silent) {
            // Each poll is a look; this only sees to it that there is one.
            let _ = this.timer.poll(now + LOOK, cx);
            return Poll::Pending;
        }
        worker.control.count_vanished();
        if let Some(request) = this.request {
            worker.control.count_cut(&request.cut(&worker.routes), 1);
        }
        this.link.io.abandon();
        Poll::Ready(())
    }

    /// The client takes nothing at present.
    fn poll_stall(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let patience = this.worker.limits.keep_alive;
        while this.worker.control.stage() < Stage::Drain {
            let look = || this.link.io.unacknowledged().unwrap_or(0);
            let stall = this.stall.get_or_insert_with(|| Stall {
                since: clock::now(),
                unacknowledged: look(),
            });
            ready!(this.timer.poll(stall.since + patience, cx));
            // The kernel may have had so much room that it asks for more only after minutes.
            let unacknowledged = look();
            if unacknowledged >= stall.unacknowledged {
                this.link.io.abandon();
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            *stall = Stall {
                since: clock::now(),
                unacknowledged,
            };
        }
        Poll::Pending
    }
}
