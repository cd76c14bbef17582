//! Peers that take too long: to send a body that is waited for, or to take a response.

use std::{
    io::{self, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use actix_http::{
    Response, StatusCode,
    body::{BoxBody, EitherBody},
    error::PayloadError,
};

use super::{ExchangeProj, H1, Turn, body};
use crate::{
    clock,
    conn::{app::App, delivery::GivenUp},
};

impl<A: App> H1<A> {
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

    /// Hands the write buffer to the kernel.
    ///
    /// # Errors
    /// When the peer has gone, or is given up.
    #[inline]
    pub(super) fn poll_hand_over(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.as_mut().project();
        if this.link.write.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let flushed = this.link.poll_flush(cx);
        if flushed.is_ready() {
            this.delivery.forget();
            return flushed;
        }
        self.poll_given_up(cx)
            .map(|()| Err(ErrorKind::TimedOut.into()))
    }

    /// Ready when the peer of the response that is under way is waited for no longer. That it takes
    /// long is no reason before the drain, if all that there is has been handed to the kernel.
    pub(super) fn poll_given_up(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let patience = this.worker.patience();
        if patience.is_some() && this.link.write.is_empty() {
            return Poll::Pending;
        }
        let (io, written) = (&this.link.io, this.link.written);
        let given_up = ready!(this.delivery.poll(io, written, patience, this.timer, cx));
        if given_up == GivenUp::Vanished {
            let control = &this.worker.control;
            control.count_vanished();
            match this.request {
                Some(request) => control.count_cut(&request.cut(&this.worker.routes), 1),
                None => this.route.count_vanished(control, *this.finished),
            }
        }
        this.link.io.abandon();
        Poll::Ready(())
    }
}
