//! Responses' bodies.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_http::body::MessageBody as _;
use bytes::Bytes;
use h2::Reason;

use super::{Stream, StreamEnd, StreamStateProj};
use crate::conn::{app::App, h2::shared::Stalled, request::enter};

/// What is asked of a stream's window at once.
const WRITE_AHEAD: usize = 32 * 1024;

impl<A: App> Stream<A> {
    /// The response's body is on its way.
    pub(super) fn poll_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StreamEnd> {
        loop {
            if !ready!(self.as_mut().poll_send(cx)) {
                return Poll::Ready(StreamEnd::Reset);
            }
            if self.owed == Some(0) {
                return Poll::Ready(self.finish());
            }
            let this = self.as_mut().project();
            let (Some(outgoing), StreamStateProj::Responding { body }) =
                (this.outgoing, this.state.project())
            else {
                return Poll::Ready(StreamEnd::Failed);
            };
            if !this.shared.outgoing.has_room(cx) {
                return Poll::Pending;
            }
            if !this.shared.may_read_ahead() {
                outgoing.reserve_capacity(1);
                if outgoing.capacity() == 0 {
                    match outgoing.poll_capacity(cx) {
                        Poll::Ready(Some(Ok(_))) => *this.stalled = None,
                        Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(StreamEnd::Reset),
                        Poll::Pending => {
                            this.stalled
                                .get_or_insert_with(|| Stalled::new(this.shared, 0));
                            return Poll::Pending;
                        }
                    }
                }
            }
            let within = enter(this.request);
            let polled = catch_unwind(AssertUnwindSafe(|| body.poll_next(cx)));
            drop(within);
            match polled {
                Ok(Poll::Ready(Some(Ok(chunk)))) => *this.chunk = chunk,
                Ok(Poll::Ready(None)) if this.owed.is_none() => {
                    return Poll::Ready(match outgoing.send_data(Bytes::new(), true) {
                        Ok(()) => self.finish(),
                        Err(_) => StreamEnd::Reset,
                    });
                }
                Ok(Poll::Pending) => return outgoing.poll_reset(cx).map(|_| StreamEnd::Reset),
                // The head has gone out, so all that can be said is to end without an end.
                failed => {
                    if let Ok(Poll::Ready(Some(Err(error)))) = failed {
                        let error: Box<dyn std::error::Error> = error.into();
                        tracing::error!(%error, "a response's body failed");
                    }
                    outgoing.send_reset(Reason::INTERNAL_ERROR);
                    return Poll::Ready(StreamEnd::Failed);
                }
            }
        }
    }

    /// Hands the chunk to `h2`, as far as the client's windows allow. Ready once all of it is
    /// taken, and false if nobody wants it any more.
    fn poll_send(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = self.project();
        let Some(outgoing) = this.outgoing else {
            return Poll::Ready(false);
        };
        if let Some(owed) = *this.owed {
            // No more than was announced, as in HTTP/1.1.
            this.chunk
                .truncate(usize::try_from(owed).unwrap_or(usize::MAX));
        }
        while !this.chunk.is_empty() {
            if !this.shared.outgoing.has_room(cx) {
                return Poll::Pending;
            }
            outgoing.reserve_capacity(this.chunk.len().min(WRITE_AHEAD));
            let room = match outgoing.capacity() {
                0 => match outgoing.poll_capacity(cx) {
                    Poll::Ready(Some(Ok(room))) => room,
                    Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(false),
                    Poll::Pending => {
                        let left = this.chunk.len();
                        this.stalled
                            .get_or_insert_with(|| Stalled::new(this.shared, left));
                        return Poll::Pending;
                    }
                },
                room => room,
            };
            *this.stalled = None;
            let part = this.chunk.split_to(room.min(this.chunk.len()));
            if let Some(owed) = this.owed {
                *owed -= part.len() as u64;
            }
            this.shared.outgoing.add(part.len());
            if let Some(request) = this.request {
                request.sent(part.len());
            }
            // The end rides on the last byte, where that is known.
            if outgoing.send_data(part, *this.owed == Some(0)).is_err() {
                return Poll::Ready(false);
            }
        }
        Poll::Ready(true)
    }
}
