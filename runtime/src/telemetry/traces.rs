//! Traces by OpenTelemetry: a span for each request, with those of its handler in it, sent to a collector
//! by OTLP.
//!
//! The request's span is made by OpenTelemetry's own means and not by way of `tracing`: its attributes
//! are nothing that each line of the log should repeat, and one that is not sampled costs little.

use std::{
    collections::HashMap,
    env,
    sync::{Mutex, PoisonError},
    thread,
};

use actix_http::{HttpMessage as _, Request, RequestHead, StatusCode, header};
use opentelemetry::{
    Context, ContextGuard, KeyValue,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracer, SdkTracerProvider},
};
use tokio::sync::oneshot;
use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    registry::LookupSpan,
};

use crate::{conn::PeerAddress, metrics::known_method, process::instance::Identity, settings};

/// Where the spans of this process go, if anywhere.
static PROVIDER: Mutex<Option<SdkTracerProvider>> = Mutex::new(None);

/// Of every hundredth request, if nothing else is said.
const SAMPLE: f64 = 0.01;

const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

fn provider() -> Option<SdkTracerProvider> {
    let provider = PROVIDER.lock().unwrap_or_else(PoisonError::into_inner);
    provider.clone()
}

fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn says(variable: &str, word: &str) -> bool {
    env::var(variable).is_ok_and(|value| value.eq_ignore_ascii_case(word))
}

/// Has spans sent from here on, if settings or OpenTelemetry's own variables name a collector. Where both
/// say something, the settings count.
///
/// # Errors
/// When a variable has a value that it does not take.
pub(super) fn start(
    settings: &settings::Telemetry,
    identity: Identity,
) -> anyhow::Result<Option<Traces>> {
    let asked = settings.otlp_endpoint.is_some() || ENDPOINTS.into_iter().any(is_set);
    let disabled = says("OTEL_SDK_DISABLED", "true") || says("OTEL_TRACES_EXPORTER", "none");
    if !asked || disabled {
        return Ok(None);
    }
    let mut exporter = SpanExporter::builder().with_http();
    if let Some(endpoint) = &settings.otlp_endpoint {
        exporter = exporter.with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')));
    }
    let mut resource = Resource::builder();
    if !is_set("OTEL_SERVICE_NAME") {
        resource = resource.with_service_name(identity.name);
    }
    let version = KeyValue::new("service.version", identity.version);
    let mut provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter.build()?)
        .with_resource(resource.with_attribute(version).build());
    if settings.sample.is_some() || !is_set("OTEL_TRACES_SAMPLER") {
        let share = Sampler::TraceIdRatioBased(settings.sample.unwrap_or(SAMPLE));
        provider = provider.with_sampler(Sampler::ParentBased(Box::new(share)));
    }
    let provider = provider.build();
    *PROVIDER.lock().unwrap_or_else(PoisonError::into_inner) = Some(provider.clone());
    Ok(Some(Traces(provider)))
}

/// That spans are sent.
#[derive(Debug)]
pub(super) struct Traces(SdkTracerProvider);

impl Traces {
    /// Makes spans of OpenTelemetry of those that handlers make with `tracing`, from `info` on. What
    /// Lastcall says of itself is for the log.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let handlers = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target("lastcall", LevelFilter::OFF)
            .with_target("h2", LevelFilter::OFF)
            .with_target("opentelemetry", LevelFilter::OFF);
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("lastcall"))
            .with_filter(handlers)
    }
}

/// Has everything sent that has ended. Tells when that is done, or has failed; it takes 5 s at most, and
/// is not to be waited for longer than there is time. `None` if there are no traces.
pub(crate) fn flush() -> Option<oneshot::Receiver<Result<(), String>>> {
    let provider = provider()?;
    let (done, flushed) = oneshot::channel();
    let flush = move || {
        let result = provider.force_flush().map_err(|error| error.to_string());
        // Nobody waits for it any more if the deadline has come.
        let _ = done.send(result);
    };
    let started = thread::Builder::new()
        .name("traces".to_owned())
        .spawn(flush);
    started.is_ok().then_some(flushed)
}

/// That a span is the current one.
pub(crate) type Guard = ContextGuard;

/// Makes the spans of requests.
#[derive(Debug)]
pub(crate) struct Tracer(SdkTracer);

/// The span of a request.
#[derive(Debug)]
pub(crate) struct RequestSpan {
    context: Context,
    method: &'static str,
}

impl Tracer {
    /// That of this process, if spans are sent.
    pub(crate) fn current() -> Option<Self> {
        Some(Self(provider()?.tracer("lastcall")))
    }

    /// A request has come. Whose part it is, its `traceparent` says.
    pub(crate) fn begin(&self, request: &Request, peer: PeerAddress) -> RequestSpan {
        let head = request.head();
        let parent = TraceContextPropagator::new()
            .extract_with_context(&Context::new(), &Headers(request.headers()));
        let method = known_method(&head.method);
        let span = self.0.span_builder(method).with_kind(SpanKind::Server);
        let mut span = span.start_with_context(&self.0, &parent);
        if span.is_recording() {
            span.set_attributes(attributes(head, method, peer));
        }
        RequestSpan {
            context: parent.with_span(span),
            method,
        }
    }
}

/// By OpenTelemetry's conventions for HTTP. No query: it may hold secrets.
fn attributes(head: &RequestHead, method: &'static str, peer: PeerAddress) -> Vec<KeyValue> {
    let version = match head.version {
        actix_http::Version::HTTP_2 => "2",
        actix_http::Version::HTTP_10 => "1.0",
        _ => "1.1",
    };
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", head.uri.path().to_owned()),
        KeyValue::new("network.protocol.version", version),
    ];
    match peer.socket_address() {
        Some(peer) => attributes.extend([
            KeyValue::new("network.peer.address", peer.ip().to_string()),
            KeyValue::new("network.peer.port", i64::from(peer.port())),
            KeyValue::new("client.address", peer.ip().to_string()),
        ]),
        None => attributes.push(KeyValue::new("network.transport", "unix")),
    }
    if method == "_OTHER" {
        let original = head.method.as_str().to_owned();
        attributes.push(KeyValue::new("http.request.method_original", original));
    }
    for (name, key) in [
        (header::USER_AGENT, "user_agent.original"),
        (header::HOST, "server.address"),
    ] {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        attributes.extend(value.map(|value| KeyValue::new(key, value.to_owned())));
    }
    attributes
}

impl RequestSpan {
    /// Until the guard is dropped, this span is the current one.
    pub(crate) fn enter(&self) -> Guard {
        self.context.clone().attach()
    }

    /// As the log names it.
    pub(crate) fn trace_id(&self) -> String {
        self.context.span().span_context().trace_id().to_string()
    }

    /// All is over. `error`: why there is no whole response.
    pub(crate) fn end(
        &self,
        answered: Option<(&str, StatusCode)>,
        bytes: u64,
        error: Option<&'static str>,
    ) {
        let span = self.context.span();
        if span.is_recording() {
            if let Some((route, status)) = answered {
                span.set_attribute(status_code(status));
                if let Some(route) = Some(route).filter(|route| route.starts_with('/')) {
                    span.update_name(format!("{} {route}", self.method));
                    span.set_attribute(KeyValue::new("http.route", route.to_owned()));
                }
            }
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            span.set_attribute(KeyValue::new("http.response.body.size", bytes));
            let failed = answered
                .map(|(_, status)| status)
                .filter(StatusCode::is_server_error);
            let error = error
                .map(str::to_owned)
                .or(failed.map(|status| status.as_str().to_owned()));
            if let Some(error) = error {
                span.set_attribute(KeyValue::new("error.type", error));
                span.set_status(Status::error(""));
            }
        }
        span.end();
    }
}

fn status_code(status: StatusCode) -> KeyValue {
    KeyValue::new("http.response.status_code", i64::from(status.as_u16()))
}

struct Headers<'a>(&'a header::HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(header::HeaderName::as_str).collect()
    }
}

/// The headers (`traceparent`, `tracestate`) that make what somebody else does on behalf of this request a
/// part of its trace: for the requests that its handler sends. Empty where there is no trace, and outside
/// of a request.
///
/// ```
/// # struct Outgoing;
/// # impl Outgoing { fn insert_header(self, _: (String, String)) -> Self { self } }
/// async fn order() {
///     let mut ask = Outgoing; // client.get(stock)
///     for header in lastcall::trace_headers() {
///         ask = ask.insert_header(header);
///     }
/// }
/// ```
pub fn trace_headers() -> HashMap<String, String> {
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(&Context::current(), &mut headers);
    headers.retain(|_, value| !value.is_empty());
    headers
}
