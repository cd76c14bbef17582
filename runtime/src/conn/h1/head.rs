//! Between two requests: silence, half a head, a whole one.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_http::{
    Method, Payload, Request, StatusCode, Version,
    h1::{Codec, Message, MessageType},
};
use tokio_util::codec::Decoder as _;

use super::{
    H1, Turn,
    content::Content,
    guard,
    lines::{Lines, Look},
    respond,
};
use crate::{
    clock,
    conn::{
        app::App,
        arrival::Arrival,
        close::Behind,
        h2::preface::{self, Preface},
        idle::{FIRST_BYTE, Idle},
        payload,
        registry::Waits,
        request::InFlight,
    },
    control::Stage,
    kernel::Waiting,
    rules::Rule,
};

impl<A: App> H1<A> {
    /// Between requests.
    pub(super) fn poll_between(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        match self.as_mut().poll_hand_over(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Turn::Gone,
            Poll::Pending => return Turn::Wait,
        }
        let this = self.as_mut().project();
        if let Some(behind) = *this.ends {
            return Turn::Close(behind);
        }
        if !this.link.read.is_empty()
            && let Some(turn) = self.as_mut().take_first(cx)
        {
            return turn;
        }
        let this = self.as_mut().project();
        if this.link.eof {
            // Half a head, if anything: there is nobody to answer.
            return Turn::Close(Behind::Unanswered);
        }
        if this.worker.control.lacks(Rule::IdleAsked)
            && this.worker.control.stage() >= Stage::Drain
            && this.link.read.is_empty()
            && !*this.fresh
        {
            return Turn::Close(Behind::Crossed);
        }
        let first = this.link.read.is_empty();
        match this.link.poll_fill(cx) {
            Poll::Ready(Ok(0)) => Turn::Close(Behind::Unanswered),
            Poll::Ready(Ok(_)) => {
                *this.now = clock::now();
                this.farewell.read_on();
                if first {
                    if !this
                        .lines
                        .skip_line_ends(&mut this.link.read, this.worker.control.rules())
                    {
                        return Turn::Again;
                    }
                    *this.since = *this.now;
                }
                if *this.fresh {
                    this.slot.note_bytes();
                }
                this.slot.set_in_flight(true);
                self.take_first(cx).unwrap_or(Turn::Again)
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
        let waits = Waits {
            has_spoken: !idle.is_new,
            since: idle.since,
        };
        // Before its first second is over, too: where room is made at once, a crowd of newcomers
        // that say nothing would otherwise keep everybody out for as long.
        let makes_room = this
            .registration
            .as_ref()
            .is_some_and(|entry| entry.waits(waits));
        let awaited = idle.is_new && this.slot.in_flight();
        let first_byte = idle.since + FIRST_BYTE;
        if awaited && !makes_room && this.timer.poll(first_byte, cx).is_pending() {
            return Turn::Wait;
        }
        this.slot.set_in_flight(false);
        let is_to_end = makes_room
            || idle
                .ends_at(this.worker.life())
                .is_some_and(|at| this.timer.poll(at, cx).is_ready());
        // It may end only at a moment at which the kernel has just said that nothing waits: a
        // request that has arrived, and that the event loop has yet to report, would be thrown away.
        match is_to_end && this.link.io.waiting() == Waiting::Nothing {
            true => Turn::Close(Behind::Crossed),
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
    fn take_first(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Turn> {
        let this = self.as_mut().project();
        if !this
            .lines
            .skip_line_ends(&mut this.link.read, this.worker.control.rules())
        {
            return None;
        }
        let may_be_preface = *this.fresh && !this.lines.have_skipped();
        match may_be_preface.then(|| preface::look(&this.link.read)) {
            Some(Preface::Whole) => Some(Turn::Http2),
            Some(Preface::Part) => None,
            Some(Preface::No) | None => self.take_head(cx),
        }
    }

    /// Takes a request from the read buffer, if a whole head is there.
    fn take_head(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Turn> {
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
        if let Some(status) = guard::before(&this.link.read) {
            return Some(self.refuse(status));
        }
        match codec.decode(&mut this.link.read) {
            Ok(Some(Message::Item(request))) => {
                *this.lines = Lines::default();
                match guard::behind(request.head()) {
                    None => Some(self.begin(request, cx)),
                    Some(status) => Some(self.refuse(status)),
                }
            }
            Ok(_) if look == Look::Doubtful => None,
            Ok(_) => Some(self.refuse(StatusCode::BAD_REQUEST)),
            Err(error) => {
                let status = guard::status(&error, &this.link.read);
                Some(self.refuse(status))
            }
        }
    }

    /// Answers what is no request, and ends the connection.
    fn refuse(self: Pin<&mut Self>, status: StatusCode) -> Turn {
        let this = self.project();
        this.worker.routes.refuse(status);
        respond::refuse(this.link, this.codec, status);
        *this.broken = true;
        *this.ends = Some(Behind::Anything);
        Turn::Again
    }

    /// A request is here.
    fn begin(mut self: Pin<&mut Self>, mut request: Request, cx: &mut Context<'_>) -> Turn {
        let this = self.as_mut().project();
        let head = request.head_mut();
        head.peer_addr = Some(*this.peer);
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
        *this.is_old = head.version < Version::HTTP_11;
        *this.offered = false;
        if let Some(codec) = this.codec
            && (codec.message_type() != MessageType::None || codec.upgrade())
        {
            self.as_mut().begin_content(&mut request);
        }
        self.call(request, cx)
    }

    /// A request that is more than a head.
    fn begin_content(self: Pin<&mut Self>, request: &mut Request) {
        let this = self.project();
        let Some(codec) = this.codec else { return };
        let head = request.head();
        *this.offered = codec.upgrade() && !*this.is_old;
        let websocket = *this.offered
            && head.method == Method::GET
            && codec.message_type() == MessageType::Stream;
        *this.content = Content::of(head).or(websocket.then_some(Content::Offer));
        // RFC 9110, 10.1.1: of no meaning in HTTP/1.0.
        let expects = head.expect() && !*this.is_old;
        *this.expects = expects && !websocket && this.content.is_some();
        if codec.upgrade() || codec.message_type() == MessageType::Stream {
            *codec = guard::without_offer(codec.config().clone(), head);
        }
        if this.content.is_some() {
            let (sender, receiver) = payload::channel();
            *this.payload = Some(sender);
            *this.arrival = Arrival::default();
            *request.payload() = Payload::Stream {
                payload: Box::pin(receiver),
            };
        }
    }
}
