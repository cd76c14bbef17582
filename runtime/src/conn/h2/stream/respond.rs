//! Responses' heads, and their end.

use std::pin::Pin;

use actix_http::{
    Response, StatusCode,
    body::{BodySize, BoxBody, EitherBody, MessageBody},
};
use actix_web::dev::ServiceResponse;
use h2::Reason;

use super::{Stream, StreamEnd, StreamState};
use crate::{
    clock,
    conn::{
        app::App,
        framing::Framing,
        h2::{head, incoming::Incoming},
        request::InFlight,
    },
};

impl<A: App> Stream<A> {
    pub(super) fn respond(
        mut self: Pin<&mut Self>,
        result: Result<ServiceResponse<A::Body>, actix_web::Error>,
    ) -> Option<StreamEnd> {
        let this = self.as_mut().project();
        let routes = &this.shared.worker.routes;
        let response = match result {
            Ok(response) => {
                if let Some(request) = this.request {
                    let last = &mut this.shared.last.borrow_mut();
                    request.answered_by(routes, last, &response);
                }
                Response::from(response).map_body(|_, body| EitherBody::left(body))
            }
            Err(error) => {
                let response = Response::<BoxBody>::from(error.error_response());
                if let Some(request) = this.request {
                    request.answered_unrouted(routes, response.status());
                }
                response.map_body(|_, body| EitherBody::right(body))
            }
        };
        self.send(response)
    }

    pub(super) fn respond_to_panic(self: Pin<&mut Self>) -> Option<StreamEnd> {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        self.respond_instead(status, "internal server error\n")
    }

    /// Answers in the handler's place.
    pub(super) fn respond_instead(
        mut self: Pin<&mut Self>,
        status: StatusCode,
        text: &'static str,
    ) -> Option<StreamEnd> {
        let this = self.as_mut().project();
        if let Some(request) = this.request {
            request.answered_unrouted(&this.shared.worker.routes, status);
        }
        let body = BoxBody::new(text);
        self.send(Response::with_body(status, EitherBody::right(body)))
    }

    fn send(
        mut self: Pin<&mut Self>,
        response: Response<EitherBody<A::Body, BoxBody>>,
    ) -> Option<StreamEnd> {
        // A response that goes on reading the body, while it is on its way itself.
        self.as_mut().ask_for_body(Incoming::is_held);
        let mut this = self.as_mut().project();
        *this.head = None;
        if let Some(incoming) = this.incoming {
            // It is too late to ask.
            incoming.expects = false;
        }
        let (mut response, body) = response.into_parts();
        if let Some(observed) = this.request.as_ref().and_then(InFlight::observed) {
            observed.mark(response.head_mut());
        }
        if response.status().is_informational() {
            // HTTP/2 has no 101, and so no other protocol on the same connection.
            this.respond.send_reset(Reason::HTTP_1_1_REQUIRED);
            return Some(StreamEnd::Failed);
        }
        let is_head = this.request.as_ref().is_some_and(InFlight::is_head);
        let framing = Framing::of(&response, body.size(), is_head);
        let (size, bare) = (framing.announced, framing.bare);
        let head = head::response(response.head(), size, &this.shared.worker.dates);
        let Ok(outgoing) = this.respond.send_response(head, bare) else {
            return Some(StreamEnd::Reset);
        };
        this.shared.answered.set(true);
        if bare {
            return Some(self.finish());
        }
        *this.outgoing = Some(outgoing);
        *this.owed = match size {
            BodySize::Sized(length) => Some(length),
            BodySize::None | BodySize::Stream => None,
        };
        this.state.set(StreamState::Responding { body });
        None
    }

    /// The response is complete: `h2` has all of it.
    pub(super) fn finish(self: Pin<&mut Self>) -> StreamEnd {
        let this = self.project();
        if let Some(request) = this.request.take() {
            let finished = request.done(clock::now(), &this.shared.worker.control);
            this.shared.last.borrow_mut().finished = finished;
        }
        StreamEnd::Answered
    }
}
