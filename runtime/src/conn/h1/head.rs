//! Between two requests: silence, half a head, a whole one.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use actix_http::{
    Method, Payload, Request, StatusCode, Version,
    error::ParseError,
    h1::{Message, MessageType},
    header,
};
use tokio_util::codec::Decoder as _;

use super::{
    End, H1, Reading, Step, Upgrade,
    content::Content,
    guard,
    lines::{Lines, Look},
    respond,
    upload::Upload,
};
use crate::{
    clock,
    conn::{
        app::App,
        arrival::Arrival,
        close::Behind,
        h2::preface::{self, Preface},
        payload,
        policy::{Awaits, FIRST_REQUEST, Silence},
        registry::AwaitsClient,
        request::InFlight,
    },
    control::Stage,
    kernel::Waiting,
    rules::Rule,
};

impl<A: App> H1<A> {
    /// Between requests.
    pub(super) fn poll_between(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step {
        match self.as_mut().poll_write_out(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Step::Gone,
            Poll::Pending => return Step::Wait,
        }
        let this = self.as_mut().project();
        if let Some(end) = *this.ends {
            return Step::Close(end);
        }
        if !this.io.read.is_empty()
            && let Some(step) = self.as_mut().take_first(cx)
        {
            return step;
        }
        let this = self.as_mut().project();
        if this.io.eof {
            // Half a head, if anything: it is no request, and there is nobody to answer.
            return Step::Close(End::Fin(Behind::Anything));
        }
        if this.worker.control.lacks(Rule::IdleAsked)
            && this.worker.control.stage() >= Stage::Drain
            && this.io.read.is_empty()
            && !*this.fresh
        {
            return Step::Close(End::Fin(Behind::Crossed));
        }
        let first = this.io.read.is_empty();
        match this.io.poll_fill(cx) {
            Poll::Ready(Ok(0)) => Step::Close(End::Fin(Behind::Anything)),
            Poll::Ready(Ok(_)) => {
                *this.now = clock::now();
                this.further.read_on();
                if first {
                    if !this
                        .lines
                        .skip_line_ends(&mut this.io.read, this.worker.control.rules())
                    {
                        return Step::Again;
                    }
                    *this.since = *this.now;
                }
                if *this.fresh {
                    this.open.note_bytes();
                }
                this.open.set_in_flight(true);
                self.take_first(cx).unwrap_or(Step::Again)
            }
            Poll::Ready(Err(_)) => Step::Gone,
            Poll::Pending => match (first, this.io.transport.half_since()) {
                (true, None) => self.poll_silence(cx),
                (true, Some(since)) => {
                    this.open.set_in_flight(true);
                    self.poll_half_head(since, cx)
                }
                (false, _) => {
                    let since = *this.since;
                    self.poll_half_head(since, cx)
                }
            },
        }
    }

    /// Nothing has been read, and everything is written.
    fn poll_silence(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step {
        let this = self.project();
        let awaits = if *this.fresh {
            Awaits::First
        } else {
            Awaits::Next
        };
        let silence = Silence {
            awaits,
            since: *this.since,
        };
        let waits = AwaitsClient {
            has_spoken: awaits == Awaits::Next,
            since: silence.since,
        };
        // Before its first second is over, too: where room is made at once, a crowd of newcomers
        // that say nothing would otherwise keep everybody out for as long.
        let makes_room = this
            .registration
            .as_ref()
            .is_some_and(|entry| entry.waits(waits));
        let is_about_to_ask = awaits == Awaits::First && this.open.in_flight();
        let mut has_time = || {
            let asks_at = silence.since + FIRST_REQUEST;
            this.timer.poll(asks_at, cx).is_pending()
        };
        if is_about_to_ask && !makes_room && has_time() {
            return Step::Wait;
        }
        this.open.set_in_flight(false);
        let is_to_end = makes_room
            || silence
                .ends_at(this.worker.life(), this.worker.silence_limits())
                .is_some_and(|at| this.timer.poll(at, cx).is_ready());
        // It may end only at a moment at which the kernel has just said that nothing waits: a
        // request that has arrived, and that the event loop has yet to report, would be thrown away.
        match is_to_end && this.io.transport.waiting(cx) == Waiting::Nothing {
            true => Step::Close(End::Fin(Behind::Crossed)),
            false => Step::Wait,
        }
    }

    /// A head has begun since then, as far as can be told, and is not complete.
    fn poll_half_head(mut self: Pin<&mut Self>, since: Instant, cx: &mut Context<'_>) -> Step {
        let this = self.as_mut().project();
        let waits = AwaitsClient {
            has_spoken: true,
            since,
        };
        let makes_room = this.worker.limits.room.half_heads
            && this
                .registration
                .as_ref()
                .is_some_and(|entry| entry.waits(waits));
        let silence = Silence {
            awaits: Awaits::Head,
            since,
        };
        let is_late = silence
            .ends_at(this.worker.life(), this.worker.silence_limits())
            .is_some_and(|at| this.timer.poll(at, cx).is_ready());
        if !is_late && !makes_room {
            return Step::Wait;
        }
        self.refuse(StatusCode::REQUEST_TIMEOUT)
    }

    /// Takes what the read buffer begins with: mostly a request. HTTP/2's preface is possible only
    /// at the very beginning of a connection.
    fn take_first(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Step> {
        let this = self.as_mut().project();
        if !this
            .lines
            .skip_line_ends(&mut this.io.read, this.worker.control.rules())
        {
            return None;
        }
        let may_be_preface = *this.fresh && !this.lines.have_skipped();
        match may_be_preface.then(|| preface::look(&this.io.read)) {
            Some(Preface::Whole) => Some(Step::Http2),
            Some(Preface::Part) => None,
            Some(Preface::No) | None => self.take_head(cx),
        }
    }

    /// Takes a request from the read buffer, if a whole head is there.
    fn take_head(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Step> {
        let this = self.as_mut().project();
        let look = this.lines.look(&this.io.read);
        if look == Look::Partial {
            return None;
        }
        let codec = this.codec.get_or_insert_with(|| this.worker.dates.codec());
        if look == Look::Bad {
            return Some(self.refuse(StatusCode::BAD_REQUEST));
        }
        if look == Look::Long {
            let status = guard::status(&ParseError::TooLarge, &this.io.read);
            return Some(self.refuse(status));
        }
        if let Some(status) = guard::before(&this.io.read) {
            return Some(self.refuse(status));
        }
        match codec.decode(&mut this.io.read) {
            Ok(Some(Message::Item(request))) => {
                *this.lines = Lines::default();
                match guard::behind(request.head(), &this.worker.last_host) {
                    None => Some(self.begin(request, cx)),
                    Some(status) => Some(self.refuse(status)),
                }
            }
            Ok(_) if look == Look::Doubtful => None,
            Ok(_) => Some(self.refuse(StatusCode::BAD_REQUEST)),
            Err(error) => {
                let status = guard::status(&error, &this.io.read);
                Some(self.refuse(status))
            }
        }
    }

    /// Answers what is no request, and ends the connection.
    fn refuse(self: Pin<&mut Self>, status: StatusCode) -> Step {
        let this = self.project();
        this.worker.routes.refuse(status);
        if let Some(observer) = &this.worker.observer {
            observer.refused(*this.peer, status);
        }
        respond::refuse(this.io, this.codec, status);
        *this.reading = Reading::Broken;
        *this.ends = Some(End::Fin(Behind::Anything));
        Step::Again
    }

    /// A request is here.
    fn begin(mut self: Pin<&mut Self>, mut request: Request, cx: &mut Context<'_>) -> Step {
        let this = self.as_mut().project();
        let head = request.head_mut();
        head.peer_addr = this.peer.socket_address();
        let target = head.uri.path_and_query().cloned();
        if this.worker.control.stage() >= Stage::Goodbye {
            this.worker.control.request_came(*this.now);
            this.open.note_request(head.uri.path(), *this.now);
        }
        let is_http_1_0 = head.version < Version::HTTP_11;
        let in_flight = InFlight::new(&this.worker.counters, &head.method, target, *this.now);
        let in_flight = this.request.insert(in_flight);
        in_flight.is_http_1_0 = is_http_1_0;
        if let Some(observer) = &this.worker.observer {
            in_flight.observe(observer.begin(&mut request, *this.peer));
        }
        this.io.transport.introduce(&request);
        *this.upgrade = Upgrade::None;
        if let Some(codec) = this.codec
            && (codec.message_type() != MessageType::None || codec.upgrade())
        {
            self.as_mut().begin_content(&mut request, is_http_1_0);
        }
        self.call(request, cx)
    }

    /// A request that is more than a head.
    fn begin_content(self: Pin<&mut Self>, request: &mut Request, is_http_1_0: bool) {
        let this = self.project();
        let Some(codec) = this.codec else { return };
        if is_http_1_0 {
            // To be ignored (RFC 9110, 7.8): a handler that took the offer would have a response that may not
            // be sent.
            request.head_mut().headers.remove(header::UPGRADE);
        }
        let head = request.head();
        let offers = codec.upgrade() && !is_http_1_0;
        let websocket =
            offers && head.method == Method::GET && codec.message_type() == MessageType::Stream;
        if offers {
            *this.upgrade = Upgrade::Offered;
        }
        let content = Content::of(head).or(websocket.then_some(Content::Offer));
        // RFC 9110, 10.1.1: of no meaning in HTTP/1.0.
        let expects = head.expect() && !is_http_1_0 && !websocket;
        if codec.upgrade() || codec.message_type() == MessageType::Stream {
            *codec = guard::without_offer(codec.config().clone(), head);
        }
        if let Some(content) = content {
            let (sender, receiver) = payload::channel();
            *this.upload = Some(Upload {
                sender,
                content,
                arrival: Arrival::default(),
                expects,
            });
            *request.payload() = Payload::Stream {
                payload: Box::pin(receiver),
            };
        }
    }
}
