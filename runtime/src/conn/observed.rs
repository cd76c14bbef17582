//! What is told of each single request, where that is asked for: its id, its line in the access log.

use std::{rc::Rc, time::Instant};

use actix_http::{HttpMessage as _, Request, ResponseHead, StatusCode};
use tracing::{Span, span::Entered};

use super::{PeerAddress, request::End};
use crate::{
    clock,
    metrics::{Route, Routes},
    request_id::{self, RequestId},
    settings::RequestIds,
    telemetry::traces::{Guard, RequestSpan, Tracer},
};

/// What is to be told of requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observe {
    pub(crate) request_ids: RequestIds,
    pub(crate) access_log: bool,
    /// Whether they have spans, where the process sends any.
    pub(crate) traces: bool,
}

impl Observe {
    /// Of most requests.
    pub(crate) const NOTHING: Self = Self {
        request_ids: RequestIds::Off,
        access_log: false,
        traces: false,
    };
}

/// A worker's way to tell it. There is none where nothing is to be told.
#[derive(Debug)]
pub(super) struct Observer {
    observe: Observe,
    tracer: Option<Tracer>,
    routes: Rc<Routes>,
}

/// A request of which something is told.
#[derive(Debug)]
pub(super) struct Observed {
    observe: Observe,
    routes: Rc<Routes>,
    peer: PeerAddress,
    id: Option<RequestId>,
    /// For the log.
    span: Span,
    trace: Option<RequestSpan>,
    /// Of its response's body.
    sent: u64,
}

/// That something is done on behalf of a request.
pub(super) struct Within<'a> {
    _logged: Entered<'a>,
    _traced: Option<Guard>,
}

/// What else is known of a request when it has ended.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    pub(super) answered: Option<&'a (Rc<Route>, StatusCode)>,
    pub(super) began: Instant,
    pub(super) end: End,
}

impl Observer {
    pub(super) fn new(observe: Observe, routes: &Rc<Routes>) -> Option<Self> {
        let tracer = observe.traces.then(Tracer::current).flatten();
        let anything = observe.access_log || observe.request_ids != RequestIds::Off;
        (anything || tracer.is_some()).then(|| Self {
            observe,
            tracer,
            routes: Rc::clone(routes),
        })
    }

    /// A request has come. Its id is for its handler to see, too.
    #[cold]
    pub(super) fn begin(&self, request: &mut Request, peer: PeerAddress) -> Box<Observed> {
        let given = || RequestId::given(request.headers());
        let id = match self.observe.request_ids {
            RequestIds::Off => None,
            RequestIds::Take => Some(given().unwrap_or_else(RequestId::made)),
            RequestIds::Make => Some(RequestId::made()),
        };
        if let Some(id) = &id {
            request.extensions_mut().insert(id.clone());
        }
        let trace = self.tracer.as_ref();
        let trace = trace.map(|tracer| tracer.begin(request, peer));
        Box::new(Observed {
            observe: self.observe,
            routes: Rc::clone(&self.routes),
            peer,
            span: span(id.as_ref(), trace.as_ref()),
            id,
            trace,
            sent: 0,
        })
    }

    /// Something came that was no request, and was answered so.
    pub(super) fn refused(&self, peer: PeerAddress, status: StatusCode) {
        if self.observe.access_log {
            let status = status.as_u16();
            tracing::info!(target: "lastcall::access", parent: None, status, %peer, "refused");
        }
    }
}

/// What the log says beside whatever is logged on behalf of a request. Of the highest level, so that it
/// is there for everything.
fn span(id: Option<&RequestId>, trace: Option<&RequestSpan>) -> Span {
    if id.is_none() && trace.is_none() {
        return Span::none();
    }
    let request_id = id.map(RequestId::as_str);
    let trace_id = trace.map(RequestSpan::trace_id);
    tracing::error_span!(
        target: "lastcall::request", parent: None, "request", request_id, trace_id = trace_id.as_deref()
    )
}

impl Observed {
    /// Gives the response its request's id.
    #[cold]
    pub(super) fn mark(&self, response: &mut ResponseHead) {
        if let Some(id) = &self.id {
            let headers = response.headers_mut();
            headers.insert(request_id::NAME, id.header().clone());
        }
    }

    #[cold]
    pub(super) fn enter(&self) -> Within<'_> {
        Within {
            _logged: self.span.enter(),
            _traced: self.trace.as_ref().map(RequestSpan::enter),
        }
    }

    /// So many bytes of the response's body are on their way.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// All is over.
    pub(super) fn end(&self, request: &Told<'_>) {
        if let Some(trace) = &self.trace {
            let answered = request.answered;
            let answered = answered.map(|(route, status)| (route.pattern.as_str(), *status));
            trace.end(answered, self.sent, request.end.error());
        }
        if self.observe.access_log {
            self.log(request);
        }
    }

    fn log(&self, request: &Told<'_>) {
        let unanswered;
        let (route, status) = match request.answered {
            Some((route, status)) => (&route.pattern, Some(status.as_u16())),
            None => {
                unanswered = self.routes.name(request.path);
                (&unanswered, None)
            }
        };
        let taken = (clock::now() - request.began).as_secs_f64();
        tracing::info!(
            target: "lastcall::access",
            parent: None,
            method = request.method,
            route,
            path = request.path,
            status,
            duration_ms = (taken * 1e6).round() / 1e3,
            bytes = self.sent,
            request_id = self.id.as_ref().map(RequestId::as_str),
            peer = %self.peer,
            "{}",
            request.end.name()
        );
    }
}
