//! HTTP/1.1: one connection, over actix's own codec and service.
//!
//! actix's dispatcher knows what lies in its read buffer and tells nobody, and a drain must know:
//! whether half a head has been read, whether a pipelined request waits. Hence a dispatcher of
//! our own, whose framing is actix's ([`Codec`]) and whose life is ours.

mod body;
mod chunks;
mod client_left;
mod content;
mod end;
mod guard;
mod head;
mod lines;
mod overdue;
mod respond;
mod response_body;
mod slow_reader;
mod upload;

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Instant,
};

use actix_http::{
    Request,
    body::{BoxBody, EitherBody},
    h1::Codec,
};
use pin_project_lite::pin_project;

use self::{end::End, lines::Lines, upload::Upload};
use super::{
    Worker,
    app::{self, App, Called},
    buffered_io::BufferedIo,
    close::Close,
    delivery::Delivery,
    h2::Handover,
    peer::PeerAddress,
    policy::Further,
    registry::Registration,
    request::{InFlight, LastResponse, enter},
    timer::Timer,
    transport::Transport,
};
use crate::{
    control::{OpenConnection, Stage},
    request_timeout::RequestTimeout,
};

/// A response is collected to this size before it is written.
const WRITE_AHEAD: usize = 32 * 1024;

pin_project! {
    /// Where a connection stands with the one request at hand; those pipelined behind it wait in the
    /// read buffer. What is large and rare is boxed: each request changes the state twice.
    #[project = StateProj]
    enum State<F, B> {
        // Silence, or a head that is arriving.
        Between,
        // The application has no room for the request yet.
        Queued { request: Box<Option<Request>> },
        Handling { #[pin] response: F },
        // `until_close`: the body lasts until the connection ends.
        Responding { #[pin] body: EitherBody<B, BoxBody>, until_close: bool },
        Closing { close: Box<Close> },
    }
}

pin_project! {
    /// A connection. It ends when nothing of it is left.
    pub(super) struct H1<A>
    where
        A: App,
    {
        worker: Rc<Worker<A>>,
        peer: PeerAddress,
        io: BufferedIo,
        open: OpenConnection,
        timer: Timer,
        registration: Option<Registration>,
        codec: Option<Codec>,
        lines: Lines,
        request: Option<InFlight>,
        // Its body, until all of it has come.
        upload: Option<Upload>,
        upgrade: Upgrade,
        #[pin]
        state: State<A::Future, A::Body>,
        last: LastResponse,
        // No response has been sent yet.
        fresh: bool,
        // Since when the connection is silent, or the head at hand has been arriving.
        since: Instant,
        // The last reading of the clock, taken with each read.
        now: Instant,
        delivery: Delivery,
        reading: Reading,
        // How the connection ends, once everything is written.
        ends: Option<End>,
        further: Further,
    }
}

/// Whether more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    On,
    /// No: the body at hand came too slowly, and what follows is the rest of it.
    TooSlow,
    /// No: its framing is broken, or its sender has gone, and what follows is anything.
    Broken,
}

/// Another protocol on the same connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upgrade {
    None,
    /// The client offers to speak it.
    Offered,
    /// The connection speaks it now. `heard_fin`: its handler knows that the client has sent its FIN.
    Granted {
        heard_fin: bool,
    },
}

/// What follows a connection of HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterHttp1 {
    /// Nothing: its end.
    End,
    /// HTTP/2, whose preface lies in the read buffer.
    Http2,
}

/// What a step of the connection came to.
enum Step {
    /// Something changed: look again.
    Again,
    /// Every waker is registered.
    Wait,
    /// Nothing more will be answered.
    Close(End),
    /// The peer has gone.
    Gone,
    /// The peer speaks HTTP/2.
    Http2,
}

impl<A: App> H1<A> {
    /// One whose client may ask since this moment.
    pub(super) fn new(
        worker: Rc<Worker<A>>,
        transport: Transport,
        peer: PeerAddress,
        open: OpenConnection,
        since: Instant,
    ) -> Self {
        Self {
            worker,
            peer,
            io: BufferedIo::new(transport),
            open,
            timer: Timer::default(),
            registration: None,
            codec: None,
            lines: Lines::default(),
            request: None,
            upload: None,
            upgrade: Upgrade::None,
            state: State::Between,
            last: LastResponse::default(),
            fresh: true,
            since,
            now: since,
            delivery: Delivery::default(),
            reading: Reading::On,
            ends: None,
            further: Further::default(),
        }
    }

    /// What HTTP/2 goes on with.
    pub(super) fn handover(self: Pin<&mut Self>) -> Handover<'_, A> {
        let this = self.project();
        Handover {
            worker: this.worker,
            peer: *this.peer,
            io: this.io,
            open: this.open,
            timer: this.timer,
            registration: this.registration.as_ref(),
        }
    }

    /// Step after step, until there is something to wait for, or an end.
    fn poll_steps(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<AfterHttp1> {
        loop {
            let step = match self.as_mut().project().state.project() {
                StateProj::Between => self.as_mut().poll_between(cx),
                StateProj::Queued { .. } | StateProj::Handling { .. } => {
                    self.as_mut().poll_call(cx)
                }
                StateProj::Responding { .. } => self.as_mut().poll_body(cx),
                StateProj::Closing { .. } => {
                    return self.poll_close(cx).map(|()| AfterHttp1::End);
                }
            };
            match step {
                Step::Again => {}
                Step::Wait => return Poll::Pending,
                Step::Gone => return Poll::Ready(AfterHttp1::End),
                Step::Http2 => return Poll::Ready(AfterHttp1::Http2),
                Step::Close(end) => self.as_mut().begin_close(end),
            }
        }
    }

    /// The handler is at work.
    fn poll_call(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step {
        let mut read = None;
        loop {
            if !self.as_mut().feed() {
                return self.refuse_body(cx);
            }
            if let Poll::Ready(step) = self.as_mut().poll_answer(cx) {
                return step;
            }
            self.as_mut().ask(Upload::is_asked);
            match self.as_mut().poll_read_ahead(cx) {
                Poll::Ready(Ok(now)) => {
                    read = Some(now);
                    continue;
                }
                Poll::Ready(Err(_)) => return Step::Gone,
                Poll::Pending => {}
            }
            if self.has_left() {
                return self.fail();
            }
            if self.as_mut().poll_late_body(read, cx).is_ready() {
                return self.give_up_body(cx);
            }
            if self.as_mut().poll_overdue(cx).is_ready() {
                return self.give_up_handler();
            }
            return match self.project().io.poll_flush(cx) {
                Poll::Ready(Err(_)) => Step::Gone,
                _ => Step::Wait,
            };
        }
    }

    /// Polls the handler, once the service has room for its request.
    fn poll_answer(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step> {
        let this = self.as_mut().project();
        let response = match this.state.project() {
            StateProj::Handling { response } => response,
            StateProj::Queued { request } => {
                let within = enter(this.request);
                let called = ready!(app::call(&this.worker.app, request, cx));
                drop(within);
                return Poll::Ready(self.called(called));
            }
            StateProj::Between | StateProj::Responding { .. } | StateProj::Closing { .. } => {
                return Poll::Ready(Step::Again);
            }
        };
        // A handler's panic is a 500 on its own request, and nobody else's business.
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
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(self.respond_to_panic()),
        }
    }

    /// Hands a request to the service, or keeps it until there is room.
    #[inline]
    fn call(mut self: Pin<&mut Self>, request: Request, cx: &mut Context<'_>) -> Step {
        let mut request = Some(request);
        let mut this = self.as_mut().project();
        let within = enter(this.request);
        let called = app::call(&this.worker.app, &mut request, cx);
        drop(within);
        match called {
            Poll::Ready(called) => self.called(called),
            Poll::Pending => {
                this.state.set(State::Queued {
                    request: Box::new(request),
                });
                Step::Wait
            }
        }
    }

    /// The service has the request.
    #[inline]
    fn called(mut self: Pin<&mut Self>, called: Called<A::Future>) -> Step {
        match called {
            Called::Begun(response) => {
                let state = State::Handling { response };
                self.as_mut().project().state.set(state);
                Step::Again
            }
            Called::Refused(error) => self.respond_to_refusal(error),
            Called::Panicked => self.respond_to_panic(),
        }
    }

    /// Apart, since what all requests pass through stays small by it.
    #[cold]
    fn respond_to_refusal(self: Pin<&mut Self>, error: actix_web::Error) -> Step {
        self.respond(Err(error))
    }
}

impl<A: App> Future for H1<A> {
    type Output = AfterHttp1;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<AfterHttp1> {
        let this = self.as_mut().project();
        if this.registration.is_none() {
            *this.registration = Some(this.worker.connections.enter(cx.waker()));
        }
        if this.worker.control.stage() == Stage::Cut {
            self.count_cut();
            return Poll::Ready(AfterHttp1::End);
        }
        self.poll_steps(cx)
    }
}
