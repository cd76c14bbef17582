use std::{rc::Rc, sync::Arc, sync::atomic::Ordering::Relaxed, time::Instant};

use actix_http::uri::PathAndQuery;
use actix_web::http::{Method, StatusCode};

use crate::{
    control::Counters,
    metrics::{Route, Routes},
};

/// A request from its head's last byte to its response's last: counted while it lives.
#[derive(Debug)]
pub(super) struct InFlight {
    counters: Arc<Counters>,
    pub(super) method: Method,
    target: Option<PathAndQuery>,
    began: Instant,
    answered: Option<(Rc<Route>, StatusCode)>,
}

impl InFlight {
    pub(super) fn new(
        counters: &Arc<Counters>,
        method: Method,
        target: Option<PathAndQuery>,
        began: Instant,
    ) -> Self {
        counters.requests.fetch_add(1, Relaxed);
        Self {
            counters: Arc::clone(counters),
            method,
            target,
            began,
            answered: None,
        }
    }

    pub(super) fn path(&self) -> &str {
        self.target.as_ref().map_or("/", PathAndQuery::path)
    }

    /// The route's pattern, for the report of what was cut.
    pub(super) fn route(&self, routes: &Routes) -> String {
        match &self.answered {
            Some((route, _)) => route.pattern.clone(),
            None => routes.name(self.path()),
        }
    }

    pub(super) fn answered(&mut self, route: Rc<Route>, status: StatusCode) {
        self.answered = Some((route, status));
    }

    /// The response's last byte is on its way to the kernel.
    pub(super) fn done(self, now: Instant) {
        if let Some((route, status)) = &self.answered {
            route.observe(&self.method, *status, (now - self.began).as_secs_f64());
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.counters.requests.fetch_sub(1, Relaxed);
    }
}
