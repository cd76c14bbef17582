//! What keeps the lame duck open: signs that clients are still sent here.

use std::{io::Write as _, net::TcpStream};

use crate::{
    harness::{Left, Service},
    ms, pass,
    process::{Setup, Signal},
    until,
    wire::{Wire, get},
};

fn setup() -> Setup {
    Setup::new()
        .set("drain.min", "600ms")
        .set("drain.quiet", "400ms")
        .set("drain.max", "1h")
}

fn lame_duck_ms(left: &Left) -> u64 {
    left.report["lame_duck_ms"].as_u64().unwrap()
}

/// Lets `visit` come each 100 ms, from T0 until so many have come.
fn visited(service: Service, visits: usize, mut visit: impl FnMut(&Service)) -> Left {
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("lame-duck");
    for _ in 0..visits {
        pass(ms(100), "a rhythm");
        visit(&service);
    }
    service.left_in_good_order()
}

#[test]
fn a_connection_that_never_speaks_is_no_sign() {
    let mut checks = Vec::new();
    let left = visited(setup().serve(), 10, |service| {
        // The port may be closed by now: then it was no sign.
        checks.extend(TcpStream::connect(service.http));
    });
    let lasted = lame_duck_ms(&left);
    assert!((600..950).contains(&lasted), "{lasted} ms");
    assert_eq!(left.report["connections_after_t0"], 0);
    assert_eq!(left.report["last_connection_ms"], serde_json::Value::Null);
}

#[test]
fn a_new_connection_that_speaks_is_one() {
    let left = visited(setup().serve(), 10, |service| {
        service.get("/hello/new").expect(200, "Hello, new!");
    });
    let lasted = lame_duck_ms(&left);
    assert!(lasted >= 1_300, "{lasted} ms");
    assert_eq!(left.report["connections_after_t0"], 10);
}

#[test]
fn the_report_says_when_the_last_sign_was_and_whether_max_was_reached() {
    let quiet = visited(setup().serve(), 3, |service| {
        service.get("/hello/new").expect(200, "Hello, new!");
    });
    let last = quiet.report["last_sign_ms"].as_u64().unwrap();
    assert!((300..600).contains(&last), "{last} ms");
    assert_eq!(quiet.report["max_reached"], false);
    let busy = visited(setup().set("drain.max", "1s").serve(), 12, |service| {
        // The port may be closed by now.
        if let Ok(socket) = TcpStream::connect(service.http) {
            let _ = (&socket).write_all(get("/hello/new").as_bytes());
        }
    });
    assert_eq!(busy.report["max_reached"], true);
}

#[test]
fn a_first_request_on_an_old_connection_is_one() {
    let service = setup().serve();
    let mut pool: Vec<Wire> = (0..10).map(|_| service.connect()).collect();
    for wire in &mut pool {
        wire.ask(&get("/hello/old")).expect(200, "Hello, old!");
    }
    let left = visited(service, 10, |_| {
        let mut wire = pool.pop().unwrap();
        wire.ask(&get("/hello/old")).expect(200, "Hello, old!");
    });
    let lasted = lame_duck_ms(&left);
    assert!(lasted >= 1_300, "{lasted} ms");
    assert_eq!(left.report["connections_after_t0"], 0);
    assert!(left.report["last_request_ms"].as_u64().unwrap() >= 1_000);
}

#[test]
fn requests_for_ignored_paths_are_none() {
    let service = setup().set("drain.ignore", "[\"/hello/check\"]").serve();
    let mut kept = service.connect();
    kept.ask(&get("/hello/old")).expect(200, "Hello, old!");
    let mut answered = 0;
    let left = visited(service, 10, |service| {
        if TcpStream::connect(service.http).is_ok_and(|socket| {
            let response = Wire::new(socket).ask(&get("/hello/check?by=balancer"));
            response.head.status == 200
        }) {
            answered += 1;
        }
    });
    drop(kept);
    let lasted = lame_duck_ms(&left);
    assert!((600..950).contains(&lasted), "{lasted} ms");
    assert!(answered > 0);
    assert_eq!(left.report["connections_after_t0"], 0);
}

#[test]
fn where_some_paths_are_ignored_requests_for_others_are_signs() {
    let service = setup().set("drain.ignore", "[\"/hello/check\"]").serve();
    let left = visited(service, 10, |service| {
        service.get("/hello/new").expect(200, "Hello, new!");
    });
    assert!(lame_duck_ms(&left) >= 1_300);
    assert_eq!(left.report["connections_after_t0"], 10);
}

#[test]
fn a_connection_counts_by_its_accept_though_it_speaks_later() {
    let service = setup().serve();
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("lame-duck");
    let mut wire = service.connect();
    pass(ms(450), "it takes its time");
    wire.ask(&get("/hello/slow")).expect(200, "Hello, slow!");
    drop(wire);
    let left = service.left_in_good_order();
    let connected = left.report["last_connection_ms"].as_u64().unwrap();
    assert!(connected < 300, "{connected} ms");
    let lasted = lame_duck_ms(&left);
    assert!((600..950).contains(&lasted), "{lasted} ms");
}

#[test]
fn a_client_that_always_has_two_requests_under_way_is_told_once_the_process_drains() {
    let service = Setup::new().set("drain.patience", "1h").serve();
    let mut wire = service.connect();
    wire.send(get("/slow?ms=10"));
    wire.send(get("/slow?ms=10"));
    for _ in 0..20 {
        wire.response().expect(200, "awake");
        wire.send(get("/slow?ms=10"));
    }
    service.process.signal(Signal::SIGTERM);
    let told = until("the last response", || {
        let response = wire.response();
        response.expect(200, "awake");
        let _gone = wire.try_send(get("/slow?ms=10"));
        response.head.says_goodbye().then_some(response)
    });
    assert!(told.head.says_goodbye());
    wire.expect_fin();
    drop(wire);
    let left = service.left_in_good_order();
    assert_eq!(left.report["unanswered"], 1, "{}", left.report);
    assert_eq!(left.report["crossed"], 0);
}
