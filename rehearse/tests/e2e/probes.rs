//! What probes see in each phase.

use std::net::{SocketAddr, TcpStream};

use crate::{
    gate::{Gate, Waiting},
    harness::Service,
    process::{Setup, Signal, own_ip},
    until,
    wire::{Wire, get},
};

/// `/livez`, `/readyz`, `/healthz`.
#[track_caller]
fn expect(admin: SocketAddr, statuses: [u16; 3]) {
    let answers = ["/livez", "/readyz", "/healthz"]
        .map(|probe| Wire::connect(admin).ask(&get(probe)).head.status);
    assert_eq!(answers, statuses);
}

#[test]
fn while_it_starts_a_process_is_alive_and_not_ready() {
    let admin = SocketAddr::new(own_ip(), 9090);
    let setup = Setup::new().set("admin.address", &admin.to_string());
    let process = setup.set("service.start", "block").spawn();
    until("the admin listener", || TcpStream::connect(admin).ok());
    expect(admin, [200, 503, 503]);
    process.signal(Signal::SIGTERM);
    assert_eq!(process.end().code, Some(0));
}

#[track_caller]
fn the_probes_follow_the_phases(readiness: &str, in_the_lame_duck: [u16; 3]) {
    let service = Setup::held().set("lifecycle.readiness", readiness).serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    expect(service.admin, [200, 200, 200]);
    service.begin_lame_duck();
    expect(service.admin, in_the_lame_duck);
    service.begin_draining();
    // The public listener has gone, the admin listener is there until the end.
    expect(service.admin, [200, 503, 503]);
    waiting.let_go();
    wire.response().expect(200, "let go");
    drop(wire);
    service.left_in_good_order();
}

#[test]
fn readiness_passes_in_the_lame_duck() {
    the_probes_follow_the_phases("serving", [200, 200, 503]);
}

#[test]
fn readiness_fails_from_t0_where_that_is_wanted() {
    the_probes_follow_the_phases("fail-at-drain", [200, 503, 503]);
}

#[test]
fn the_admin_listener_keeps_its_connections_through_the_drain() {
    let service = Setup::held().serve();
    let mut scraper = Wire::connect(service.admin);
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    assert_eq!(scraper.ask(&get("/metrics")).head.status, 200);
    service.begin_draining();
    let response = scraper.ask(&get("/metrics"));
    assert!(!response.head.says_goodbye());
    assert!(
        response.text().contains("\nlastcall_phase 3\n"),
        "{}",
        response.text()
    );
    waiting.let_go();
    wire.response().expect(200, "let go");
    wire.expect_fin();
    drop(wire);
    scraper.expect_fin();
    service.left_in_good_order();
}

#[test]
fn head_is_answered_as_get_is_but_for_the_body() {
    // `wget --spider` and HAProxy's `httpchk HEAD` ask so.
    let service = Setup::held().serve();
    let ask = |path: &str| {
        let mut wire = Wire::connect(service.admin);
        wire.send(format!(
            "HEAD {path} HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n\r\n"
        ));
        let status = wire.head().status;
        // A body would be there instead.
        wire.expect_fin();
        status
    };
    for path in ["/livez", "/readyz", "/healthz", "/metrics", "/status"] {
        assert_eq!(ask(path), 200, "{path}");
    }
    service.begin_lame_duck();
    assert_eq!(ask("/healthz"), 503);
    assert_eq!(ask("/livez"), 200);
    service.stop();
}

#[track_caller]
fn expect_workers(service: &Service, count: u64, blocked: u64) {
    let workers = service.status()["workers"].clone();
    let counts = (&workers["count"], &workers["blocked"]);
    assert_eq!(counts, (&count.into(), &blocked.into()), "{workers}");
    let metric = format!("\nlastcall_workers_blocked {blocked}\n");
    let page = service.admin("/metrics").text();
    assert!(page.contains(&metric), "{page}");
}

#[test]
fn blocked_workers_are_shown_and_liveness_fails_where_that_is_wanted() {
    for (live_within, status) in [(None, 200), (Some("400ms"), 503)] {
        let setup = Setup::new();
        let setup = live_within.into_iter().fold(setup, |setup, time| {
            setup.set("lifecycle.live_within", time)
        });
        let service = setup.serve();
        expect_workers(&service, 2, 0);
        let [first, second] = [Gate::new(), Gate::new()].map(|gate| {
            let mut wire = service.connect();
            wire.send(get(&gate.target("/block")));
            (gate.waiting(), wire)
        });
        expect_workers(&service, 2, 2);
        until("a silence longer than is allowed", || {
            let silent_ms = service.status()["workers"]["silent_ms"].as_u64().unwrap();
            (silent_ms > 400).then_some(())
        });
        let page = service.admin("/metrics").text();
        let silent = "\nlastcall_workers_silent_seconds ";
        let (_, seconds) = page.split_once(silent).expect(silent);
        let seconds: f64 = seconds.lines().next().unwrap().parse().unwrap();
        assert!(seconds > 0.4, "{seconds}");
        assert_eq!(service.admin("/livez").head.status, status);

        // One that answers is enough.
        let let_go = |(waiting, mut wire): (Waiting, Wire)| {
            waiting.let_go();
            wire.response().expect(200, "let go");
        };
        let_go(first);
        expect_workers(&service, 2, 1);
        assert_eq!(service.admin("/livez").head.status, 200);
        let_go(second);
        expect_workers(&service, 2, 0);
        service.stop();
    }
}
