//! Readiness checks, by name.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use actix_web::App;
use common::{body, get, status};
use lastcall::{Settings, test::TestService};
use tokio::time::sleep;

/// A service that depends on a database, which is there or not.
async fn service(there: bool) -> (TestService, Arc<AtomicBool>) {
    let database = Arc::new(AtomicBool::new(there));
    let state = Arc::clone(&database);
    let settings = Settings::new(())
        .set("checks.interval", "10ms")
        .set("checks.timeout", "50ms");
    let service = lastcall::service!()
        .start(async move |(): &()| Ok(state))
        .check("database", async |there: Arc<AtomicBool>| {
            anyhow::ensure!(there.load(SeqCst), "connection refused");
            Ok(())
        })
        .test(settings, |(): &(), _| App::new());
    (service.await, database)
}

/// Asks `/readyz` until it has this status.
async fn until(service: &TestService, wanted: u16) -> String {
    loop {
        let answer = get(service.admin_address(), "/readyz").await;
        if status(&answer) == wanted {
            return answer;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

#[actix_web::test]
async fn a_service_is_ready_while_its_checks_pass() {
    let (service, database) = service(true).await;
    let ready = until(&service, 200).await;
    assert!(
        body(&ready).starts_with("ok\ndatabase: passing for 0 s\n"),
        "{ready}"
    );
    database.store(false, SeqCst);
    let unready = until(&service, 503).await;
    let why = "no\ndatabase: failing for 0 s: connection refused\n";
    assert_eq!(body(&unready), why);
    assert_eq!(status(&get(service.admin_address(), "/healthz").await), 503);
    assert_eq!(status(&get(service.admin_address(), "/livez").await), 200);
    database.store(true, SeqCst);
    until(&service, 200).await;
    assert_eq!(service.drain().await.exit, Some(0));
}

#[actix_web::test]
async fn a_check_that_fails_shows_in_the_status_and_in_the_metrics() {
    let (service, database) = service(false).await;
    until(&service, 503).await;
    let shown = loop {
        let shown = get(service.admin_address(), "/status").await;
        if shown.contains("failing") {
            break shown;
        }
        sleep(Duration::from_millis(5)).await;
    };
    assert!(
        shown.contains(r#""name":"database","state":"failing""#),
        "{shown}"
    );
    assert!(shown.contains(r#""error":"connection refused""#), "{shown}");
    let metrics = get(service.admin_address(), "/metrics").await;
    assert!(
        metrics.contains("lastcall_check_passing{check=\"database\"} 0"),
        "{metrics}"
    );
    database.store(true, SeqCst);
    until(&service, 200).await;
    let metrics = get(service.admin_address(), "/metrics").await;
    assert!(
        metrics.contains("lastcall_check_passing{check=\"database\"} 1"),
        "{metrics}"
    );
}

#[actix_web::test]
async fn a_check_that_does_not_answer_or_panics_fails() {
    let settings = Settings::new(()).set("checks.timeout", "20ms");
    let service = lastcall::service!()
        .check("silent", async |()| std::future::pending().await)
        .check("broken", async |()| panic!("a bug"))
        .test(settings, |(): &()| App::new())
        .await;
    let shown = loop {
        let shown = get(service.admin_address(), "/readyz").await;
        if !shown.contains("not checked yet") {
            break shown;
        }
        sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(status(&shown), 503);
    assert!(
        shown.contains("silent: failing for 0 s: no answer within 20ms"),
        "{shown}"
    );
    assert!(
        shown.contains("broken: failing for 0 s: it panicked"),
        "{shown}"
    );
}
