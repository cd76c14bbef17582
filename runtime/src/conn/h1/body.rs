//! What is read while a request is at hand.

use std::{
    io,
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

use super::{
    ExchangeProj, Farewell, H1, Turn,
    content::{Content, Piece},
};
use crate::{
    clock,
    conn::{app::App, payload},
};

/// While a request is handled, so much is read of what follows it: enough to see that something
/// does, and that the client is still there.
const READ_AHEAD: usize = 16 * 1024;

/// What has become of the body at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    Well,
    /// Its framing has just been seen to be broken.
    Corrupted,
}

impl<A: App> H1<A> {
    /// Reads on while a request is at hand: its body, if it is wanted, or a little of what
    /// follows. Says when; notes a peer that has no more to say.
    pub(super) fn poll_read_ahead(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Instant>> {
        let this = self.project();
        let wanted = match (&this.payload, &this.content) {
            // What follows an offer may be the next request.
            (Some(payload), content) if !matches!(content, Some(Content::Offer)) => {
                payload.wants(cx)
            }
            _ => *this.farewell == Farewell::Open && this.link.read.len() < READ_AHEAD,
        };
        if !wanted || this.link.eof || *this.broken {
            return Poll::Pending;
        }
        ready!(this.link.poll_fill(cx))?;
        this.farewell.read_on();
        *this.now = clock::now();
        this.arrival.moved(|| *this.now);
        Poll::Ready(Ok(*this.now))
    }

    /// Has a client send its body that waits to be asked for it, once it is `wanted`: a handler that
    /// refuses a request does not want it, and so its client can do without sending it. But whether
    /// it does cannot be known: it may have grown tired of waiting (RFC 9110, 10.1.1). Its body and
    /// its next request could not be told apart, so the connection ends with such a response.
    pub(super) fn ask(self: Pin<&mut Self>, wanted: impl Fn(&payload::Sender) -> bool) {
        let this = self.project();
        if *this.expects && this.payload.as_ref().is_some_and(wanted) {
            *this.expects = false;
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            this.link.write().extend_from_slice(go_on);
        }
    }

    /// Moves what has arrived of the body to the handler.
    pub(super) fn feed(self: Pin<&mut Self>) -> Fed {
        let this = self.project();
        let (Some(content), Some(_)) = (this.content.as_mut(), this.payload.as_ref()) else {
            return Fed::Well;
        };
        // A client that sends its body unasked need not be asked for it (RFC 9110, 10.1.1).
        *this.expects &= this.link.read.is_empty();
        while let Some(payload) = this.payload.as_ref() {
            match content.decode(&mut this.link.read) {
                Piece::Data(data) => {
                    this.arrival.count(data.len());
                    payload.push(data);
                }
                Piece::End => end(this.payload, Ok(())),
                Piece::None => break,
                Piece::Bad => {
                    *this.broken = true;
                    end(this.payload, Err(PayloadError::EncodingCorrupted));
                    return Fed::Corrupted;
                }
            }
        }
        // Behind an offer may be the next request. Who awaits a body where no more is read would wait
        // for ever: not even the client's FIN would be seen.
        let reads_on = *this.farewell == Farewell::Open && this.link.read.len() < READ_AHEAD;
        if matches!(content, Content::Offer) && !reads_on {
            end(this.payload, Ok(()));
        }
        if this.link.eof && this.payload.is_some() {
            let whole = matches!(content, Content::Offer | Content::Other);
            let held = this.payload.as_ref().is_some_and(payload::Sender::is_held);
            *this.heard = held && matches!(content, Content::Other);
            *this.broken |= !matches!(content, Content::Offer);
            let error = PayloadError::Incomplete(None);
            end(this.payload, if whole { Ok(()) } else { Err(error) });
        }
        Fed::Well
    }

    /// The body's framing is broken, and the response has not begun. What the handler would answer
    /// is not what was asked, since nobody knows all that was.
    pub(super) fn refuse_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        if let ExchangeProj::Call { response } = self.as_mut().project().exchange.project() {
            // For the handler to see it.
            let _ = catch_unwind(AssertUnwindSafe(|| response.poll(cx).is_ready()));
        }
        let status = StatusCode::BAD_REQUEST;
        self.as_mut().note_unrouted(status);
        let body = BoxBody::new("the request's body is badly framed\n");
        self.send(Response::with_body(status, ()), EitherBody::right(body))
    }
}

/// Ends the body for its reader.
pub(super) fn end(payload: &mut Option<payload::Sender>, end: Result<(), PayloadError>) {
    if let Some(payload) = payload.take() {
        payload.end(end);
    }
}
