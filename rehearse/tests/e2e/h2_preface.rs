//! HTTP/2 beside HTTP/1.1: how it is chosen.

use crate::{
    h2_wire::{GOAWAY, PREFACE, Peer, SETTINGS_TIMEOUT, frame, head, headers},
    ms, pass,
    process::{Setup, Signal},
    wire::get,
};

#[test]
fn one_port_speaks_both_protocols() {
    let service = Setup::new().serve();
    let mut one = service.connect();
    let mut two = Peer::connect(service.http);
    for _ in 0..3 {
        one.ask(&get("/hello/one")).expect(200, "Hello, one!");
        two.ask("/hello/two").expect(200, "Hello, two!");
    }
    drop((one, two));
    service.stop();
}

#[test]
fn a_preface_in_pieces_is_a_preface() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    let greeting = [
        PREFACE,
        &frame(4, 0, 0, &[]),
        &headers(1, &head("GET", "/hello/bit"), true),
    ];
    for byte in greeting.concat() {
        wire.send([byte]);
        pass(ms(1), "each byte comes alone");
    }
    let mut peer = Peer::greeted(wire);
    peer.response(1).expect(200, "Hello, bit!");
    drop(peer);
    service.stop();
}

#[test]
fn what_only_begins_like_the_preface_is_a_request_of_http_1() {
    let service = Setup::new().serve();
    for request in [
        "PRI /hello/you HTTP/1.1\r\nhost: e2e\r\n\r\n",
        "PUT /hello/you HTTP/1.1\r\nhost: e2e\r\n\r\n",
    ] {
        assert_eq!(service.connect().ask(request).head.status, 404, "{request}");
    }
    let mut wire = service.connect();
    wire.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert_eq!(wire.head().status, 400);
    drop(wire);
    service.stop();
}

#[test]
fn an_upgrade_to_http_2_is_ignored() {
    let service = Setup::new().serve();
    let upgrade = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
    let request = format!("GET /hello/you HTTP/1.1\r\nhost: e2e\r\n{upgrade}\r\n");
    service.connect().ask(&request).expect(200, "Hello, you!");
    service.stop();
}

#[test]
fn half_a_preface_that_never_completes_is_ended() {
    let service = Setup::new().set("http.head_timeout", "300ms").serve();
    let mut wire = service.connect();
    wire.send(&PREFACE[..10]);
    wire.expect_fin();
    drop(wire);
    service.stop();
}

#[test]
fn a_client_that_sends_no_settings_is_ended() {
    let service = Setup::new().set("http.head_timeout", "300ms").serve();
    let mut wire = service.connect();
    wire.send(PREFACE);
    service.process.signal(Signal::SIGTERM);
    let mut said = Vec::new();
    while let Ok(byte) = wire.take(1) {
        said.extend(byte);
    }
    let last = [0_u32.to_be_bytes(), SETTINGS_TIMEOUT.to_be_bytes()].concat();
    assert!(said.ends_with(&frame(GOAWAY, 0, 0, &last)), "{said:?}");
    drop(wire);
    service.left_in_good_order();
}
