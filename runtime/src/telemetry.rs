//! The log, on stderr: text for people, one JSON object a line for machines.
//!
//! Whoever reads stderr may be slow, stuck or gone, and a drain cannot wait for that. So a thread
//! of its own writes, from a bounded queue; when that is full, lines are dropped.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::{panic, thread};

use tracing::Dispatch;
use tracing::field::display;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt};

use crate::settings::{Log, LogFormat, LogLevel};

/// Lines that may wait: a burst at `debug`, or some 256 KB if nobody reads.
const QUEUE: usize = 1_024;

/// Starts the log. A panic is logged too, instead of being printed across the JSON.
///
/// The guard is to be kept: dropped, it waits until what was logged is written, for about a
/// second at most.
pub(crate) fn init(settings: &Log) -> WorkerGuard {
    let (output, guard) = queue(io::stderr());
    // Takes in what dependencies write with `log`. A subscriber that is set already stays.
    if dispatch(settings, io::stderr().is_terminal(), output)
        .try_init()
        .is_ok()
    {
        panic::set_hook(Box::new(log_panic));
    }
    guard
}

fn queue(sink: impl Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE)
        .thread_name("log")
        .finish(sink)
}

fn dispatch(settings: &Log, terminal: bool, output: NonBlocking) -> Dispatch {
    let level = match settings.level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let text = match settings.format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(output);
    if text {
        Dispatch::new(log.with_ansi(colour).finish().with(quiet(level)))
    } else {
        let log = log
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false);
        Dispatch::new(log.finish().with(quiet(level)))
    }
}

/// Leaves out what a dependency says of each frame that it does not like: a peer can send such frames
/// by the million, and log lines must be bounded by connections, not by bytes. Whoever asks for
/// `debug` wants to see them.
fn quiet(level: LevelFilter) -> Targets {
    let of_frames = match level {
        LevelFilter::DEBUG => level,
        _ => level.min(LevelFilter::ERROR),
    };
    Targets::new()
        .with_default(level)
        .with_target("h2", of_frames)
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
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    struct Sink(Sender<Vec<u8>>);

    impl Write for Sink {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0
                .send(line.to_owned())
                .map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A reader that reads nothing until it is told to.
    struct Stuck(Receiver<()>);

    impl Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, level: LogLevel, terminal: bool, act: impl FnOnce()) -> String {
        let (sender, receiver) = channel();
        let (output, guard) = queue(Sink(sender));
        let dispatch = dispatch(&Log { format, level }, terminal, output);
        tracing::dispatcher::with_default(&dispatch, act);
        drop(guard);
        String::from_utf8(receiver.try_iter().flatten().collect()).unwrap()
    }

    #[test]
    fn json_is_one_object_a_line_with_flat_fields() {
        let log = logged(LogFormat::Json, LogLevel::Info, true, || {
            tracing::info!(http = "127.0.0.1:8080", workers = 2, "listening");
            tracing::warn!("two\nlines");
        });
        let lines: Vec<serde_json::Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["message"], "listening");
        assert_eq!(lines[0]["level"], "INFO");
        assert_eq!(lines[0]["http"], "127.0.0.1:8080");
        assert_eq!(lines[0]["workers"], 2);
        assert!(lines[0]["timestamp"].is_string() && lines[0]["target"].is_string());
    }

    #[test]
    fn auto_is_text_on_a_terminal_and_json_elsewhere() {
        let log = |terminal| {
            logged(LogFormat::Auto, LogLevel::Info, terminal, || {
                tracing::info!("hello")
            })
        };
        assert!(log(false).starts_with('{'));
        assert!(!log(true).starts_with('{') && log(true).contains("hello"));
    }

    #[test]
    fn text_in_a_file_has_no_colours() {
        let log = logged(LogFormat::Text, LogLevel::Info, false, || {
            tracing::info!("hello")
        });
        assert!(!log.contains('\u{1b}'), "{log:?}");
    }

    #[test]
    fn what_is_less_severe_than_the_level_is_not_written() {
        let speak = || {
            tracing::warn!("loud");
            tracing::info!("quiet");
        };
        let log = logged(LogFormat::Json, LogLevel::Warn, false, speak);
        assert!(log.contains("loud") && !log.contains("quiet"));
        assert_eq!(logged(LogFormat::Json, LogLevel::Off, false, speak), "");
    }

    #[test]
    fn what_h2_says_of_each_frame_is_written_at_debug_alone() {
        let speak = || {
            tracing::warn!(target: "h2::proto::ping_pong", "a frame");
            tracing::error!(target: "h2::server", "an error");
            tracing::warn!("ours");
        };
        let log = logged(LogFormat::Json, LogLevel::Info, false, speak);
        assert!(log.contains("ours") && log.contains("an error") && !log.contains("a frame"));
        let log = logged(LogFormat::Json, LogLevel::Debug, false, speak);
        assert!(log.contains("a frame"));
        assert_eq!(logged(LogFormat::Json, LogLevel::Off, false, speak), "");
    }

    #[test]
    fn a_reader_that_does_not_read_holds_nobody_up_and_what_is_dropped_is_counted() {
        let (read, reader) = channel();
        let (mut output, guard) = queue(Stuck(reader));
        let dropped = output.error_counter();
        for _ in 0..QUEUE + 10 {
            output.write_all(b"line\n").unwrap();
        }
        // One of them may have been taken by the writer meanwhile.
        assert!((9..=10).contains(&dropped.dropped_lines()));
        drop(read);
        drop(guard);
    }
}
