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

use super::H1;
use crate::conn::payload;

/// While a request is handled, so much is read of what follows it: enough to see that something
/// does, and that the client is still there.
const READ_AHEAD: usize = 16 * 1024;

impl<S, B> H1<S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    /// Reads on while a request is at hand: its body, if it is wanted, or a little of what
    /// follows. Notes a peer that has no more to say.
    pub(super) fn poll_read_ahead(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let wanted = match this.payload {
            Some(payload) => payload.wants(cx),
            None => this.link.read.len() < READ_AHEAD,
        };
        if !wanted || this.link.eof || *this.broken {
            return Poll::Pending;
        }
        let read = ready!(this.link.poll_fill(cx))?;
        *this.now = Instant::now();
        Poll::Ready(Ok(read))
    }

    /// Moves what has arrived of the body to the handler.
    pub(super) fn feed(self: Pin<&mut Self>) {
        let this = self.project();
        let (Some(codec), Some(_)) = (this.codec.as_mut(), this.payload.as_ref()) else {
            return;
        };
        while let Some(payload) = this.payload.as_ref() {
            match codec.decode(&mut this.link.read) {
                Ok(Some(Message::Chunk(Some(chunk)))) => payload.push(chunk),
                Ok(Some(Message::Chunk(None))) => end(this.payload, Ok(())),
                Ok(Some(Message::Item(_)) | None) => break,
                Err(_) => {
                    *this.broken = true;
                    end(this.payload, Err(PayloadError::EncodingCorrupted));
                }
            }
        }
        if this.link.eof && this.payload.is_some() {
            *this.broken = true;
            let whole = codec.message_type() == MessageType::Stream;
            let error = PayloadError::Incomplete(None);
            end(this.payload, if whole { Ok(()) } else { Err(error) });
        }
    }
}

fn end(payload: &mut Option<payload::Sender>, end: Result<(), PayloadError>) {
    if let Some(payload) = payload.take() {
        payload.end(end);
    }
}
