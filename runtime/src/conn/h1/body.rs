//! What is read while a request is at hand.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use actix_http::{
    Request,
    body::MessageBody,
    error::PayloadError,
    h1::{Message, MessageType},
};
use actix_service::Service;
use actix_web::dev::ServiceResponse;
use tokio_util::codec::Decoder as _;

use super::{Farewell, H1};
use crate::conn::payload;

/// While a request is handled, so much is read of what follows it: enough to see that something
/// does, and that the client is still there.
const READ_AHEAD: usize = 16 * 1024;

/// What a body in chunks may hold beside its data (sizes, extensions, trailers) before it is taken
/// for abuse: so much, and for each piece of data what is usual, twice the data included.
const FRAMING: usize = 16 * 1024;
const FRAMING_PER_PIECE: usize = 16;

impl<S, B> H1<S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    /// Reads on while a request is at hand: its body, if it is wanted, or a little of what
    /// follows. Says when; notes a peer that has no more to say.
    pub(super) fn poll_read_ahead(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Instant>> {
        let this = self.project();
        let wanted = match this.payload {
            Some(payload) => payload.wants(cx),
            None => *this.farewell == Farewell::Open && this.link.read.len() < READ_AHEAD,
        };
        if !wanted || this.link.eof || *this.broken {
            return Poll::Pending;
        }
        ready!(this.link.poll_fill(cx))?;
        this.farewell.read_on();
        *this.now = Instant::now();
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
    pub(super) fn feed(self: Pin<&mut Self>) {
        let this = self.project();
        let (Some(codec), Some(_)) = (this.codec.as_mut(), this.payload.as_ref()) else {
            return;
        };
        // A client that sends its body unasked need not be asked for it (RFC 9110, 10.1.1).
        *this.expects &= this.link.read.is_empty();
        while let Some(payload) = this.payload.as_ref() {
            let before = this.link.read.len();
            let decoded = codec.decode(&mut this.link.read);
            let data = match &decoded {
                Ok(Some(Message::Chunk(Some(chunk)))) => chunk.len(),
                _ => 0,
            };
            *this.framing += before - this.link.read.len() - data;
            match decoded {
                Ok(_) if *this.framing > FRAMING => corrupted(this.broken, this.payload),
                Ok(Some(Message::Chunk(Some(chunk)))) => {
                    *this.framing = this.framing.saturating_sub(2 * data + FRAMING_PER_PIECE);
                    this.arrival.count(data);
                    payload.push(chunk);
                }
                Ok(Some(Message::Chunk(None))) => end(this.payload, Ok(())),
                Ok(Some(Message::Item(_)) | None) => break,
                Err(_) => corrupted(this.broken, this.payload),
            }
        }
        if this.link.eof && this.payload.is_some() {
            *this.broken = true;
            let whole = codec.message_type() == MessageType::Stream;
            *this.heard = whole && this.payload.as_ref().is_some_and(payload::Sender::is_held);
            let error = PayloadError::Incomplete(None);
            end(this.payload, if whole { Ok(()) } else { Err(error) });
        }
    }
}

fn corrupted(broken: &mut bool, payload: &mut Option<payload::Sender>) {
    *broken = true;
    end(payload, Err(PayloadError::EncodingCorrupted));
}

/// Ends the body for its reader.
pub(super) fn end(payload: &mut Option<payload::Sender>, end: Result<(), PayloadError>) {
    if let Some(payload) = payload.take() {
        payload.end(end);
    }
}
