//! HTTP/1.1: one connection, over actix's own codec and service.
//!
//! actix's dispatcher knows what lies in its read buffer and tells nobody, and a drain must know:
//! whether half a head has been read, whether a pipelined request waits. Hence a dispatcher of
//! our own, whose framing is actix's ([`Codec`]) and whose life is ours.

mod body;
mod chunks;
mod content;
mod guard;
mod head;
mod left;
mod lines;
mod respond;
mod slow;

use std::{
    future::Future,
    net::SocketAddr,
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

use self::{body::Fed, content::Content, lines::Lines};
use super::{
    Worker,
    app::{self, App, Called},
    arrival::Arrival,
    close::{Behind, Close},
    delivery::{Delivery, GivenUp},
    h2::Handover,
    link::Link,
    payload,
    registry::Registration,
    request::{InFlight, LastRoute},
    timer::Timer,
    transport::Transport,
};
use crate::control::{Slot, Stage};

/// A response is collected to this size before it is written.
const WRITE_AHEAD: usize = 32 * 1024;

pin_project! {
    /// Where the one request at hand stands; those pipelined behind it wait in the read buffer.
    #[project = ExchangeProj]
    enum Exchange<F, B> {
        None,
        // The service has no room for it yet.
        Full { request: Option<Request> },
        Call { #[pin] response: F },
        Body { #[pin] body: EitherBody<B, BoxBody> },
    }
}

pin_project! {
    /// A connection. It ends when nothing of it is left.
    pub(super) struct H1<A>
    where
        A: App,
    {
        worker: Rc<Worker<A>>,
        peer: SocketAddr,
        link: Link,
        slot: Slot,
        timer: Timer,
        registration: Option<Registration>,
        codec: Option<Codec>,
        lines: Lines,
        request: Option<InFlight>,
        payload: Option<payload::Sender>,
        // Its client waits to be asked for it (`Expect: 100-continue`).
        expects: bool,
        // How the body at hand arrives.
        arrival: Arrival,
        // How it is framed.
        content: Option<Content>,
        #[pin]
        exchange: Exchange<A::Future, A::Body>,
        route: LastRoute,
        // The last response was counted as one that the drain finished.
        finished: bool,
        // No response has been sent yet.
        fresh: bool,
        // Since when the connection is silent, or the head at hand has been arriving.
        since: Instant,
        // The last reading of the clock, taken with each read.
        now: Instant,
        delivery: Delivery,
        // The client has offered to speak another protocol.
        offered: bool,
        // The connection speaks it now.
        switched: bool,
        // Whoever reads another protocol has heard of its client's FIN.
        heard: bool,
        // The request came by HTTP/1.0.
        is_old: bool,
        // The response at hand lasts until the connection ends.
        until_close: bool,
        // Nothing more is to be read: the peer broke the framing, or was too slow.
        broken: bool,
        // The connection ends once everything is written: what may come behind it.
        ends: Option<Behind>,
        farewell: Farewell,
        close: Option<Close>,
    }
}

/// Which further requests are answered. A goodbye is withheld while a further request is here
/// already; but not for ever: a client that always has two under way would never be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    /// Whatever comes.
    Open,
    /// The process drains: what had been read by then.
    Read,
    /// The one at hand, or the one that is arriving.
    Last,
}

impl Farewell {
    /// More has been read. What is read for a request that had begun may bring further ones with
    /// it, and so on for ever.
    fn read_on(&mut self) {
        if *self == Self::Read {
            *self = Self::Last;
        }
    }
}

/// What follows a connection of HTTP/1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: its end.
    End,
    /// HTTP/2, whose preface lies in the read buffer.
    Http2,
}

/// What a step of the connection came to.
enum Turn {
    /// Something changed: look again.
    Again,
    /// Every waker is registered.
    Wait,
    /// End it in good order; what its client sends behind that.
    Close(Behind),
    /// The peer has gone.
    Gone,
    /// The peer speaks HTTP/2.
    Http2,
}

impl<A: App> H1<A> {
    pub(super) fn new(
        worker: Rc<Worker<A>>,
        transport: Transport,
        peer: SocketAddr,
        slot: Slot,
    ) -> Self {
        let now = slot.accepted();
        Self {
            worker,
            peer,
            link: Link::new(transport),
            slot,
            timer: Timer::default(),
            registration: None,
            codec: None,
            lines: Lines::default(),
            request: None,
            payload: None,
            expects: false,
            arrival: Arrival::default(),
            content: None,
            exchange: Exchange::None,
            route: LastRoute::default(),
            finished: false,
            fresh: true,
            since: now,
            now,
            delivery: Delivery::default(),
            offered: false,
            switched: false,
            heard: false,
            is_old: false,
            until_close: false,
            broken: false,
            ends: None,
            farewell: Farewell::Open,
            close: None,
        }
    }

    /// What HTTP/2 goes on with.
    pub(super) fn handover(self: Pin<&mut Self>) -> Handover<'_, A> {
        let this = self.project();
        Handover {
            worker: this.worker,
            peer: *this.peer,
            link: this.link,
            slot: this.slot,
            timer: this.timer,
            registration: this.registration.as_ref(),
        }
    }

    /// Turn after turn, until there is something to wait for, or an end: none but the one in good
    /// order, which is begun.
    fn poll_turns(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        loop {
            let turn = match self.as_mut().project().exchange.project() {
                ExchangeProj::None => self.as_mut().poll_between(cx),
                ExchangeProj::Full { .. } | ExchangeProj::Call { .. } => {
                    self.as_mut().poll_call(cx)
                }
                ExchangeProj::Body { .. } => self.as_mut().poll_body(cx),
            };
            match turn {
                Turn::Again => {}
                Turn::Wait => return Poll::Pending,
                Turn::Gone => return Poll::Ready(Some(Next::End)),
                Turn::Http2 => return Poll::Ready(Some(Next::Http2)),
                Turn::Close(behind) => {
                    self.begin_close(behind);
                    return Poll::Ready(None);
                }
            }
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let Some(close) = this.close else {
            return Poll::Ready(());
        };
        let control = &this.worker.control;
        let closed = close.poll(this.link, this.timer, this.worker.patience(), control, cx);
        this.slot.set_in_flight(!close.is_acknowledged());
        if closed == Poll::Ready(Some(GivenUp::Vanished)) {
            control.count_vanished();
            this.route.count_vanished(control, *this.finished);
        }
        closed.map(|_| ())
    }

    /// The handler is at work.
    fn poll_call(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Turn {
        let mut read = None;
        loop {
            if self.as_mut().feed() == Fed::Corrupted {
                return self.refuse_body(cx);
            }
            if let Poll::Ready(turn) = self.as_mut().poll_answer(cx) {
                return turn;
            }
            self.as_mut().ask(payload::Sender::is_asked);
            match self.as_mut().poll_read_ahead(cx) {
                Poll::Ready(Ok(now)) => {
                    read = Some(now);
                    continue;
                }
                Poll::Ready(Err(_)) => return Turn::Gone,
                Poll::Pending => {}
            }
            if self.has_left() {
                return self.fail();
            }
            if self.as_mut().poll_late_body(read, cx).is_ready() {
                return self.give_up_body(cx);
            }
            return match self.project().link.poll_flush(cx) {
                Poll::Ready(Err(_)) => Turn::Gone,
                _ => Turn::Wait,
            };
        }
    }

    /// Polls the handler, once the service has room for its request.
    fn poll_answer(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Turn> {
        let this = self.as_mut().project();
        let response = match this.exchange.project() {
            ExchangeProj::Call { response } => response,
            ExchangeProj::Full { request } => {
                let called = ready!(app::call(&this.worker.app, request, cx));
                return Poll::Ready(self.called(called));
            }
            ExchangeProj::None | ExchangeProj::Body { .. } => return Poll::Ready(Turn::Again),
        };
        // A handler's panic is a 500 on its own request, and nobody else's business.
        match catch_unwind(AssertUnwindSafe(|| response.poll(cx))) {
            Ok(Poll::Ready(result)) => Poll::Ready(self.respond(result)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(self.respond_to_panic()),
        }
    }

    /// Hands a request to the service, or keeps it until there is room.
    #[inline]
    fn call(mut self: Pin<&mut Self>, request: Request, cx: &mut Context<'_>) -> Turn {
        let mut request = Some(request);
        let mut this = self.as_mut().project();
        match app::call(&this.worker.app, &mut request, cx) {
            Poll::Ready(called) => self.called(called),
            Poll::Pending => {
                this.exchange.set(Exchange::Full { request });
                Turn::Wait
            }
        }
    }

    /// The service has the request.
    #[inline]
    fn called(mut self: Pin<&mut Self>, called: Called<A::Future>) -> Turn {
        match called {
            Called::Begun(response) => {
                let exchange = Exchange::Call { response };
                self.as_mut().project().exchange.set(exchange);
                Turn::Again
            }
            Called::Refused(error) => self.respond(Err(error)),
            Called::Panicked => self.respond_to_panic(),
        }
    }

    /// The deadline: counts what of this connection is lost.
    fn count_cut(self: Pin<&mut Self>) {
        let this = self.project();
        let (worker, routes) = (&this.worker, &this.worker.routes);
        // Without a FIN yet, too: the last response may be in the kernel, and its reader slow.
        let unacknowledged = match this.close {
            Some(close) => !close.is_acknowledged(),
            None => this.link.io.unacknowledged().is_some_and(|left| left > 0),
        };
        if let Some(request) = this.request {
            worker.control.count_cut(&request.cut(routes), 1);
        } else if unacknowledged || !this.link.write.is_empty() {
            worker.control.count_cut(&this.route.unacknowledged(), 1);
            if *this.finished {
                worker.control.uncount_finished();
            }
        } else if !this.link.read.is_empty() {
            worker.control.count_cut("(half a request head)", 1);
        } else if this.close.is_none() && this.link.io.request_waits() {
            worker.control.count_cut("(a request not yet read)", 1);
        }
    }
}

impl<A: App> Future for H1<A> {
    type Output = Next;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        let this = self.as_mut().project();
        if this.registration.is_none() {
            *this.registration = Some(this.worker.connections.enter(cx.waker()));
        }
        if this.worker.control.stage() == Stage::Cut {
            self.count_cut();
            return Poll::Ready(Next::End);
        }
        if this.close.is_none()
            && let Some(next) = ready!(self.as_mut().poll_turns(cx))
        {
            return Poll::Ready(next);
        }
        self.poll_close(cx).map(|()| Next::End)
    }
}
