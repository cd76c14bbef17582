//! What every client here does: workers that think, ask and count, until standard input ends.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Longer than any right answer takes: what is not there by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the environment asks for.
#[derive(Clone)]
pub struct Asked {
    /// Where to.
    pub url: String,
    /// HTTP/2 by prior knowledge, else HTTP/1.1.
    pub http2: bool,
    /// What to POST; without it, GET.
    pub payload: Option<Bytes>,
}

impl Asked {
    /// From the environment.
    pub fn new() -> Self {
        let payload = || Bytes::from(vec![b'x'; number("BODY_BYTES")]);
        Self {
            url: variable("URL"),
            http2: variable("PROTOCOL") == "h2",
            payload: (variable("BODY") != "none").then(payload),
        }
    }
}

impl Default for Asked {
    fn default() -> Self {
        Self::new()
    }
}

/// A response's status and body.
pub type Answer = Result<(u16, Bytes), Box<dyn Error + Send + Sync>>;

#[derive(Default)]
struct Books {
    requests: u64,
    right: u64,
    failures: BTreeMap<String, u64>,
}

/// Runs the workers. `ask` makes one request.
pub async fn run<F: Future<Output = Answer> + Send>(ask: impl Fn() -> F + Clone + Send + 'static) {
    let stopped = Arc::new(AtomicBool::new(false));
    let books = Arc::new(Mutex::new(Books::default()));
    thread::spawn({
        let stopped = Arc::clone(&stopped);
        move || {
            let _gone = io::copy(&mut io::stdin(), &mut io::sink());
            stopped.store(true, Ordering::Relaxed);
        }
    });
    let mut workers = JoinSet::new();
    for _ in 0..number("WORKERS") {
        let (stopped, books, ask) = (Arc::clone(&stopped), Arc::clone(&books), ask.clone());
        workers.spawn(async move {
            loop {
                sleep(think()).await;
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let answer = timeout(PATIENCE, ask()).await;
                let answer = answer.unwrap_or_else(|late| Err(late.into()));
                count(
                    &mut books.lock().unwrap_or_else(PoisonError::into_inner),
                    answer,
                );
            }
        });
    }
    while workers.join_next().await.is_some() {}
    let books = books.lock().unwrap_or_else(PoisonError::into_inner);
    let (requests, failures) = (books.requests, &books.failures);
    println!(
        "{}",
        serde_json::json!({ "requests": requests, "failures": failures })
    );
}

fn count(books: &mut Books, answer: Answer) {
    books.requests += 1;
    let failure = match answer {
        Ok((200, body)) if String::from_utf8_lossy(&body).contains(&variable("EXPECT")) => {
            books.right += 1;
            if books.right == 1 {
                println!("up");
            }
            return;
        }
        Ok((status, body)) => format!("status {status}: {:.80}", String::from_utf8_lossy(&body)),
        Err(error) => chain(&*error),
    };
    *books.failures.entry(failure).or_default() += 1;
}

/// The error and all that caused it.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn think() -> Duration {
    let milliseconds = number("THINK_MIN_MS")..=number("THINK_MAX_MS");
    Duration::from_millis(fastrand::usize(milliseconds) as u64)
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn number(name: &str) -> usize {
    variable(name)
        .parse()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}
