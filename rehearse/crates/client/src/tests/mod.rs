//! The client against servers that misbehave by script: each fault is counted as what it is, once.

mod bodies;
mod connecting;
mod connections;
mod events;
mod failures;
mod figures;
mod h2;
mod network;
mod peer;
mod server;
mod tls;
mod unknown;
mod websocket;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::server::Server;
use super::{
    Content, Endpoints, FailureKind, Headers, Method, Mode, Outcome, Plan, Progress, Think, run,
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Longer than any test takes on the busiest machine.
const HANGS: Duration = Duration::from_secs(60);

/// Endpoints that never change, or none at all.
struct Fixed(Option<SocketAddr>);

impl Endpoints for Fixed {
    fn pick(&self) -> Option<SocketAddr> {
        self.0
    }
}

fn plan(mode: Mode) -> Plan {
    let (target, timeout) = ("/".to_owned(), Duration::from_secs(60));
    Plan {
        mode,
        clients: 1,
        target,
        headers: Headers::default(),
        body: b"world".to_vec(),
        content: Content::Known,
        expect: None,
        seed: 1,
        timeout,
        rtt: Duration::ZERO,
        network: Duration::ZERO,
        tls: None,
    }
}

pub(super) fn keep_alive(think: u64) -> Plan {
    plan(Mode::KeepAlive {
        think: Think::Steady(Duration::from_millis(think)),
        method: Method::Get,
    })
}

fn one_shot(every: u64) -> Plan {
    plan(Mode::OneShot {
        every: Duration::from_millis(every),
    })
}

/// Runs the plan until so many requests have ended.
async fn requests(plan: Plan, server: &Server, enough: u64) -> Outcome {
    until(plan, Some(server.address), ended(enough)).await
}

/// So many requests have ended.
fn ended(requests: u64) -> impl Fn(&Progress) -> bool {
    move |progress| progress.requests.load(Ordering::Relaxed) >= requests
}

/// Runs the plan until the live counters say that it is enough.
async fn until(
    plan: Plan,
    address: Option<SocketAddr>,
    enough: impl Fn(&Progress) -> bool,
) -> Outcome {
    let (progress, stop) = (Arc::new(Progress::default()), CancellationToken::new());
    let (began, rtt) = (Instant::now(), plan.rtt + plan.network);
    let running = run(
        plan,
        Arc::new(Fixed(address)),
        Arc::clone(&progress),
        stop.clone(),
        CancellationToken::new(),
    );
    let stopping = async {
        while !enough(&progress) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.cancel();
    };
    let both = async { tokio::join!(running, stopping) };
    // No bound on speed: a test that waits for what never comes must fail, not hang.
    let (log, ()) = tokio::time::timeout(HANGS, both)
        .await
        .expect("it came to pass");
    let outcome = Outcome::of(&log, began, rtt);
    assert_eq!(
        outcome.requests,
        outcome.complete + outcome.unjudged + outcome.failures.total()
    );
    assert_eq!(outcome.requests, progress.requests.load(Ordering::Relaxed));
    assert_eq!(
        outcome.failures.total(),
        progress.failed.load(Ordering::Relaxed)
    );
    assert_eq!(outcome.complete, outcome.latency.len());
    outcome
}

#[track_caller]
fn assert_all_failed(outcome: &Outcome, kind: FailureKind) {
    let expected = BTreeMap::from([(kind, outcome.requests)]);
    assert_eq!(
        outcome.failures.counts(),
        &expected,
        "{:?}",
        outcome.failures.examples()
    );
}

#[track_caller]
fn assert_none_failed(outcome: &Outcome) {
    assert_eq!(
        outcome.failures.total(),
        0,
        "{:?}",
        outcome.failures.examples()
    );
}
