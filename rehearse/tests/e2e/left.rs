//! Clients that have sent their FIN while a request is at hand.

use crate::{
    gate::Gate,
    h2_wire::Peer,
    harness::Service,
    ms, pass,
    process::Setup,
    wire::{Wire, get},
};

/// A client whose request waits at the gate, and that has then sent its FIN.
fn half_closed(service: &Service, gate: &Gate, route: &str) -> (Wire, crate::gate::Waiting) {
    let mut wire = service.connect();
    wire.send(get(&gate.target(route)));
    let waiting = gate.waiting();
    wire.shut_down();
    (wire, waiting)
}

#[test]
fn a_client_that_has_sent_its_fin_still_gets_its_answer() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    for (route, answer) in [
        ("/gate", "let go"),
        ("/gated-stream", "a beginning, an end"),
        // It takes `Drain`, but its answer has an end.
        ("/poll", "news"),
    ] {
        let (mut wire, waiting) = half_closed(&service, &gate, route);
        pass(ms(100), "it is not forgotten");
        waiting.let_go();
        wire.response().expect(200, answer);
        wire.expect_fin();
    }
    service.stop();
}

#[test]
fn where_a_fin_is_the_end_a_handler_that_waits_is_dropped() {
    let service = Setup::new().set("http.half_close", "false").serve();
    let gate = Gate::new();
    for route in ["/gate", "/gated-stream", "/poll"] {
        let (_wire, _waiting) = half_closed(&service, &gate, route);
        service.wait_requests(0);
        service.wait_connections("open", 0);
    }
    service.stop();
}

#[test]
fn where_a_fin_is_the_end_what_has_been_answered_is_sent() {
    let service = Setup::new().set("http.half_close", "false").serve();
    let gate = Gate::new();
    let mut wire = Wire::connect_with_small_window(service.http);
    wire.send(get("/big?bytes=150000") + &get(&gate.target("/gate")));
    let _waiting = gate.waiting();
    wire.shut_down();
    service.wait_requests(0);
    assert_eq!(wire.response().body.len(), 150_000);
    wire.expect_fin();
    service.stop();
}

#[test]
fn a_client_that_leaves_a_quiet_event_stream_is_forgotten() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gated-events")));
    assert_eq!(wire.head().status, 200);
    assert_eq!(wire.chunk().unwrap(), b"tick\n");
    let _waiting = gate.waiting();
    service.wait_requests(1);
    drop(wire);
    service.wait_requests(0);
    service.wait_connections("open", 0);
    service.stop();
}

#[test]
fn a_client_of_http_2_that_leaves_a_quiet_event_stream_is_forgotten() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut peer = Peer::connect(service.http);
    peer.get(&gate.target("/gated-events"));
    let _waiting = gate.waiting();
    peer.round_trip();
    drop(peer);
    service.wait_requests(0);
    service.wait_connections("open", 0);
    service.stop();
}

#[test]
fn a_client_that_leaves_another_protocol_to_which_nobody_listens_is_forgotten() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    let upgrade = "\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    wire.send(get(&gate.target("/push")).replace("\r\n\r\n", upgrade));
    assert_eq!(wire.head().status, 101);
    assert_eq!(wire.take(5).unwrap(), b"tick\n");
    let _waiting = gate.waiting();
    drop(wire);
    service.wait_requests(0);
    service.wait_connections("open", 0);
    service.stop();
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_head_is_not_counted_as_unanswered() {
    let service = Setup::new().serve();
    for kept in [false, true] {
        let mut wire = service.connect();
        if kept {
            wire.ask(&get("/hello/you")).expect(200, "Hello, you!");
        }
        wire.send("GET /hello/you HTTP/1.1\r\nhost");
        wire.shut_down();
        wire.expect_fin();
    }
    let left = service.stop();
    assert_eq!(left.report["unanswered"], 0, "{}", left.report);
}
