//! What is still in flight at the deadline is cut, counted and named.

use serde_json::json;

use crate::{
    gate::Gate,
    harness::{Left, Service},
    process::{Setup, Signal},
    wire::{Wire, get, post},
};

/// Tells it to go with these requests in flight, and waits for the cut.
#[track_caller]
fn cut(service: Service, requests: &[String]) -> Left {
    let send = |request| {
        let mut wire = service.connect();
        wire.send(request);
        wire
    };
    let _wires: Vec<Wire> = requests.iter().map(send).collect();
    service.wait_connections("in_flight", requests.len() as u64);
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(left.code, Some(3), "{}", left.report);
    left
}

#[test]
fn a_handler_that_never_returns_is_cut_and_named_by_its_routes_pattern() {
    let left = cut(Setup::short().serve(), &[get("/never/7")]);
    assert_eq!(left.report["cut"], json!({"/never/{id}": 1}));
}

#[test]
fn whatever_hangs_is_cut_and_counted_by_route() {
    let requests = [
        get("/never/7"),
        get("/never/7"),
        get("/endless"),
        format!("{}01234", post("/upload", 10)),
        "GET /hello/half".to_owned(),
    ];
    let service = Setup::short().serve();
    let left = cut(service, &requests);
    let cut = &left.report["cut"];
    for (route, count) in [("/never/{id}", 2), ("/endless", 1), ("/upload", 1)] {
        assert_eq!(cut[route], count, "{cut}");
    }
    let counts = cut.as_object().unwrap().values();
    assert_eq!(
        counts.filter_map(|count| count.as_u64()).sum::<u64>(),
        5,
        "{cut}"
    );
}

#[test]
fn a_response_that_nobody_reads_is_cut() {
    let service = Setup::short().serve();
    let mut wire = Wire::connect_with_small_window(service.http);
    wire.send(get("/big?bytes=16000000"));
    wire.head();
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(
        (left.code, &left.report["cut"]),
        (Some(3), &json!({"/big": 1}))
    );
}

#[test]
fn bytes_that_are_not_acknowledged_at_the_deadline_are_a_cut() {
    let service = Setup::short().serve();
    let mut wire = Wire::connect_with_small_window(service.http);
    // As much as the kernel takes at once: the response is written, and not delivered.
    wire.send(get("/big?bytes=100000"));
    wire.head();
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(left.code, Some(3), "{}", left.report);
    assert_eq!(left.report["cut"], json!({"/big (unacknowledged)": 1}));
}

#[test]
fn bytes_that_are_not_acknowledged_are_a_cut_though_something_else_holds_the_drain() {
    let service = Setup::short().serve();
    let mut reader = Wire::connect_with_small_window(service.http);
    reader.send(get("/big?bytes=100000"));
    reader.head();
    let left = cut(service, &[get("/never/7")]);
    assert_eq!(
        left.report["cut"],
        json!({"/never/{id}": 1, "/big (unacknowledged)": 1})
    );
}

#[test]
fn a_handler_that_blocks_its_worker_is_cut_and_counted() {
    let service = Setup::short().set("http.workers", "1").serve();
    let gate = Gate::new();
    // Idle ones lose nothing, and are no part of the count.
    let mut idle: Vec<Wire> = (0..5).map(|_| service.connect()).collect();
    for wire in &mut idle {
        wire.ask(&get("/hello/idle"));
    }
    let mut wire = service.connect();
    wire.send(get(&gate.target("/block")));
    let _waiting = gate.waiting();
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(left.code, Some(3), "{}", left.report);
    let cut = left.report["cut"].as_object().unwrap();
    let counts: Vec<u64> = cut.values().filter_map(|count| count.as_u64()).collect();
    assert_eq!(counts, [1], "{cut:?}");
}

#[test]
fn a_client_that_went_away_before_its_response_holds_nothing_up() {
    let service = Setup::short().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    drop(wire);
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    // Answered, it meets a socket that is no more, whose reset acknowledges nothing.
    waiting.let_go();
    service.left_in_good_order();
}

#[test]
fn a_worker_that_a_handler_blocks_keeps_probes_and_other_workers_going() {
    let service = Setup::held().serve();
    let gate = Gate::new();
    let mut blocked = service.connect();
    blocked.send(get(&gate.target("/block")));
    let waiting = gate.waiting();
    // The one that has nobody is asked first.
    service.get("/hello/other").expect(200, "Hello, other!");
    service.begin_lame_duck();
    assert_eq!(service.admin("/livez").head.status, 200);
    service.begin_draining();
    waiting.let_go();
    let response = blocked.response();
    response.expect(200, "let go");
    assert!(response.head.says_goodbye());
    drop(blocked);
    service.left_in_good_order();
}
