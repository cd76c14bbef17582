//! The log, and traces. The log is on stderr: text for people, one JSON object a line for machines.
//!
//! Whoever reads stderr may be slow, stuck or gone, and a drain cannot wait for that. So a thread
//! of its own writes, from a bounded queue; when that is full, lines are dropped.

mod json;
mod level;
#[cfg(feature = "otlp")]
pub(crate) mod traces;
#[cfg(not(feature = "otlp"))]
#[path = "no_traces.rs"]
pub(crate) mod traces;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::{fmt, panic, thread};

use tracing::{Subscriber, field::display, level_filters::LevelFilter};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_log::{AsLog as _, LogTracer};
use tracing_subscriber::{
    Layer, Registry, fmt::format::JsonFields, layer::SubscriberExt as _, registry::LookupSpan,
};

use self::json::FlatJson;
pub(crate) use self::level::LogLevel;
use crate::{
    process::instance::Identity,
    settings::{Effective, Log, LogFormat},
};

/// Lines that may wait: a burst at `debug`, or some 256 KB if nobody reads.
const QUEUE: usize = 1_024;

/// A layer of the subscriber that [`Service::run`](crate::Service::run) sets.
pub(crate) type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// What a service logs, by its `log.*`, and what it sends to a collector of traces, for a program that
/// has a `main` and a `tracing` subscriber of its own.
/// [`Service::telemetry`](crate::Service::telemetry) makes one; [`Service::run`](crate::Service::run)
/// needs none.
///
/// It is to be kept to the end of the program: dropped, it waits until what was logged is written,
/// for about a second at most.
///
/// ```
/// use lastcall::Settings;
/// use tracing_subscriber::prelude::*;
///
/// # fn main() -> Result<(), lastcall::Error> {
/// let settings = Settings::<()>::from_environment();
/// let service = lastcall::service!();
/// let telemetry = service.telemetry(&settings)?;
/// tracing_subscriber::registry()
///     .with(telemetry.layer())
///     // .with(a layer of one's own)
///     .init();
/// // ... and then `service.bind(settings)`.
/// # Ok(())
/// # }
/// ```
#[must_use = "dropped, it writes nothing"]
pub struct Telemetry {
    format: Format,
    output: NonBlocking,
    level: Arc<LogLevel>,
    #[cfg(feature = "otlp")]
    traces: Option<traces::Traces>,
    _written: WorkerGuard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text { colour: bool },
    Json,
}

impl Format {
    fn of(format: LogFormat, terminal: bool) -> Self {
        let is_text = match format {
            LogFormat::Auto => terminal,
            LogFormat::Text => true,
            LogFormat::Json => false,
        };
        let no_colour = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match is_text {
            true => Self::Text {
                colour: terminal && !no_colour(),
            },
            false => Self::Json,
        }
    }
}

impl Telemetry {
    /// Starts the log of this process, whose levels can be changed from outside from here on, and its
    /// traces.
    ///
    /// # Errors
    /// When the environment says something of traces that makes no sense.
    #[cfg_attr(not(feature = "otlp"), expect(unused, reason = "there are no traces"))]
    pub(crate) fn start<S>(settings: &Effective<S>, identity: Identity) -> anyhow::Result<Self> {
        let terminal = io::stderr().is_terminal();
        let mut started = Self::writing_to(io::stderr(), &settings.log, terminal);
        #[cfg(feature = "otlp")]
        {
            started.traces = traces::start(&settings.telemetry, identity)?;
        }
        started.level.make_current();
        Ok(started)
    }

    fn writing_to(sink: impl Write + Send + 'static, log: &Log, terminal: bool) -> Self {
        let (output, written) = queue(sink);
        Self {
            format: Format::of(log.format, terminal),
            level: LogLevel::new(log.level.clone(), output.error_counter()),
            output,
            #[cfg(feature = "otlp")]
            traces: None,
            _written: written,
        }
    }

    /// The log, and traces, as a layer of a subscriber. The log has the filter of `log.level`, which does
    /// not concern the layers beside it.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let log = tracing_subscriber::fmt::layer().with_writer(self.output.clone());
        let log = match self.format {
            Format::Text { colour } => log.with_ansi(colour).boxed(),
            Format::Json => log
                .fmt_fields(JsonFields::new())
                .event_format(FlatJson)
                .boxed(),
        };
        let log = log.with_filter(self.level.filter());
        #[cfg(feature = "otlp")]
        let log: Vec<_> = {
            let traces = self.traces.as_ref().map(|traces| traces.layer().boxed());
            std::iter::once(log.boxed()).chain(traces).collect()
        };
        log
    }

    /// Has everything written that is logged in this process, and panics, too, instead of being
    /// printed across the JSON. A subscriber that is set already stays.
    pub(crate) fn init(&self, mut more: Vec<BoxedLayer>) {
        more.push(self.layer().boxed());
        let subscriber = tracing_subscriber::registry().with(more);
        if tracing::subscriber::set_global_default(subscriber).is_err() {
            return;
        }
        panic::set_hook(Box::new(log_panic));
        // Takes in what dependencies write with `log`.
        let level = LevelFilter::current().as_log();
        if LogTracer::builder().with_max_level(level).init().is_err() {
            tracing::warn!(
                "the program has a logger of its own, so what is written with `log` is not in this log: \
                 leave it out, and `log.level` is for those lines, too"
            );
        }
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry")
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

fn queue(sink: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE)
        .thread_name("log")
        .finish(sink)
}

fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("(no text)");
    let location = panic
        .location()
        .map(ToString::to_string)
        .unwrap_or_default();
    let thread = thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    // Captured only if RUST_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    let captured = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = captured.then(|| display(&backtrace));
    tracing::error!(location, thread, backtrace, "panic: {message}");
}

#[cfg(test)]
mod tests;
