//! Traces by OTLP, and a collector that takes them and never answers.
#![cfg(feature = "otlp")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use std::{
    io::Read as _,
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, web};
use lastcall::Settings;
use tracing_subscriber::prelude::*;

#[actix_web::test]
async fn a_collector_that_does_not_answer_holds_the_drain_until_its_deadline_at_most() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // Keeps every connection.
    thread::spawn(move || listener.incoming().flatten().collect::<Vec<TcpStream>>());
    let settings = Settings::new(())
        .set("grace_period", "4s")
        .set("telemetry.otlp_endpoint", endpoint)
        .set("telemetry.sample", 1.0);
    let service = lastcall::service!();
    let telemetry = service.telemetry(&settings).unwrap();
    tracing_subscriber::registry()
        .with(telemetry.layer())
        .init();
    let app = |_: &()| App::new().route("/", web::get().to(async || "hello"));
    let service = service.test(settings, app).await;
    let address = service.address();
    let asked = move || {
        use std::io::Write as _;
        let mut client = TcpStream::connect(address).unwrap();
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        client.write_all(request).unwrap();
        client.read_to_end(&mut Vec::new()).unwrap()
    };
    web::block(asked).await.unwrap();
    let began = Instant::now();
    let report = service.drain().await;
    // The end of the grace period, at which it would be killed.
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(report.exit, Some(0), "no request was cut");
    assert_eq!(report.hooks_failed, ["traces (unfinished)"]);
}
