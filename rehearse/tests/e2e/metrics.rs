//! What Prometheus is shown.

use crate::{
    h2_wire::{Peer, field, head},
    harness::Service,
    process::Setup,
    until,
    wire::{get, post},
};

/// The value of the first series whose line has all of `parts`.
fn value(service: &Service, parts: &[&str]) -> Option<f64> {
    let page = service.admin("/metrics").text();
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    let line = { lines }.find(|line| parts.iter().all(|part| line.contains(part)))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[track_caller]
fn wait_for(service: &Service, parts: &[&str], expected: f64) {
    until("a metric", || {
        (value(service, parts) == Some(expected)).then_some(())
    });
}

#[test]
fn requests_are_counted_by_the_pattern_of_their_route() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    for path in ["/hello/a", "/hello/b", "/panic", "/nowhere/1", "/nowhere/2"] {
        wire.ask(&get(path));
    }
    let count = "http_server_request_duration_seconds_count";
    for (route, status, expected) in [
        ("/hello/{name}", "200", 2.0),
        ("/panic", "500", 1.0),
        ("unmatched", "404", 2.0),
    ] {
        let route = format!("http_route=\"{route}\"");
        let status = format!("http_response_status_code=\"{status}\"");
        let parts = [count, &route, &status, "http_request_method=\"GET\""];
        wait_for(&service, &parts, expected);
    }
    let page = service.admin("/metrics");
    assert!(
        page.head
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    assert!(page.text().ends_with("# EOF\n"));
    assert!(
        !page.text().contains("/hello/a"),
        "a path is no label: there are too many"
    );
    service.stop();
}

#[test]
fn connections_and_requests_at_hand_are_shown() {
    let service = Setup::new().serve();
    assert_eq!(value(&service, &["lastcall_phase "]), Some(1.0));
    assert_eq!(
        value(&service, &["lastcall_log_lines_dropped_total "]),
        Some(0.0)
    );
    let mut wire = service.connect();
    wire.send(get("/endless"));
    wire.head();
    let mut idle = service.connect();
    idle.ask(&get("/hello/idle"));
    wait_for(&service, &["lastcall_connections_open "], 2.0);
    wait_for(&service, &["lastcall_connections_in_flight "], 1.0);
    wait_for(&service, &["http_server_active_requests "], 1.0);
    drop((wire, idle));
    wait_for(&service, &["lastcall_connections_open "], 0.0);
    wait_for(&service, &["http_server_active_requests "], 0.0);
    service.stop();
}

#[test]
fn requests_that_were_refused_are_counted_by_status_and_aborted_ones_too() {
    let service = Setup::new().serve();
    let long = "y".repeat(140_000);
    for (status, request) in [
        ("400", "no request\r\n\r\n".to_owned()),
        ("414", get(&format!("/{long}"))),
        (
            "431",
            format!("GET / HTTP/1.1\r\nhost: e2e\r\na: {long}\r\n\r\n"),
        ),
        ("501", "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n".to_owned()),
    ] {
        service.connect().ask(&request);
        let status = format!("http_response_status_code=\"{status}\"");
        wait_for(&service, &["lastcall_requests_refused_total", &status], 1.0);
    }
    // By HTTP/2 too; a stream that is reset is counted by what HTTP/1.1 would have answered.
    let mut peer = Peer::connect(service.http);
    let malformed = [&head("GET", "/")[..], &field("host", "other")].concat();
    let fields = (0..97).flat_map(|number| field(&format!("x-{number}"), "1"));
    let too_many = head("GET", "/").into_iter().chain(fields).collect();
    for (status, block) in [("400", malformed), ("431", too_many)] {
        peer.open(&block, true);
        let status = format!("http_response_status_code=\"{status}\"");
        wait_for(&service, &["lastcall_requests_refused_total", &status], 2.0);
    }
    drop(peer);
    assert_eq!(
        value(&service, &["lastcall_requests_aborted_total "]),
        Some(0.0)
    );
    let mut streaming = service.connect();
    streaming.send(get("/endless"));
    streaming.head();
    let mut uploading = service.connect();
    uploading.send(post("/upload", 10));
    service.wait_requests(2);
    drop(streaming);
    wait_for(&service, &["lastcall_requests_aborted_total "], 1.0);
    let failed = service.connect().ask(&get("/panic"));
    assert_eq!(failed.head.status, 500);
    drop(uploading);
    service.wait_requests(0);
    service.stop();
}

#[test]
fn a_services_own_metrics_and_layers_stand_beside_ours() {
    let service = Setup::new().set("log.level", "info,unruly=error").serve();
    assert_eq!(value(&service, &["unruly_said_total "]), Some(0.0));
    service.get("/logs");
    service.get("/logs/debug");
    wait_for(&service, &["unruly_said_total "], 2.0);
    assert!(service.admin("/metrics").text().ends_with("# EOF\n"));
    service.stop();
}
