//! Responses, and what follows them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use actix_http::{
    ConnectionType, Method, Response, StatusCode,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    h1::{Codec, Message},
    header,
};
use actix_web::dev::ServiceResponse;
use bytes::Bytes;
use tokio_util::codec::Encoder as _;

use super::{Exchange, ExchangeProj, Farewell, H1, Turn, WRITE_AHEAD, body, content::Content};
use crate::{
    clock,
    conn::{
        app::App,
        close::{Behind, Close},
        framing::Framing,
        link::Link,
        payload,
        request::InFlight,
    },
    control::Stage,
    rules::Rule,
};

/// The response to a request that could not be read. Its connection ends.
pub(super) fn refuse(link: &mut Link, codec: &Option<Codec>, status: StatusCode) {
    // Not in the version of a request that is none.
    let Some(mut codec) = codec
        .as_ref()
        .map(|codec| Codec::new(codec.config().clone()))
    else {
        return;
    };
    let mut response = Response::new(status).drop_body();
    response
        .head_mut()
        .set_connection_type(ConnectionType::Close);
    let head = Message::Item((response, BodySize::Sized(0)));
    // Encoding into memory fails only for a body that exceeds its announced size.
    let _ = codec.encode(head, link.write());
}

/// The bytes of a body that is small and there already, as most are: they need no polling. Exactly as
/// many as are announced, so that the codec need not be told of their end. A large one is in flight
/// until the kernel has taken most of it.
fn whole<B: MessageBody + 'static>(
    body: EitherBody<B, BoxBody>,
    size: BodySize,
) -> Result<Bytes, EitherBody<B, BoxBody>> {
    match size {
        BodySize::None | BodySize::Sized(0) => Ok(Bytes::new()),
        BodySize::Stream => Err(body),
        BodySize::Sized(length) if length >= WRITE_AHEAD as u64 => Err(body),
        BodySize::Sized(length) => match body.try_into_bytes()? {
            bytes if bytes.len() as u64 == length => Ok(bytes),
            bytes => Err(EitherBody::right(BoxBody::new(bytes))),
        },
    }
}

impl<A: App> H1<A> {
    /// The handler has answered.
    #[inline]
    pub(super) fn respond(
        mut self: Pin<&mut Self>,
        result: Result<ServiceResponse<A::Body>, actix_web::Error>,
    ) -> Turn {
        match result {
            Ok(response) if !self.may_say(response.status()) => {
                let status = response.status();
                tracing::error!(%status, "a handler's response would be none: answering 500");
                self.respond_to_panic()
            }
            Ok(response) => {
                self.as_mut().note_route(&response);
                let (head, body) = Response::from(response).into_parts();
                self.send(head, EitherBody::left(body))
            }
            Err(error) => {
                let (head, body) = Response::from(error.error_response()).into_parts();
                self.as_mut().note_unrouted(head.status());
                self.send(head, EitherBody::right(body))
            }
        }
    }

    /// Whether a response may have this status. After an informational one a client waits for the
    /// response itself; but for 101, if that is what it has offered.
    fn may_say(&self, status: StatusCode) -> bool {
        !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS && self.offered
    }

    /// The handler has panicked.
    pub(super) fn respond_to_panic(mut self: Pin<&mut Self>) -> Turn {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        self.as_mut().note_unrouted(status);
        let body = BoxBody::new("internal server error\n");
        self.send(Response::with_body(status, ()), EitherBody::right(body))
    }

    fn note_route(self: Pin<&mut Self>, response: &ServiceResponse<A::Body>) {
        let this = self.project();
        if let Some(in_flight) = this.request {
            in_flight.answered_by(&this.worker.routes, this.route, response);
        }
    }

    pub(super) fn note_unrouted(self: Pin<&mut Self>, status: StatusCode) {
        let this = self.project();
        if let Some(in_flight) = this.request {
            in_flight.answered_unrouted(&this.worker.routes, status);
        }
    }

    pub(super) fn send(
        mut self: Pin<&mut Self>,
        mut response: Response<()>,
        body: EitherBody<A::Body, BoxBody>,
    ) -> Turn {
        // A body that has wholly arrived, though the handler did not want it, is no reason to
        // close.
        self.as_mut().feed();
        // A response that goes on reading the body, while it is on its way itself.
        self.as_mut().ask(payload::Sender::is_held);
        let is_head = self
            .request
            .as_ref()
            .is_some_and(|r| r.method == Method::HEAD);
        let mut framing = Framing::of(&response, body.size(), is_head);
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // Its body is the other protocol.
            framing.bare = body.size() != BodySize::Stream;
            self.as_mut().switch(&mut response);
        } else {
            self.as_mut().stay(&mut response, framing);
        }
        let this = self.as_mut().project();
        let Some(codec) = this.codec else {
            return Turn::Gone;
        };
        let announced = match *this.switched {
            true => body.size(),
            false => framing.announced,
        };
        let head = Message::Item((response, announced));
        if codec.encode(head, this.link.write()).is_err() {
            return Turn::Gone;
        }
        if framing.bare {
            // Even to produce it may take for ever.
            drop(body);
            self.finish();
            return Turn::Again;
        }
        self.send_body(body, announced)
    }

    /// The head has been encoded.
    fn send_body(
        mut self: Pin<&mut Self>,
        body: EitherBody<A::Body, BoxBody>,
        size: BodySize,
    ) -> Turn {
        let mut this = self.as_mut().project();
        match (whole(body, size), this.codec) {
            (Ok(bytes), Some(codec)) => {
                // Encoding into memory fails only for a body that exceeds its announced size.
                let _ = codec.encode(Message::Chunk(Some(bytes)), this.link.write());
                self.finish();
            }
            (Ok(_), None) => return Turn::Gone,
            (Err(body), _) => this.exchange.set(Exchange::Body { body }),
        }
        Turn::Again
    }

    /// From here on the connection is another protocol's.
    fn switch(self: Pin<&mut Self>, response: &mut Response<()>) {
        let this = self.project();
        *this.switched = true;
        if matches!(this.content, Some(Content::Offer)) {
            *this.content = Some(Content::Other);
        }
        let head = response.head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Upgrade);
    }

    /// The connection stays HTTP's, whatever its client has offered. If it ends with this response,
    /// the response says so.
    fn stay(mut self: Pin<&mut Self>, response: &mut Response<()>, framing: Framing) {
        let this = self.as_mut().project();
        if matches!(this.content, Some(Content::Offer)) {
            body::end(this.payload, Ok(()));
        }
        if this.payload.is_none() {
            this.lines
                .skip_line_ends(&mut this.link.read, this.worker.control.rules());
        }
        let head = response.head_mut();
        let mut lasts = false;
        if framing.announced == BodySize::Stream && (*this.is_old || !head.chunked()) {
            // Without chunks only the connection's end is the body's.
            lasts = !framing.bare;
            head.no_chunking(true);
            head.headers_mut().remove(header::TRANSFER_ENCODING);
        }
        *this.until_close = lasts;
        if head.upgrade() {
            // The handler's own offer, as with 426.
            head.set_connection_type(ConnectionType::KeepAlive);
        }
        if lasts || self.is_last() {
            head.set_connection_type(ConnectionType::Close);
        }
    }

    /// Whether the connection ends with the response at hand, and says so.
    fn is_last(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        // The rest of the body cannot be told from a next request.
        if this.payload.is_some() || *this.broken {
            return true;
        }
        let read_all = this.link.read.is_empty();
        if this.link.eof {
            return read_all;
        }
        let stage = this.worker.control.stage();
        if stage < Stage::Goodbye || this.worker.control.lacks(Rule::Goodbye) {
            return false;
        }
        // After a goodbye a client must discard what follows (RFC 9112, 9.6), so it is withheld
        // while a further request is here already, if only its first byte.
        let waits = || this.link.io.request_waits();
        match this.farewell {
            Farewell::Last => true,
            Farewell::Read => read_all,
            Farewell::Open if read_all && !waits() => true,
            Farewell::Open => {
                if stage >= Stage::Drain {
                    *this.farewell = match read_all {
                        true => Farewell::Last,
                        false => Farewell::Read,
                    };
                }
                false
            }
        }
    }

    /// The response's body is on its way.
    pub(super) fn poll_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        let mut read = None;
        loop {
            self.as_mut().feed();
            let mut more = true;
            while more && self.link.write.len() < WRITE_AHEAD {
                match self.as_mut().poll_chunk(cx) {
                    Poll::Ready(Some(turn)) => return turn,
                    Poll::Ready(None) => {}
                    Poll::Pending => more = false,
                }
            }
            match self.as_mut().poll_hand_over(cx) {
                Poll::Ready(Ok(())) if more => continue,
                Poll::Ready(Ok(())) | Poll::Pending => {}
                Poll::Ready(Err(_)) => return Turn::Gone,
            }
            match self.as_mut().poll_read_ahead(cx) {
                Poll::Ready(Ok(now)) => read = Some(now),
                Poll::Ready(Err(_)) => return Turn::Gone,
                Poll::Pending if self.has_left() => return self.fail(),
                Poll::Pending if self.as_mut().poll_late_body(read, cx).is_pending() => {
                    return match self.poll_given_up(cx) {
                        Poll::Ready(()) => Turn::Gone,
                        Poll::Pending => Turn::Wait,
                    };
                }
                Poll::Pending => return self.give_up_body(cx),
            }
        }
    }

    /// Encodes one chunk; `Some` when the response ends with it.
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Turn>> {
        let this = self.as_mut().project();
        let ExchangeProj::Body { body } = this.exchange.project() else {
            return Poll::Ready(Some(Turn::Again));
        };
        let Some(codec) = this.codec else {
            return Poll::Ready(Some(Turn::Gone));
        };
        let polled = catch_unwind(AssertUnwindSafe(|| body.poll_next(cx)));
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
        if codec
            .encode(Message::Chunk(chunk), this.link.write())
            .is_err()
        {
            return Poll::Ready(Some(self.fail()));
        }
        if last {
            let ends = self.ends_with_stream();
            self.as_mut().finish();
            if ends {
                // Its client was not told.
                self.project().ends.get_or_insert(Behind::Crossed);
            }
            return Poll::Ready(Some(Turn::Again));
        }
        Poll::Ready(None)
    }

    /// The response's body has failed, or nobody waits for it. If its head has gone out, all that
    /// can be said is to end without an end; but in good order, for the sake of the responses
    /// before it.
    pub(super) fn fail(self: Pin<&mut Self>) -> Turn {
        let left = self.has_left();
        let mut this = self.project();
        if let Some(request) = this.request.take()
            && !left
        {
            request.fail();
        }
        this.codec.take();
        this.exchange.set(Exchange::None);
        (*this.broken, *this.ends) = (true, Some(Behind::Anything));
        Turn::Again
    }

    /// The response is complete: its last byte is in the write buffer.
    fn finish(self: Pin<&mut Self>) {
        let mut this = self.project();
        let now = clock::now();
        (*this.now, *this.since, *this.fresh) = (now, now, false);
        if let Some(request) = this.request.take() {
            *this.finished = request.done(now, &this.worker.control);
        }
        this.exchange.set(Exchange::None);
        let kept = this.codec.take().is_some_and(|codec| codec.keep_alive());
        let ends = !kept || *this.until_close || this.payload.is_some() || *this.broken;
        *this.ends = ends.then_some(Behind::Unanswered);
        *this.until_close = false;
    }

    /// Whether the connection ends with the stream that has just ended, though its head, which is
    /// older than the goodbye, could not say so. Only for one that its handler ends itself: its
    /// client comes back as soon as it sees the end, and would come back to a process that is about
    /// to leave. The FIN comes with the stream's last bytes, so there is no silence in which a
    /// request could cross it; one that is here already is answered, and says goodbye itself.
    fn ends_with_stream(&self) -> bool {
        self.request.as_ref().is_some_and(InFlight::ends_itself)
            && self.worker.control.stage() >= Stage::Goodbye
            && !self.worker.control.lacks(Rule::Goodbye)
            && self.farewell == Farewell::Open
            && self.link.read.is_empty()
            && !self.link.io.request_waits()
    }

    /// Everything is written, and nothing more will be answered. `behind` is what would be a
    /// further request.
    pub(super) fn begin_close(self: Pin<&mut Self>, behind: Behind) {
        let this = self.project();
        let behind = match this.payload.take() {
            Some(_) => Behind::Body,
            // It was given up.
            None if this.arrival.runs() => Behind::Body,
            None if *this.broken || *this.switched => Behind::Anything,
            None => behind,
        };
        let now = clock::now();
        let mut close = match *this.until_close {
            // A body that lasts until then has failed: only a reset tells.
            true => Close::abrupt(this.link, now),
            false => Close::new(this.link, behind, now),
        };
        close.note(&this.link.read, &this.worker.control);
        *this.close = Some(close);
    }
}
