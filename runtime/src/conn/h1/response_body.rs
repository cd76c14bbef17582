//! How a response goes on, chunk by chunk, and how it ends.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use actix_http::{body::MessageBody, h1::Message};
use bytes::Bytes;
use tokio_util::codec::Encoder as _;

use super::{End, H1, Reading, State, StateProj, Step, WRITE_AHEAD};
use crate::{
    clock,
    conn::{
        app::App,
        close::Behind,
        policy::Further,
        request::{InFlight, enter},
    },
    control::Stage,
    rules::Rule,
};

impl<A: App> H1<A> {
    /// The response's body is on its way.
    pub(super) fn poll_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step {
        let mut read = None;
        loop {
            self.as_mut().feed();
            let mut more = true;
            while more && self.io.write.len() < WRITE_AHEAD {
                match self.as_mut().poll_chunk(cx) {
                    Poll::Ready(Some(step)) => return step,
                    Poll::Ready(None) => {}
                    Poll::Pending => more = false,
                }
            }
            match self.as_mut().poll_write_out(cx) {
                Poll::Ready(Ok(())) if more => continue,
                Poll::Ready(Ok(())) | Poll::Pending => {}
                Poll::Ready(Err(_)) => return Step::Gone,
            }
            match self.as_mut().poll_read_ahead(cx) {
                Poll::Ready(Ok(now)) => read = Some(now),
                Poll::Ready(Err(_)) => return Step::Gone,
                Poll::Pending if self.has_left() => return self.fail(),
                Poll::Pending if self.as_mut().poll_overdue(cx).is_ready() => {
                    tracing::warn!("a response took too long, and is ended without an end");
                    return self.fail();
                }
                Poll::Pending if self.as_mut().poll_late_body(read, cx).is_pending() => {
                    return match self.poll_given_up(cx) {
                        Poll::Ready(()) => Step::Gone,
                        Poll::Pending => Step::Wait,
                    };
                }
                Poll::Pending => return self.give_up_body(cx),
            }
        }
    }

    /// Encodes one chunk; `Some` when the response ends with it.
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Step>> {
        let this = self.as_mut().project();
        let StateProj::Responding { body, .. } = this.state.project() else {
            return Poll::Ready(Some(Step::Again));
        };
        let Some(codec) = this.codec else {
            return Poll::Ready(Some(Step::Gone));
        };
        let within = enter(this.request);
        let polled = catch_unwind(AssertUnwindSafe(|| body.poll_next(cx)));
        drop(within);
        let chunk: Option<Bytes> = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Some(Ok(chunk)))) => Some(chunk),
            Ok(Poll::Ready(None)) => None,
            Ok(Poll::Ready(Some(Err(error)))) => {
                let error: Box<dyn std::error::Error> = error.into();
                tracing::error!(%error, "a response's body failed");
                return Poll::Ready(Some(self.fail()));
            }
            Err(_) => return Poll::Ready(Some(self.fail())),
        };
        let last = chunk.is_none();
        if let (Some(request), Some(chunk)) = (this.request, &chunk) {
            request.sent(chunk.len());
        }
        if codec
            .encode(Message::Chunk(chunk), this.io.write())
            .is_err()
        {
            return Poll::Ready(Some(self.fail()));
        }
        if last {
            let ends = self.as_mut().ends_with_stream();
            self.as_mut().finish();
            if ends {
                // Its client was not told.
                self.project().ends.get_or_insert(End::Fin(Behind::Crossed));
            }
            return Poll::Ready(Some(Step::Again));
        }
        Poll::Ready(None)
    }

    /// The response's body has failed, or nobody waits for it. If its head has gone out, all that
    /// can be said is to end without an end; but in good order, for the sake of the responses
    /// before it.
    pub(super) fn fail(self: Pin<&mut Self>) -> Step {
        let left = self.has_left();
        let mut this = self.project();
        if let Some(request) = this.request.take()
            && !left
        {
            request.fail();
        }
        this.codec.take();
        *this.ends = Some(match this.state.as_mut().project() {
            StateProj::Responding { until_close, .. } if *until_close => End::Reset,
            _ => End::Fin(Behind::Anything),
        });
        this.state.set(State::Between);
        *this.reading = Reading::Broken;
        Step::Again
    }

    /// The response is complete: its last byte is in the write buffer.
    pub(super) fn finish(self: Pin<&mut Self>) {
        let mut this = self.project();
        let now = clock::now();
        (*this.now, *this.since, *this.fresh) = (now, now, false);
        if let Some(request) = this.request.take() {
            this.last.finished = request.done(now, &this.worker.control);
        }
        let until_close = match this.state.as_mut().project() {
            StateProj::Responding { until_close, .. } => *until_close,
            _ => false,
        };
        this.state.set(State::Between);
        let mut kept = false;
        if let Some(codec) = this.codec.take() {
            kept = codec.keep_alive();
            this.worker.dates.give(codec);
        }
        let ends = !kept || until_close || this.upload.is_some() || *this.reading != Reading::On;
        *this.ends = ends.then_some(End::Fin(Behind::Unanswered));
    }

    /// Whether the connection ends with the stream that has just ended, though its head, which is
    /// older than the goodbye, could not say so. Only for one that its handler ends itself: its
    /// client comes back as soon as it sees the end, and would come back to a process that is about
    /// to leave. The FIN comes with the stream's last bytes, so there is no silence in which a
    /// request could cross it; one that is here already is answered, and says goodbye itself.
    fn ends_with_stream(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        this.request.as_ref().is_some_and(InFlight::ends_itself)
            && this.worker.control.stage() >= Stage::Goodbye
            && !this.worker.control.lacks(Rule::Goodbye)
            && *this.further == Further::All
            && this.io.read.is_empty()
            && !this.io.transport.request_waits()
    }
}
