//! Requests and goodbyes that cross on a network that takes time.

use std::io::ErrorKind;

use crate::{
    delayed::{Delayed, delayed},
    h2_wire::{Event, NO_ERROR, Peer},
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
    wire::{Wire, get, post},
};

/// A client that has had a response, of a process with no patience, so that its drain ends it.
fn idle(network: &Delayed) -> (Service, Wire) {
    let service = network.within_reach(Setup::new()).serve();
    let mut wire = network.connect(&service);
    wire.ask(&get("/hello/first")).expect(200, "Hello, first!");
    (service, wire)
}

/// Its end is on its way, and not one byte has come back.
#[track_caller]
fn is_lost(wire: &mut Wire) {
    let end = wire.try_response().unwrap_err();
    assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_request_that_crosses_the_end_of_its_idle_connection_is_counted() {
    for request in [get("/hello/lost"), format!("{}12345", post("/upload", 5))] {
        delayed(ms(150), |network| {
            let (service, mut wire) = idle(network);
            service.process.signal(Signal::SIGTERM);
            network.wait_fin_on_its_way(&wire);
            wire.send(&request);
            is_lost(&mut wire);
            drop(wire);
            // The client's loss, and neither a cut nor an exit code: it happens under any rule.
            assert_eq!(service.left_in_good_order().report["crossed"], 1);
        });
    }
}

#[test]
fn two_pieces_of_one_request_are_one_that_crossed() {
    delayed(ms(150), |network| {
        let (service, mut wire) = idle(network);
        service.process.signal(Signal::SIGTERM);
        network.wait_fin_on_its_way(&wire);
        wire.send("GET /hello/lost HTTP/1.1\r\n");
        pass(ms(30), "each piece is read by itself");
        wire.send("host: e2e\r\n\r\n");
        is_lost(&mut wire);
        drop(wire);
        assert_eq!(service.left_in_good_order().report["crossed"], 1);
    });
}

#[test]
fn line_ends_that_cross_are_no_request() {
    delayed(ms(150), |network| {
        let (service, mut wire) = idle(network);
        service.process.signal(Signal::SIGTERM);
        network.wait_fin_on_its_way(&wire);
        wire.send("\r\n");
        is_lost(&mut wire);
        drop(wire);
        assert_eq!(service.left_in_good_order().report["crossed"], 0);
    });
}

#[test]
fn what_crosses_the_end_that_keep_alive_makes_is_counted_too() {
    delayed(ms(150), |network| {
        let setup = Setup::new().set("http.keep_alive", "500ms");
        let service = network.within_reach(setup).serve();
        let mut wire = network.connect(&service);
        wire.ask(&get("/hello/first")).expect(200, "Hello, first!");
        network.wait_fin_on_its_way(&wire);
        wire.send(get("/hello/lost"));
        is_lost(&mut wire);
        drop(wire);
        service.wait_connections("open", 0);
        service.process.signal(Signal::SIGTERM);
        assert_eq!(service.left_in_good_order().report["crossed"], 1);
    });
}

/// Its head is older than the goodbye, so its client does not know that the connection ends with it.
#[test]
fn a_request_that_crosses_the_end_of_an_event_stream_is_counted() {
    delayed(ms(150), |network| {
        let service = network.within_reach(Setup::new()).serve();
        let mut wire = network.connect(&service);
        wire.send(get("/events"));
        assert!(!wire.head().says_goodbye());
        service.process.signal(Signal::SIGTERM);
        network.wait_fin_on_its_way(&wire);
        wire.send(get("/hello/lost"));
        while wire.chunk().is_some() {}
        is_lost(&mut wire);
        drop(wire);
        assert_eq!(service.left_in_good_order().report["crossed"], 1);
    });
}

#[test]
fn what_follows_an_announced_end_has_not_crossed_it() {
    delayed(ms(150), |network| {
        let service = network.within_reach(Setup::held()).serve();
        let mut wire = network.connect(&service);
        service.begin_lame_duck();
        let response = wire.ask(&get("/hello/told"));
        assert!(response.head.says_goodbye());
        // After a goodbye a client sends nothing more (RFC 9112, 9.6); this one has lost nothing
        // that it was not told of.
        wire.send(get("/hello/deaf"));
        wire.expect_fin();
        drop(wire);
        service.process.signal(Signal::SIGINT);
        assert_eq!(service.left_in_good_order().report["crossed"], 0);
    });
}

#[test]
fn who_asks_before_patience_ends_loses_nothing_however_late_it_arrives() {
    delayed(ms(150), |network| {
        let setup = Setup::new().set("drain.patience", "1h");
        let service = network.within_reach(setup).serve();
        let mut wire = network.connect(&service);
        wire.ask(&get("/hello/first")).expect(200, "Hello, first!");
        service.process.signal(Signal::SIGTERM);
        service.wait_phase("draining");
        pass(ms(400), "without patience its end would have come by now");
        let response = wire.ask(&get("/hello/late"));
        response.expect(200, "Hello, late!");
        assert!(response.head.says_goodbye());
        wire.expect_fin();
        drop(wire);
        assert_eq!(service.left_in_good_order().report["crossed"], 0);
    });
}

#[test]
fn a_stream_that_crosses_the_first_goaway_is_served() {
    delayed(ms(150), |network| {
        let service = network.within_reach(Setup::new()).serve();
        let mut peer = Peer::greet(network.connect(&service), &[]);
        peer.ask("/hello/first").expect(200, "Hello, first!");
        network.wait_nothing_on_its_way(&peer.wire);
        service.process.signal(Signal::SIGTERM);
        // The GOAWAY, of which this client does not know.
        network.wait_something_on_its_way(&peer.wire);
        let stream = peer.get("/hello/crossing");
        peer.response(stream).expect(200, "Hello, crossing!");
        peer.expect_end(NO_ERROR);
        let last = Event::Goaway {
            last: stream,
            code: NO_ERROR,
        };
        assert!(peer.seen.contains(&last), "{:?}", peer.seen);
        drop(peer);
        service.left_in_good_order();
    });
}
