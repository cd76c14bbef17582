//! Peers that take nothing of their responses.

use std::{
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use super::H1;
use crate::conn::{app::App, delivery::GivenUp};

impl<A: App> H1<A> {
    /// Hands the write buffer to the kernel.
    ///
    /// # Errors
    /// When the peer has gone, or is given up.
    #[inline]
    pub(super) fn poll_write_out(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.as_mut().project();
        if this.io.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        let flushed = this.io.poll_flush(cx);
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
        let stalled_after = this.worker.stalled_after();
        if stalled_after.is_some() && this.io.is_flushed() {
            return Poll::Pending;
        }
        let (io, written) = (&this.io.transport, this.io.written);
        let given_up = ready!(
            this.delivery
                .poll(io, written, stalled_after, this.timer, cx)
        );
        if given_up == GivenUp::Vanished {
            let control = &this.worker.control;
            control.ledger.vanished.add();
            match this.request {
                Some(request) => control
                    .ledger
                    .count_cut(&request.cut(&this.worker.routes), 1),
                None => this.last.count_vanished(control),
            }
        }
        this.io.transport.abandon();
        Poll::Ready(())
    }
}
