//! What is counted, by OpenTelemetry's names for HTTP where they exist.

use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{
    dev::ResourceMap,
    http::{Method, StatusCode},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, text},
    metrics::{
        MetricType, counter::ConstCounter, counter::Counter, family::Family, gauge::ConstGauge,
        histogram::Histogram, info::Info,
    },
    registry::{Registry, Unit},
};
use tokio::sync::watch;

use crate::{
    checks::{Checks, State},
    control::Control,
    status::Status,
    telemetry::LogLevel,
};

/// Seconds: the buckets that OpenTelemetry advises for `http.server.request.duration`.
const BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The route of a request that matched none.
const UNMATCHED: &str = "unmatched";

type Labels = Vec<(&'static str, String)>;
type Durations = Family<Labels, Histogram, fn() -> Histogram>;

/// All metrics of a process, shared by its workers.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    durations: Durations,
    refused: Family<Labels, Counter>,
}

impl Metrics {
    pub(crate) fn new(service: &'static str, version: &'static str) -> Arc<Self> {
        let mut registry = Registry::default();
        let durations = Durations::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register_with_unit(
            "http_server_request_duration",
            "Time from a request's arrival to the end of its response",
            Unit::Seconds,
            durations.clone(),
        );
        let refused = Family::<Labels, Counter>::default();
        registry.register(
            "lastcall_requests_refused",
            "Requests that no handler has seen, since they were broken, too large or too slow",
            refused.clone(),
        );
        let build = Info::new([("service", service), ("version", version)]);
        registry.register("lastcall_build", "The program that runs", build);
        Arc::new(Self {
            registry: Mutex::new(registry),
            durations,
            refused,
        })
    }

    /// Adds metrics that are read when they are asked for.
    pub(crate) fn collect(&self, collector: impl Collector) {
        self.lock().register_collector(Box::new(collector));
    }

    /// Adds the author's own.
    pub(crate) fn add(&self, register: impl FnOnce(&mut Registry)) {
        register(&mut self.lock());
    }

    /// Counts a request that is answered in no handler's place.
    fn refuse(&self, status: StatusCode) {
        let labels = vec![("http_response_status_code", status.as_str().to_owned())];
        self.refused.get_or_create(&labels).inc();
    }

    /// The page that Prometheus scrapes.
    pub(crate) fn encode(&self) -> String {
        let mut page = String::new();
        // Writing to a `String` cannot fail; a collector's own error leaves the page short.
        let _ = text::encode(&mut page, &self.lock());
        page
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The figures that are read only when somebody asks.
#[derive(Debug)]
pub(crate) struct Gauges {
    pub(crate) control: Arc<Control>,
    pub(crate) checks: Arc<Checks>,
    pub(crate) status: watch::Receiver<Status>,
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (load, workers) = (self.control.ledger.load(), self.control.ledger.workers());
        let gauges = [
            (
                "http_server_active_requests",
                "Requests being handled",
                self.control.ledger.requests(),
            ),
            (
                "lastcall_connections_open",
                "Connections accepted and not yet gone",
                load.open,
            ),
            (
                "lastcall_connections_in_flight",
                "Connections that are not idle",
                load.in_flight,
            ),
            (
                "lastcall_workers_blocked",
                "Workers whose event loops a handler holds up",
                workers.blocked,
            ),
            (
                "lastcall_background_running",
                "Background work, and jobs that handlers have handed over",
                load.background,
            ),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let silent = ConstGauge::new(workers.silent.as_secs_f64());
        silent.encode(encoder.encode_descriptor(
            "lastcall_workers_silent",
            "Time for which no worker has answered",
            Some(&Unit::Seconds),
            silent.metric_type(),
        )?)?;
        let counters = [
            (
                "lastcall_requests_aborted",
                "Requests whose clients left before the end of the response",
                self.control.ledger.aborted(),
            ),
            (
                "lastcall_requests_crossed",
                "Requests lost behind the end of an idle connection (at least)",
                self.control.ledger.crossed.get(),
            ),
            (
                "lastcall_connections_unanswered",
                "Connections whose clients sent more after they were told to leave",
                self.control.ledger.unanswered.get(),
            ),
            (
                "lastcall_background_failed",
                "Background work and jobs that have failed or panicked",
                self.control.ledger.background.failed().values().sum(),
            ),
            (
                "lastcall_peers_vanished",
                "Peers that went without a word, with bytes on their way",
                self.control.ledger.vanished.get(),
            ),
        ];
        let log = LogLevel::current().map(|log| {
            let help = "Log lines that were not written, since stderr was read too slowly";
            ("lastcall_log_lines_dropped", help, log.dropped_lines())
        });
        for (name, help, value) in counters.into_iter().chain(log) {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        self.encode_checks(&mut encoder)?;
        let phase = ConstGauge::new(self.status.borrow().phase as i64);
        let help = "0 starting, 1 ready, 2 lame duck, 3 draining, 4 stopped";
        phase.encode(encoder.encode_descriptor(
            "lastcall_phase",
            help,
            None,
            phase.metric_type(),
        )?)
    }
}

impl Gauges {
    fn encode_checks(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let results = self.checks.results();
        if results.is_empty() {
            return Ok(());
        }
        let help = "Whether a readiness check passes";
        let name = "lastcall_check_passing";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for check in results {
            let passing = ConstGauge::new(i64::from(check.state == State::Passing));
            passing.encode(family.encode_family(&[("check", check.name)])?)?;
        }
        Ok(())
    }
}

/// One worker's view: the routes it has seen, with their handles at hand, since looking a series
/// up by its labels costs twenty times what observing does.
#[derive(Debug)]
pub(crate) struct Routes {
    metrics: Arc<Metrics>,
    map: OnceCell<ResourceMap>,
    seen: RefCell<HashMap<String, Rc<Route>>>,
}

/// A route, and a histogram for each method and status that it has answered with.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) pattern: String,
    durations: Durations,
    series: RefCell<Vec<(&'static str, StatusCode, Histogram)>>,
}

impl Routes {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            map: OnceCell::new(),
            seen: RefCell::default(),
        }
    }

    /// Counts a request that no handler has seen.
    pub(crate) fn refuse(&self, status: StatusCode) {
        self.metrics.refuse(status);
    }

    /// Keeps the application's routes, to name requests that are never answered.
    pub(crate) fn learn(&self, map: &ResourceMap) {
        self.map.get_or_init(|| map.clone());
    }

    /// The route that `path` leads to, whether or not its handler has answered.
    pub(crate) fn name(&self, path: &str) -> String {
        let pattern = self.map.get().and_then(|map| map.match_pattern(path));
        pattern.unwrap_or_else(|| UNMATCHED.to_owned())
    }

    /// The route with this pattern.
    pub(crate) fn get(&self, pattern: Option<String>) -> Rc<Route> {
        let pattern = pattern.unwrap_or_else(|| UNMATCHED.to_owned());
        if let Some(route) = self.seen.borrow().get(&pattern) {
            return Rc::clone(route);
        }
        let route = Rc::new(Route {
            pattern: pattern.clone(),
            durations: self.metrics.durations.clone(),
            series: RefCell::default(),
        });
        self.seen.borrow_mut().insert(pattern, Rc::clone(&route));
        route
    }
}

impl Route {
    /// Counts one response to a method as [`known_method`] names it.
    pub(crate) fn observe(&self, method: &'static str, status: StatusCode, seconds: f64) {
        let mut series = self.series.borrow_mut();
        let known = series
            .iter()
            .position(|(m, s, _)| *s == status && *m == method);
        let index = known.unwrap_or_else(|| {
            let histogram = self
                .durations
                .get_or_create_owned(&self.labels(method, status));
            series.push((method, status, histogram));
            series.len() - 1
        });
        series[index].2.observe(seconds);
    }

    fn labels(&self, method: &str, status: StatusCode) -> Labels {
        vec![
            ("http_request_method", method.to_owned()),
            ("http_route", self.pattern.clone()),
            ("http_response_status_code", status.as_str().to_owned()),
        ]
    }
}

/// A client can invent methods; a series for each would be a leak. `_OTHER` is OpenTelemetry's
/// name for them.
pub(crate) fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}
