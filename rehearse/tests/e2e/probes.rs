//! What probes see in each phase.

use std::net::{SocketAddr, TcpStream};

use crate::{
    gate::Gate,
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
