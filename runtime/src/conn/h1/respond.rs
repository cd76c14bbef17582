//! How a response begins: its head, and a body that is there already.

use std::pin::Pin;

use actix_http::{
    ConnectionType, Response, StatusCode,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
    h1::{Codec, Message},
    header,
};
use actix_web::dev::ServiceResponse;
use bytes::Bytes;
use tokio_util::codec::Encoder as _;

use super::{H1, Reading, State, Step, Upgrade, WRITE_AHEAD, content::Content, upload::Upload};
use crate::{
    conn::{app::App, buffered_io::BufferedIo, framing::Framing, request::InFlight},
    rules::Rule,
};

/// The response to a request that could not be read. Its connection ends.
pub(super) fn refuse(io: &mut BufferedIo, codec: &Option<Codec>, status: StatusCode) {
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
    let _ = codec.encode(head, io.write());
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
    /// The handler has answered. Always in its place: a response is large, and would be moved once more.
    #[inline(always)]
    pub(super) fn respond(
        mut self: Pin<&mut Self>,
        result: Result<ServiceResponse<A::Body>, actix_web::Error>,
    ) -> Step {
        match result {
            Ok(response) => {
                let status = response.status();
                if !self.may_say(status) {
                    tracing::error!(%status, "a handler's response would be none: answering 500");
                    return self.respond_to_panic();
                }
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
        !status.is_informational()
            || status == StatusCode::SWITCHING_PROTOCOLS && self.upgrade == Upgrade::Offered
    }

    /// The handler has panicked.
    pub(super) fn respond_to_panic(mut self: Pin<&mut Self>) -> Step {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        self.as_mut().note_unrouted(status);
        let body = BoxBody::new("internal server error\n");
        self.send(Response::with_body(status, ()), EitherBody::right(body))
    }

    fn note_route(self: Pin<&mut Self>, response: &ServiceResponse<A::Body>) {
        let this = self.project();
        if let Some(in_flight) = this.request {
            in_flight.answered_by(&this.worker.routes, this.last, response);
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
    ) -> Step {
        // A body that has wholly arrived, though the handler did not want it, is no reason to
        // close.
        self.as_mut().feed();
        // A response that goes on reading the body, while it is on its way itself.
        self.as_mut().ask(Upload::is_held);
        let is_head = self.request.as_ref().is_some_and(InFlight::is_head);
        if let Some(observed) = self.request.as_ref().and_then(InFlight::observed) {
            observed.mark(response.head_mut());
        }
        let mut framing = Framing::of(&response, body.size(), is_head);
        let mut until_close = false;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // Its body is the other protocol.
            framing = Framing {
                announced: body.size(),
                bare: body.size() != BodySize::Stream,
            };
            self.as_mut().switch(&mut response);
        } else {
            until_close = self.as_mut().stay(&mut response, framing);
        }
        let this = self.as_mut().project();
        let Some(codec) = this.codec else {
            return Step::Gone;
        };
        let head = Message::Item((response, framing.announced));
        if codec.encode(head, this.io.write()).is_err() {
            return Step::Gone;
        }
        if framing.bare {
            // Even to produce it may take for ever.
            drop(body);
            self.finish();
            return Step::Again;
        }
        self.send_body(body, framing.announced, until_close)
    }

    /// The head has been encoded.
    fn send_body(
        mut self: Pin<&mut Self>,
        body: EitherBody<A::Body, BoxBody>,
        size: BodySize,
        until_close: bool,
    ) -> Step {
        let mut this = self.as_mut().project();
        match whole(body, size) {
            // As it is: the codec would count what has been counted.
            Ok(bytes) => {
                this.io.write().extend_from_slice(&bytes);
                if let Some(request) = this.request {
                    request.sent(bytes.len());
                }
                self.finish();
            }
            Err(body) => this.state.set(State::Responding { body, until_close }),
        }
        Step::Again
    }

    /// From here on the connection is another protocol's.
    fn switch(self: Pin<&mut Self>, response: &mut Response<()>) {
        let this = self.project();
        *this.upgrade = Upgrade::Granted { heard_fin: false };
        if let Some(upload) = this.upload
            && upload.is_offer()
        {
            upload.content = Content::Other;
        }
        let head = response.head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Upgrade);
    }

    /// The connection stays HTTP's, whatever its client has offered. If it ends with this response,
    /// the response says so. True if that end is the body's.
    fn stay(mut self: Pin<&mut Self>, response: &mut Response<()>, framing: Framing) -> bool {
        if self.upload.as_ref().is_some_and(Upload::is_offer) {
            self.as_mut().end_upload(Ok(()));
        }
        let is_http_1_0 = self
            .request
            .as_ref()
            .is_some_and(|request| request.is_http_1_0);
        let this = self.as_mut().project();
        if this.upload.is_none() {
            this.lines
                .skip_line_ends(&mut this.io.read, this.worker.control.rules());
        }
        let head = response.head_mut();
        let mut until_close = false;
        if framing.announced == BodySize::Stream && (is_http_1_0 || !head.chunked()) {
            // Without chunks only the connection's end is the body's.
            until_close = !framing.bare;
            head.no_chunking(true);
            head.headers_mut().remove(header::TRANSFER_ENCODING);
        }
        if head.upgrade() {
            // The handler's own offer, as with 426.
            head.set_connection_type(ConnectionType::KeepAlive);
        }
        if until_close || self.is_last() {
            head.set_connection_type(ConnectionType::Close);
        }
        until_close
    }

    /// Whether the connection ends with the response at hand, and says so.
    fn is_last(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        // The rest of the body cannot be told from a next request.
        if this.upload.is_some() || *this.reading != Reading::On {
            return true;
        }
        let read_all = this.io.read.is_empty();
        if this.io.eof {
            return read_all;
        }
        if this.worker.control.lacks(Rule::Goodbye) {
            return false;
        }
        let waits = || this.io.transport.request_waits();
        let life = this.worker.life();
        let leaves_at = this.worker.leaves_at(this.open, *this.peer);
        let is_old = leaves_at.is_some_and(|at| at <= *this.now);
        this.further.at_response(life, is_old, read_all, waits)
    }
}
