//! Between two requests: silence, half a head, a whole one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_http::{
    Payload, Request, StatusCode,
    body::MessageBody,
    error::ParseError,
    h1::{Codec, Message, MessageType},
};
use actix_service::Service;
use actix_web::dev::ServiceResponse;
use tokio_util::codec::Decoder as _;

use super::{Exchange, H1, Turn, respond};
use crate::{
    conn::{payload, request::InFlight},
    control::Stage,
    kernel::{self, Waiting},
    sabotage::{self, Rule},
};

/// How long a new connection may take to its first byte before it counts as idle: a client that
/// has just connected is about to ask.
const FIRST_BYTE: Duration = Duration::from_secs(1);

impl<S, B> H1<S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    /// Between requests.
    pub(super) fn poll_between(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        let this = self.as_mut().project();
        match this.link.poll_flush(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Turn::Gone,
            Poll::Pending => return Turn::Wait,
        }
        if *this.close_after {
            return Turn::Close;
        }
        if !this.link.read.is_empty()
            && let Some(turn) = self.as_mut().take_head()
        {
            return turn;
        }
        let this = self.as_mut().project();
        if this.link.eof {
            // Half a head, if anything: there is nobody to answer.
            return Turn::Close;
        }
        if sabotage::is_off(Rule::IdleAsked)
            && this.worker.control.stage() >= Stage::Drain
            && this.link.read.is_empty()
            && !*this.fresh
        {
            return Turn::Close;
        }
        let first = this.link.read.is_empty();
        match this.link.poll_fill(cx) {
            Poll::Ready(Ok(0)) => Turn::Close,
            Poll::Ready(Ok(_)) => {
                *this.now = Instant::now();
                if first {
                    *this.since = *this.now;
                }
                this.slot.set_in_flight(true);
                Turn::Again
            }
            Poll::Ready(Err(_)) => Turn::Gone,
            Poll::Pending if first => self.poll_silence(cx),
            Poll::Pending => self.poll_half_head(cx),
        }
    }

    /// Nothing has been read, and everything is written.
    fn poll_silence(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        let this = self.project();
        let awaited = *this.fresh && this.slot.in_flight();
        if awaited && this.timer.poll(*this.since + FIRST_BYTE, cx).is_pending() {
            return Turn::Wait;
        }
        this.slot.set_in_flight(false);
        let told_to_end = this.worker.control.stage() >= Stage::CloseIdle;
        let mut silent_for_long = || {
            this.timer
                .poll(*this.since + this.worker.limits.keep_alive, cx)
        };
        // An idle connection may end only at a moment at which the kernel has just said that
        // nothing waits: a request that has arrived, and that the event loop has yet to report,
        // would be thrown away.
        if (told_to_end || silent_for_long().is_ready())
            && kernel::waiting(&this.link.io) == Waiting::Nothing
        {
            return Turn::Close;
        }
        Turn::Wait
    }

    /// A head has begun and is not complete.
    fn poll_half_head(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        let this = self.project();
        let deadline = *this.since + this.worker.limits.head_timeout;
        if this.timer.poll(deadline, cx).is_pending() {
            return Turn::Wait;
        }
        respond::refuse(this.link, this.codec, StatusCode::REQUEST_TIMEOUT);
        *this.broken = true;
        *this.close_after = true;
        Turn::Again
    }

    /// Takes a request from the read buffer, if a whole head is there.
    fn take_head(mut self: Pin<&mut Self>) -> Option<Turn> {
        let this = self.as_mut().project();
        let codec = this
            .codec
            .get_or_insert_with(|| Codec::new(this.worker.dates.config()));
        match codec.decode(&mut this.link.read) {
            Ok(Some(Message::Item(request))) => Some(self.begin(request)),
            Ok(Some(Message::Chunk(_)) | None) => None,
            Err(error) => {
                let status = match error {
                    ParseError::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                    _ => StatusCode::BAD_REQUEST,
                };
                respond::refuse(this.link, this.codec, status);
                *this.broken = true;
                *this.close_after = true;
                Some(Turn::Again)
            }
        }
    }

    /// Hands a request to the service.
    fn begin(mut self: Pin<&mut Self>, mut request: Request) -> Turn {
        let mut this = self.as_mut().project();
        let head = request.head_mut();
        head.peer_addr = Some(*this.peer);
        let expects = head.expect();
        let target = head.uri.path_and_query().cloned();
        let method = head.method.clone();
        if this.worker.control.stage() >= Stage::Goodbye {
            this.worker.control.request_came(*this.now);
        }
        *this.request = Some(InFlight::new(
            &this.worker.counters,
            method,
            target,
            *this.now,
        ));
        let has_body = this
            .codec
            .as_ref()
            .is_some_and(|codec| codec.message_type() != MessageType::None);
        if has_body {
            let (sender, receiver) = payload::channel();
            *this.payload = Some(sender);
            *request.payload() = Payload::Stream {
                payload: Box::pin(receiver),
            };
            if expects && this.link.read.is_empty() {
                this.link
                    .write
                    .extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            }
        }
        let service = &this.worker.service;
        match catch_unwind(AssertUnwindSafe(|| service.call(request))) {
            Ok(response) => this.exchange.set(Exchange::Call { response }),
            Err(_) => return self.respond_to_panic(),
        }
        Turn::Again
    }
}
