use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;
use crate::settings::Access;

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

fn logged(format: LogFormat, level: &str, terminal: bool, act: impl FnOnce()) -> String {
    logged_while(format, level, terminal, |_| act())
}

/// What is written while `act` has the log's level in its hand.
fn logged_while(
    format: LogFormat,
    level: &str,
    terminal: bool,
    act: impl FnOnce(&LogLevel),
) -> String {
    let (sender, receiver) = channel();
    let level = level.parse().unwrap();
    let telemetry = Telemetry::writing_to(
        Sink(sender),
        &Log {
            format,
            level,
            access: Access::Off,
        },
        terminal,
    );
    let subscriber = tracing_subscriber::registry().with(telemetry.layer());
    tracing::subscriber::with_default(subscriber, || act(&telemetry.level));
    drop(telemetry);
    String::from_utf8(receiver.try_iter().flatten().collect()).unwrap()
}

fn json(log: &str) -> Vec<serde_json::Value> {
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn json_is_one_object_a_line_with_flat_fields() {
    let log = logged(LogFormat::Json, "info", true, || {
        tracing::info!(http = "127.0.0.1:8080", workers = 2, "listening");
        tracing::warn!("two\nlines");
    });
    let lines = json(&log);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["message"], "listening");
    assert_eq!(lines[0]["level"], "INFO");
    assert_eq!(lines[0]["http"], "127.0.0.1:8080");
    assert_eq!(lines[0]["workers"], 2);
    assert!(lines[0]["timestamp"].is_string() && lines[0]["target"].is_string());
}

#[test]
fn a_spans_fields_are_in_its_events_and_the_inmost_of_a_name_counts() {
    let speak = || {
        let outer = tracing::info_span!("outer", request_id = "abc", user = 1, level = "high");
        let _outer = outer.enter();
        tracing::info!("outside");
        let inner = tracing::info_span!("inner", user = 2, late = tracing::field::Empty).entered();
        inner.record("late", true);
        tracing::info!(attempt = 3, "inside");
        tracing::info!(user = 4, "own");
        tracing::info!(parent: None, "apart");
    };
    let lines = json(&logged(LogFormat::Json, "info", false, speak));
    let field = |line: usize, name: &str| lines[line][name].to_string();
    assert_eq!(
        (field(0, "request_id"), field(0, "user")),
        (r#""abc""#.into(), "1".into())
    );
    assert_eq!(
        (field(1, "request_id"), field(1, "user")),
        (r#""abc""#.into(), "2".into())
    );
    assert_eq!(
        (field(1, "late"), field(1, "attempt")),
        ("true".into(), "3".into())
    );
    assert_eq!(field(2, "user"), "4");
    assert_eq!(
        (field(0, "level"), field(0, "level_")),
        (r#""INFO""#.into(), r#""high""#.into())
    );
    assert!(lines[3].get("request_id").is_none());
    let text = logged(LogFormat::Text, "info", false, speak);
    assert!(text.contains(r#"request_id="abc""#), "{text}");
}

#[test]
fn what_is_logged_with_log_names_its_own_target() {
    let log = logged(LogFormat::Json, "info", false, || {
        let record = log::Record::builder()
            .level(log::Level::Warn)
            .target("a::dependency")
            .args(format_args!("old"))
            .build();
        tracing_log::format_trace(&record).unwrap();
    });
    let line = &json(&log)[0];
    assert_eq!(
        (&line["target"], &line["message"]),
        (&"a::dependency".into(), &"old".into())
    );
    assert!(line.get("log.target").is_none());
}

#[test]
fn a_target_by_name_has_a_level_of_its_own() {
    let speak = || {
        tracing::info!(target: "sqlx::query", "a query");
        tracing::warn!(target: "sqlx::query", "a slow query");
        tracing::info!(target: "mine", "ours");
        tracing::warn!(target: "h2::proto", "a frame");
    };
    let log = logged(LogFormat::Json, "info,sqlx=warn", false, speak);
    assert!(log.contains("a slow query") && log.contains("ours") && !log.contains("a query"));
    assert!(!log.contains("a frame"));
    assert!(logged(LogFormat::Json, "info,h2=warn", false, speak).contains("a frame"));
    assert!(!logged(LogFormat::Json, "debug,h2=off", false, speak).contains("a frame"));
}

#[test]
fn the_level_can_be_changed_while_the_log_is_written() {
    let log = logged_while(LogFormat::Json, "warn", false, |level| {
        let speak = |word: &str| tracing::debug!("{word}");
        speak("before");
        level.set("debug".parse().unwrap(), "a test");
        speak("meanwhile");
        level.step(false, "a test");
        speak("after");
    });
    let said: Vec<_> = json(&log)
        .iter()
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        said,
        ["log.level changed", "meanwhile", "log.level changed"]
    );
}

#[test]
fn auto_is_text_on_a_terminal_and_json_elsewhere() {
    let log = |terminal| {
        logged(LogFormat::Auto, "info", terminal, || {
            tracing::info!("hello")
        })
    };
    assert!(log(false).starts_with('{'));
    assert!(!log(true).starts_with('{') && log(true).contains("hello"));
}

#[test]
fn text_in_a_file_has_no_colours() {
    let log = logged(LogFormat::Text, "info", false, || tracing::info!("hello"));
    assert!(!log.contains('\u{1b}'), "{log:?}");
}

#[test]
fn what_is_less_severe_than_the_level_is_not_written() {
    let speak = || {
        tracing::warn!("loud");
        tracing::info!("quiet");
    };
    let log = logged(LogFormat::Json, "warn", false, speak);
    assert!(log.contains("loud") && !log.contains("quiet"));
    assert_eq!(logged(LogFormat::Json, "off", false, speak), "");
}

#[test]
fn what_h2_says_of_each_frame_is_written_at_debug_alone() {
    let speak = || {
        tracing::warn!(target: "h2::proto::ping_pong", "a frame");
        tracing::error!(target: "h2::server", "an error");
        tracing::warn!("ours");
    };
    let log = logged(LogFormat::Json, "info", false, speak);
    assert!(log.contains("ours") && log.contains("an error") && !log.contains("a frame"));
    let log = logged(LogFormat::Json, "debug", false, speak);
    assert!(log.contains("a frame"));
    assert_eq!(logged(LogFormat::Json, "off", false, speak), "");
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
