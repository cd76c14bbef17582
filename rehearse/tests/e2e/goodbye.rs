//! The lame duck: everybody is served, and told to leave.

use crate::{
    gate::Gate,
    process::{Setup, Signal},
    wire::{Wire, get, post},
};

#[test]
fn every_response_in_the_lame_duck_says_goodbye_and_a_fin_follows() {
    let requests = [
        (200, get("/hello/you")),
        (404, get("/nowhere")),
        (500, get("/panic")),
        (400, get("/big?bytes=many")),
        (200, get("/big?bytes=100000")),
        (200, get("/big-stream?bytes=100000")),
        (200, get("/trickle?chunks=3&every_ms=1")),
        (200, format!("{}0123456789", post("/upload", 10))),
        (200, format!("{}0123456789", post("/ignore", 10))),
        (413, format!("{}0123456789", post("/reject", 10))),
    ];
    let service = Setup::held().serve();
    // Half of them have spoken before, the others not.
    let mut wires: Vec<Wire> = requests.iter().map(|_| service.connect()).collect();
    for wire in wires.iter_mut().step_by(2) {
        assert!(!wire.ask(&get("/hello/kept")).head.says_goodbye());
    }
    service.begin_lame_duck();
    for (wire, (status, request)) in wires.iter_mut().zip(&requests) {
        let response = wire.ask(request);
        assert_eq!(response.head.status, *status, "{request}");
        assert!(response.head.says_goodbye(), "{request}");
        wire.expect_fin();
    }
    drop(wires);
    service.stop();
}

#[test]
fn a_response_to_head_says_goodbye_too() {
    let service = Setup::held().serve();
    let mut wire = service.connect();
    service.begin_lame_duck();
    wire.send("HEAD /nowhere HTTP/1.1\r\nhost: e2e\r\n\r\n");
    assert!(wire.head().says_goodbye());
    wire.expect_fin();
    service.stop();
}

#[test]
fn newcomers_are_served_in_the_lame_duck_and_refused_after_it() {
    let service = Setup::held().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    service.begin_lame_duck();
    for _ in 0..20 {
        let response = service.get("/hello/newcomer");
        response.expect(200, "Hello, newcomer!");
        assert!(response.head.says_goodbye());
    }
    service.begin_draining();
    assert!(service.refuses());
    waiting.let_go();
    wire.response().expect(200, "let go");
    let report = service.left_in_good_order().report;
    assert!(
        report["connections_after_t0"].as_u64().unwrap() >= 20,
        "{report}"
    );
    assert_eq!(report["kernel_fence"], true);
    for figure in [
        "last_connection_ms",
        "last_request_ms",
        "lame_duck_ms",
        "draining_ms",
    ] {
        assert!(report[figure].is_u64(), "{figure}: {report}");
    }
}

#[test]
fn nobody_is_told_to_leave_before_t0() {
    let service = Setup::held().serve();
    let mut wire = service.connect();
    for _ in 0..3 {
        assert_eq!(wire.ask(&get("/hello/you")).head.header("connection"), None);
    }
    service.stop();
}

#[test]
fn a_client_that_wants_to_leave_is_let_go_at_any_time() {
    let service = Setup::held().serve();
    let mut wire = service.connect();
    let response = wire.ask("GET /hello/you HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n\r\n");
    response.expect(200, "Hello, you!");
    wire.expect_fin();
    drop(wire);
    service.wait_connections("open", 0);
    service.stop();
}

#[test]
fn the_lame_duck_ends_by_itself_when_newcomers_stay_away() {
    let lame_duck = [
        ("drain.min", "200ms"),
        ("drain.quiet", "100ms"),
        ("drain.max", "1h"),
    ];
    let service = lame_duck
        .iter()
        .fold(Setup::new(), |setup, (key, value)| setup.set(key, value));
    let service = service.serve();
    service.process.signal(Signal::SIGTERM);
    let report = service.left_in_good_order().report;
    assert!(report["lame_duck_ms"].as_u64().unwrap() >= 200, "{report}");
}
