//! Traces by OTLP: what a collector gets.
#![cfg(feature = "otlp")]
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a test")]

mod collector;

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use actix_web::{App, HttpResponse, web};
use collector::{Collector, Seen};
use lastcall::{Settings, trace_headers};
use tracing_subscriber::prelude::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

#[tracing::instrument]
async fn look_up(id: u32) -> String {
    tracing::info!("found");
    trace_headers().remove("traceparent").unwrap_or_default()
}

/// Asks, with these headers, and gives the answer's body.
fn ask(address: SocketAddr, path: &str, headers: &str) -> String {
    let mut client = TcpStream::connect(address).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n{headers}\r\n");
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_name(spans: &[Seen]) -> HashMap<&str, &Seen> {
    spans
        .iter()
        .map(|seen| (seen.span.name.as_str(), seen))
        .collect()
}

#[actix_web::test]
async fn a_collector_gets_the_requests_with_what_their_handlers_did_before_the_process_leaves() {
    let collector = Collector::start();
    let settings = Settings::new(())
        .set("telemetry.otlp_endpoint", collector.url())
        .set("telemetry.sample", 0.0);
    let service = lastcall::Service::new("shop", "1.2.3");
    let telemetry = service.telemetry(&settings).unwrap();
    tracing_subscriber::registry()
        .with(telemetry.layer())
        .init();
    let app = |_: &()| {
        let item = web::get().to(async |id: web::Path<u32>| look_up(*id).await);
        let broken = web::get().to(async || HttpResponse::InternalServerError());
        App::new()
            .route("/items/{id}", item)
            .route("/broken", broken)
    };
    let service = service.test(settings, app).await;
    let address = service.address();
    let asked = move || {
        let traced = format!("traceparent: 00-{TRACE}-{PARENT}-01\r\n");
        let answer = ask(address, "/items/7?secret=1", &traced);
        ask(address, "/broken", &traced);
        // Their callers have not decided, and none of a hundred is sampled; or they have, against it.
        let unsampled = ask(address, "/items/8", "");
        ask(address, "/items/9", &traced.replace("-01", "-00"));
        (answer, unsampled)
    };
    let (passed_on, unsampled) = web::block(asked).await.unwrap();
    let report = service.drain().await;
    assert_eq!((report.exit, report.hooks_failed), (Some(0), Vec::new()));

    let spans = collector.spans();
    assert_eq!(spans.len(), 3, "{spans:?}");
    let named = by_name(&spans);
    let (request, inner) = (named["GET /items/{id}"], named["look_up"]);
    assert_eq!(
        (
            hex(&request.span.trace_id),
            hex(&request.span.parent_span_id)
        ),
        (TRACE.into(), PARENT.into())
    );
    assert_eq!(request.span.kind, 2, "a server's");
    assert_eq!(inner.span.parent_span_id, request.span.span_id);
    assert_eq!(inner.span.events[0].name, "found");
    assert_eq!(
        passed_on,
        format!("00-{TRACE}-{}-01", hex(&inner.span.span_id))
    );
    assert!(
        unsampled.ends_with("-00") && !unsampled.contains(TRACE),
        "{unsampled}"
    );
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/items/{id}"),
        ("url.path", "/items/7"),
        ("http.response.status_code", "200"),
        ("http.response.body.size", "55"),
        ("server.address", "shop"),
        ("client.address", "127.0.0.1"),
    ] {
        assert_eq!(
            request.attributes.get(key).map(String::as_str),
            Some(value),
            "{key}"
        );
    }
    assert_eq!(request.resource["service.name"], "shop");
    assert_eq!(request.resource["service.version"], "1.2.3");
    let broken = named["GET /broken"];
    assert_eq!(broken.attributes["error.type"], "500");
    assert_eq!(broken.span.status.as_ref().unwrap().code, 2, "an error");
}
