use std::{
    cell::Cell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_http::uri::PathAndQuery;
use actix_web::{
    dev::ServiceResponse,
    http::{Method, StatusCode},
};

use super::observed::{Observed, Told, Within};
use crate::{
    control::{Control, Counters, Stage},
    drain,
    metrics::{self, Route, Routes},
};

/// A worker's counters, of which each request has a handle that costs no atomic operation.
#[derive(Debug)]
pub(super) struct RequestCounters(pub(super) Arc<Counters>);

/// A request from its head's last byte to its response's last: counted while it lives.
#[derive(Debug)]
pub(super) struct InFlight {
    counters: Rc<RequestCounters>,
    /// As it is named in metrics.
    method: &'static str,
    target: Option<PathAndQuery>,
    began: Instant,
    /// It came by HTTP/1.0.
    pub(super) is_http_1_0: bool,
    answered: Option<(Rc<Route>, StatusCode)>,
    ends_itself: bool,
    /// What its route says of how long its handler may take.
    limit: Option<Duration>,
    end: Cell<End>,
    /// None where nothing is told of a single request.
    observed: Option<Box<Observed>>,
}

/// How a request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its client has left, or is not waited for: so it is until something else is known.
    Left,
    /// Its response's last byte is on its way.
    Answered,
    /// Its response's body failed.
    Failed,
    /// By the deadline.
    Cut,
}

impl End {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Left => "client left",
            Self::Answered => "answered",
            Self::Failed => "failed",
            Self::Cut => "cut",
        }
    }

    /// Why there is no whole response, if there is none.
    pub(super) fn error(self) -> Option<&'static str> {
        (self != Self::Answered).then(|| self.name())
    }
}

impl InFlight {
    #[inline]
    pub(super) fn new(
        counters: &Rc<RequestCounters>,
        method: &Method,
        target: Option<PathAndQuery>,
        began: Instant,
    ) -> Self {
        counters.0.request_began();
        Self {
            counters: Rc::clone(counters),
            method: metrics::known_method(method),
            target,
            began,
            is_http_1_0: false,
            answered: None,
            ends_itself: false,
            limit: None,
            end: Cell::new(End::Left),
            observed: None,
        }
    }

    pub(super) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    fn path(&self) -> &str {
        self.target.as_ref().map_or("/", PathAndQuery::path)
    }

    /// From here on it is told of.
    pub(super) fn observe(&mut self, observed: Box<Observed>) {
        self.observed = Some(observed);
    }

    /// What is told of it, if anything.
    #[inline]
    pub(super) fn observed(&self) -> Option<&Observed> {
        self.observed.as_deref()
    }

    /// So many bytes of its response's body are on their way.
    #[inline]
    pub(super) fn sent(&mut self, bytes: usize) {
        if let Some(observed) = &mut self.observed {
            observed.sent(bytes);
        }
    }

    /// The deadline ends it. Gives the route's pattern, for the report.
    pub(super) fn cut(&self, routes: &Routes) -> String {
        self.end.set(End::Cut);
        match &self.answered {
            Some((route, _)) => route.pattern.clone(),
            None => routes.name(self.path()),
        }
    }

    /// Its route says how long its handler may take.
    pub(super) fn limit(&mut self, limit: Duration) {
        self.limit.get_or_insert(limit);
    }

    /// When its handler has taken too long, if that is limited: by its route, or else by `general`. A
    /// response that its handler ends itself has only its route's limit.
    pub(super) fn due(&self, general: Option<Duration>) -> Option<Instant> {
        let general = general.filter(|_| !self.ends_itself);
        // Beyond what the clock can count is for ever.
        self.began.checked_add(self.limit.or(general)?)
    }

    /// A handler has answered. One that has taken [`Drain`](crate::Drain) ends its response itself.
    pub(super) fn answered_by<B>(
        &mut self,
        routes: &Routes,
        last: &mut LastResponse,
        response: &ServiceResponse<B>,
    ) {
        self.ends_itself = drain::ends_itself(response.request());
        self.answered = Some((last.find(routes, response), response.status()));
    }

    /// Whether its handler has answered by a response that it ends itself when it is told.
    pub(super) fn ends_itself(&self) -> bool {
        self.ends_itself
    }

    /// Something else has answered in the handler's place.
    pub(super) fn answered_unrouted(&mut self, routes: &Routes, status: StatusCode) {
        let route = routes.get(Some(routes.name(self.path())));
        self.answered = Some((route, status));
        self.ends_itself = false;
    }

    /// The response's last byte is on its way to the kernel. True if the drain has finished it:
    /// it was under way when the drain began, and its handler was not to be told.
    pub(super) fn done(self, now: Instant, control: &Control) -> bool {
        self.end.set(End::Answered);
        if let Some((route, status)) = &self.answered {
            route.observe(self.method, *status, (now - self.began).as_secs_f64());
        }
        let drain = control.draining_since();
        let finished = drain.is_some_and(|since| self.began <= since && !self.ends_itself);
        if finished {
            control.ledger.responses_finished.add();
        }
        finished
    }
}

impl InFlight {
    /// The response's body has failed, which is its handler's doing.
    pub(super) fn fail(self) {
        self.end.set(End::Failed);
    }
}

impl InFlight {
    #[cold]
    fn tell(&self, observed: &Observed, end: End) {
        observed.end(&Told {
            method: self.method,
            path: self.path(),
            answered: self.answered.as_ref(),
            began: self.began,
            end,
        });
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let end = self.end.get();
        self.counters.0.request_ended(end == End::Left);
        if let Some(observed) = &self.observed {
            self.tell(observed, end);
        }
    }
}

/// As long as the guard lives, what is done is done on behalf of the request.
#[inline]
pub(super) fn enter(request: &Option<InFlight>) -> Option<Within<'_>> {
    let observed = request.as_ref()?.observed.as_ref()?;
    Some(observed.enter())
}

/// The answer in the place of a handler that takes too long.
pub(super) const OVERDUE: &str = "the handler took too long\n";

/// Paths beyond this length are not remembered: an idle connection costs the same, whatever it has
/// asked for.
const REMEMBERED: usize = 256;

/// What is remembered of a connection's last response: its route, and the path that led to it, since
/// finding a route is the dearest part of accounting, and a connection mostly asks for what it asked
/// for before.
#[derive(Debug, Default)]
pub(super) struct LastResponse {
    route: Option<(Option<String>, Rc<Route>)>,
    /// It was counted as one that the drain has finished.
    pub(super) finished: bool,
}

impl LastResponse {
    fn find<B>(&mut self, routes: &Routes, response: &ServiceResponse<B>) -> Rc<Route> {
        let request = response.request();
        let path = request.path();
        match &self.route {
            Some((Some(last), route)) if last == path => Rc::clone(route),
            _ => {
                let route = routes.get(request.match_pattern());
                let remembered = (path.len() <= REMEMBERED).then(|| path.to_owned());
                self.route = Some((remembered, Rc::clone(&route)));
                route
            }
        }
    }

    /// Its peer, which has vanished, did not get it: once the process is to go, it is cut.
    pub(super) fn count_vanished(&self, control: &Control) {
        match control.stage() >= Stage::Goodbye {
            true => self.count_unacknowledged(control),
            false => self.uncount_finished(control),
        }
    }

    /// It is written, and has not arrived.
    pub(super) fn count_unacknowledged(&self, control: &Control) {
        let route = self.route.as_ref();
        let route = route.map_or("unmatched", |(_, route)| &route.pattern);
        control
            .ledger
            .count_cut(&format!("{route} (unacknowledged)"), 1);
        self.uncount_finished(control);
    }

    fn uncount_finished(&self, control: &Control) {
        if self.finished {
            control.ledger.responses_finished.take_back();
        }
    }
}
