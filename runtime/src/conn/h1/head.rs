//! Between two requests: silence, half a head, a whole one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use actix_http::{
    Payload, Request, StatusCode, Version,
    body::MessageBody,
    error::ParseError,
    h1::{Codec, Message, MessageType},
};
use actix_service::Service;
use actix_web::dev::ServiceResponse;
use tokio_util::codec::Decoder as _;

use super::{
    Exchange, H1, Turn,
    lines::{Lines, Look},
    respond,
};
use crate::{
    conn::{
        arrival::Arrival,
        h2::preface::{self, Preface},
        idle::{FIRST_BYTE, Idle},
        payload,
        registry::Waits,
        request::InFlight,
    },
    control::Stage,
    kernel::{self, Waiting},
    sabotage::{self, Rule},
};

impl<S, B> H1<S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    /// Between requests.
    pub(super) fn poll_between(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        match self.as_mut().poll_hand_over(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Turn::Gone,
            Poll::Pending => return Turn::Wait,
        }
        let this = self.as_mut().project();
        if *this.close_after {
            return Turn::Close;
        }
        if !this.link.read.is_empty()
            && let Some(turn) = self.as_mut().take_first()
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
            return Turn::EndIdle;
        }
        let first = this.link.read.is_empty();
        match this.link.poll_fill(cx) {
            Poll::Ready(Ok(0)) => Turn::Close,
            Poll::Ready(Ok(_)) => {
                *this.now = Instant::now();
                this.farewell.read_on();
                if first {
                    *this.since = *this.now;
                }
                if *this.fresh {
                    this.slot.note_bytes();
                }
                this.slot.set_in_flight(true);
                self.take_first().unwrap_or(Turn::Again)
            }
            Poll::Ready(Err(_)) => Turn::Gone,
            Poll::Pending if first => self.poll_silence(cx),
            Poll::Pending => self.poll_half_head(cx),
        }
    }

    /// Nothing has been read, and everything is written.
    fn poll_silence(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        let this = self.project();
        let idle = Idle {
            since: *this.since,
            is_new: *this.fresh,
        };
        let awaited = idle.is_new && this.slot.in_flight();
        if awaited && this.timer.poll(idle.since + FIRST_BYTE, cx).is_pending() {
            return Turn::Wait;
        }
        this.slot.set_in_flight(false);
        let waits = Waits {
            has_spoken: !idle.is_new,
            since: idle.since,
        };
        let is_to_end = this
            .registration
            .as_ref()
            .is_some_and(|entry| entry.waits(waits))
            || idle
                .ends_at(this.worker.life())
                .is_some_and(|at| this.timer.poll(at, cx).is_ready());
        // It may end only at a moment at which the kernel has just said that nothing waits: a
        // request that has arrived, and that the event loop has yet to report, would be thrown away.
        match is_to_end && kernel::waiting(&this.link.io) == Waiting::Nothing {
            true => Turn::EndIdle,
            false => Turn::Wait,
        }
    }

    /// A head has begun and is not complete.
    fn poll_half_head(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        let this = self.as_mut().project();
        let waits = Waits {
            has_spoken: true,
            since: *this.since,
        };
        let makes_room = this.worker.limits.room.half_heads
            && this
                .registration
                .as_ref()
                .is_some_and(|entry| entry.waits(waits));
        let deadline = *this.since + this.worker.limits.head_timeout;
        if !makes_room && this.timer.poll(deadline, cx).is_pending() {
            return Turn::Wait;
        }
        self.refuse(StatusCode::REQUEST_TIMEOUT)
    }

    /// Takes what the read buffer begins with: mostly a request. HTTP/2's preface is possible only
    /// at the very beginning of a connection.
    fn take_first(self: Pin<&mut Self>) -> Option<Turn> {
        match self.fresh.then(|| preface::look(&self.link.read)) {
            Some(Preface::Whole) => Some(Turn::Http2),
            Some(Preface::Part) => None,
            Some(Preface::No) | None => self.take_head(),
        }
    }

    /// Takes a request from the read buffer, if a whole head is there.
    fn take_head(mut self: Pin<&mut Self>) -> Option<Turn> {
        let this = self.as_mut().project();
        let look = this.lines.look(&this.link.read);
        if look == Look::Partial {
            return None;
        }
        let codec = this
            .codec
            .get_or_insert_with(|| Codec::new(this.worker.dates.config()));
        if look == Look::Bad {
            return Some(self.refuse(StatusCode::BAD_REQUEST));
        }
        match codec.decode(&mut this.link.read) {
            Ok(Some(Message::Item(request))) => {
                *this.lines = Lines::default();
                Some(self.begin(request))
            }
            Ok(_) if look == Look::Doubtful => None,
            Err(ParseError::TooLarge) => {
                Some(self.refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE))
            }
            Ok(_) | Err(_) => Some(self.refuse(StatusCode::BAD_REQUEST)),
        }
    }

    /// Answers what is no request, and ends the connection.
    fn refuse(self: Pin<&mut Self>, status: StatusCode) -> Turn {
        let this = self.project();
        respond::refuse(this.link, this.codec, status);
        *this.broken = true;
        *this.close_after = true;
        Turn::Again
    }

    /// Hands a request to the service.
    fn begin(mut self: Pin<&mut Self>, mut request: Request) -> Turn {
        let mut this = self.as_mut().project();
        let head = request.head_mut();
        head.peer_addr = Some(*this.peer);
        let is_old = head.version < Version::HTTP_11;
        // RFC 9110, 10.1.1: of no meaning in HTTP/1.0.
        let expects = head.expect() && !is_old;
        let target = head.uri.path_and_query().cloned();
        let method = head.method.clone();
        if this.worker.control.stage() >= Stage::Goodbye {
            this.worker.control.request_came(*this.now);
            this.slot.note_request(head.uri.path(), *this.now);
        }
        *this.request = Some(InFlight::new(
            &this.worker.counters,
            method,
            target,
            *this.now,
        ));
        let body = this.codec.as_ref().map(Codec::message_type);
        // Chunks are no way to answer these.
        *this.until_close = is_old || body == Some(MessageType::Stream);
        if body.is_some_and(|body| body != MessageType::None) {
            let (sender, receiver) = payload::channel();
            *this.payload = Some(sender);
            (*this.arrival, *this.framing) = (Arrival::default(), 0);
            *request.payload() = Payload::Stream {
                payload: Box::pin(receiver),
            };
            *this.expects = expects && body == Some(MessageType::Payload);
        }
        let service = &this.worker.service;
        match catch_unwind(AssertUnwindSafe(|| service.call(request))) {
            Ok(response) => this.exchange.set(Exchange::Call { response }),
            Err(_) => return self.respond_to_panic(),
        }
        Turn::Again
    }
}
