//! One stream: a request and its response.

mod body;
mod respond;

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_http::{
    Request, StatusCode,
    body::{BoxBody, EitherBody},
};
use bytes::Bytes;
use h2::{Reason, SendStream, server::SendResponse};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};

use super::{
    incoming::Incoming,
    shared::{Head, Shared, Stalled},
};
use crate::conn::{
    app::{self, App, Called},
    request::{InFlight, OVERDUE, enter},
};
use crate::request_timeout::RequestTimeout;

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamEnd {
    /// With a whole response.
    Answered,
    /// The client reset it, or has gone.
    Reset,
    /// We had to reset it.
    Failed,
}

pin_project! {
    #[project = StreamStateProj]
    enum StreamState<F, B> {
        // Not yet with the service.
        Queued { request: Option<Request> },
        Handling { #[pin] response: F },
        Responding { #[pin] body: EitherBody<B, BoxBody> },
    }
}

pin_project! {
    /// A request and its response.
    pub(super) struct Stream<A>
    where
        A: App,
    {
        shared: Rc<Shared<A>>,
        request: Option<InFlight>,
        head: Option<Head<A>>,
        incoming: Option<Incoming>,
        respond: SendResponse<Bytes>,
        outgoing: Option<SendStream<Bytes>>,
        #[pin]
        state: StreamState<A::Future, A::Body>,
        // Taken from the body, and not yet by `h2`.
        chunk: Bytes,
        // What the body still owes, if its length was announced.
        owed: Option<u64>,
        stalled: Option<Stalled<A>>,
        // Until its handler has taken too long, where that is limited.
        overdue: Option<Pin<Box<Sleep>>>,
    }
}

impl<A: App> Stream<A> {
    /// A request, on its way to the service.
    pub(super) fn begin(
        shared: Rc<Shared<A>>,
        request: Request,
        in_flight: InFlight,
        head: Head<A>,
        incoming: Option<Incoming>,
        respond: SendResponse<Bytes>,
    ) -> Self {
        Self {
            request: Some(in_flight),
            head: Some(head),
            incoming,
            respond,
            outgoing: None,
            state: StreamState::Queued {
                request: Some(request),
            },
            chunk: Bytes::new(),
            owed: None,
            stalled: None,
            overdue: None,
            shared,
        }
    }

    /// The request, for the count of what is cut.
    pub(super) fn request(self: Pin<&mut Self>) -> Option<&InFlight> {
        self.project().request.as_ref()
    }

    fn poll_exchange(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StreamEnd> {
        match ready!(self.as_mut().poll_call(cx)) {
            Some(end) => Poll::Ready(end),
            None => self.poll_body(cx),
        }
    }

    fn poll_late(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let general = this.shared.worker.limits.body;
        let incoming = this.incoming.as_mut();
        incoming.map_or(Poll::Pending, |incoming| incoming.poll_late(general, cx))
    }

    /// The body comes too slowly. Its reader is told by a failed read, and the client by a 408, if
    /// it can be.
    fn give_up_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StreamEnd> {
        let this = self.as_mut().project();
        if let Some(incoming) = this.incoming {
            incoming.give_up();
        }
        let StreamStateProj::Handling { response } = this.state.project() else {
            // The response has begun, and is the handler's to end.
            return self.poll_exchange(cx);
        };
        // For the handler to see it. What it answers is not what was asked, since nobody knows all
        // that was.
        let _ = catch_unwind(AssertUnwindSafe(|| response.poll(cx).is_ready()));
        let text = "the request's body came too slowly\n";
        match self
            .as_mut()
            .respond_instead(StatusCode::REQUEST_TIMEOUT, text)
        {
            Some(end) => Poll::Ready(end),
            None => self.poll_body(cx),
        }
    }

    /// Ready once the request has taken longer than it may.
    fn poll_overdue(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let general = this.shared.worker.limits.request_timeout;
        let due = this
            .request
            .as_ref()
            .and_then(|request| request.due(general));
        let Some(due) = due.map(Into::into) else {
            return Poll::Pending;
        };
        let sleep = this
            .overdue
            .get_or_insert_with(|| Box::pin(sleep_until(due)));
        if sleep.deadline() != due {
            // Its route has said something, or it has turned out to end itself.
            sleep.as_mut().reset(due);
        }
        // Polled each time, since a stream's waker changes: see `Session::poll_streams`.
        sleep.as_mut().poll(cx)
    }

    /// Drops the handler, and answers in its place, if that is still possible.
    fn give_up_handler(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StreamEnd> {
        if let Some(mut outgoing) = self.as_mut().project().outgoing.take() {
            tracing::warn!("a response took too long, and is ended without an end");
            outgoing.send_reset(Reason::INTERNAL_ERROR);
            if let Some(request) = self.project().request.take() {
                request.fail();
            }
            return Poll::Ready(StreamEnd::Failed);
        }
        match self
            .as_mut()
            .respond_instead(StatusCode::GATEWAY_TIMEOUT, OVERDUE)
        {
            Some(end) => Poll::Ready(end),
            None => self.poll_body(cx),
        }
    }

    /// Has a client send its body that waits to be asked for it, once it is `wanted`. If that fails,
    /// the client has gone.
    pub(super) fn ask_for_body(self: Pin<&mut Self>, wanted: impl Fn(&Incoming) -> bool) {
        let this = self.project();
        if let Some(incoming) = this.incoming
            && incoming.expects
            && wanted(incoming)
        {
            incoming.expects = false;
            let mut response = http::Response::new(());
            *response.status_mut() = http::StatusCode::CONTINUE;
            let _ = this.respond.send_informational(response);
        }
    }

    /// Hands the request to the service, once it has room.
    fn poll_full(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<StreamEnd>> {
        let mut this = self.as_mut().project();
        let StreamStateProj::Queued { request } = this.state.as_mut().project() else {
            return Poll::Ready(None);
        };
        let within = enter(this.request);
        let called = app::call(&this.shared.worker.app, request, cx);
        drop(within);
        match called {
            Poll::Ready(Called::Begun(response)) => {
                this.state.set(StreamState::Handling { response })
            }
            Poll::Ready(Called::Refused(error)) => return Poll::Ready(self.respond(Err(error))),
            Poll::Ready(Called::Panicked) => return Poll::Ready(self.respond_to_panic()),
            Poll::Pending => return this.respond.poll_reset(cx).map(|_| Some(StreamEnd::Reset)),
        }
        Poll::Ready(None)
    }

    /// The handler is at work; `Some` when there is no body to wait for.
    fn poll_call(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<StreamEnd>> {
        if let Some(end) = ready!(self.as_mut().poll_full(cx)) {
            return Poll::Ready(Some(end));
        }
        let this = self.as_mut().project();
        let response = match this.state.project() {
            StreamStateProj::Handling { response } => response,
            StreamStateProj::Queued { .. } | StreamStateProj::Responding { .. } => {
                return Poll::Ready(None);
            }
        };
        // A handler's panic is a 500 on its own stream, and nobody else's business.
        let within = enter(this.request);
        let polled = catch_unwind(AssertUnwindSafe(|| response.poll(cx)));
        drop(within);
        if let Some(limit) = RequestTimeout::of_last_polled()
            && let Some(request) = this.request
        {
            request.limit(limit);
        }
        match polled {
            Ok(Poll::Ready(result)) => Poll::Ready(self.respond(result)),
            Ok(Poll::Pending) => this.respond.poll_reset(cx).map(|_| Some(StreamEnd::Reset)),
            Err(_) => Poll::Ready(self.respond_to_panic()),
        }
    }
}

impl<A: App> Future for Stream<A> {
    type Output = StreamEnd;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<StreamEnd> {
        if let Some(incoming) = self.as_mut().project().incoming {
            incoming.feed(cx);
        }
        let end = self.as_mut().poll_exchange(cx);
        if end == Poll::Ready(StreamEnd::Failed)
            && let Some(request) = self.as_mut().project().request.take()
        {
            request.fail();
        }
        self.as_mut().ask_for_body(Incoming::is_asked);
        if end.is_pending() && self.as_mut().poll_late(cx).is_ready() {
            return self.give_up_body(cx);
        }
        if end.is_pending() && self.as_mut().poll_overdue(cx).is_ready() {
            return self.give_up_handler(cx);
        }
        end
    }
}
