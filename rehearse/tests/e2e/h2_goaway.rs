//! HTTP/2's goodbye: two GOAWAYs, with a round trip between them.

use std::time::Instant;

use crate::{
    gate::Gate,
    h2_wire::{ALL, Event, NO_ERROR, Peer},
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
};

const TOLD: Event = Event::Goaway {
    last: ALL,
    code: NO_ERROR,
};

/// A client that has had a response.
#[track_caller]
fn regular(service: &Service) -> Peer {
    let mut peer = Peer::connect(service.http);
    peer.ask("/hello/first").expect(200, "Hello, first!");
    peer
}

#[test]
fn an_idle_connection_is_told_in_two_steps_and_leaves_in_the_lame_duck() {
    let service = Setup::telling().serve();
    let mut peer = regular(&service);
    service.begin_lame_duck();
    let ping = peer.expect_told();
    pass(ms(100), "the second step waits for the answer");
    assert!(peer.wire.is_silent());
    peer.pong(ping);
    peer.expect_last(1, NO_ERROR);
    peer.wire.expect_fin();
    drop(peer);
    service.wait_connections("open", 0);
    assert_eq!(service.status()["phase"], "lame-duck");
    service.stop();
}

#[test]
fn nobody_is_told_before_t0() {
    let service = Setup::held().serve();
    let mut peer = regular(&service);
    for _ in 0..3 {
        peer.ask("/hello/you").expect(200, "Hello, you!");
    }
    peer.round_trip();
    let told = peer
        .seen
        .iter()
        .any(|event| matches!(event, Event::Goaway { .. }));
    assert!(!told, "{:?}", peer.seen);
    drop(peer);
    service.stop();
}

/// Whether the client has been told by now.
fn is_told(peer: &mut Peer) -> bool {
    peer.round_trip();
    peer.seen.contains(&TOLD)
}

#[test]
fn nobody_is_told_before_min_has_passed_and_everybody_when_the_process_drains() {
    let service = Setup::held().serve();
    let mut old = regular(&service);
    service.begin_lame_duck();
    let mut new = regular(&service);
    pass(ms(200), "clients go on asking");
    for peer in [&mut old, &mut new] {
        peer.ask("/hello/again").expect(200, "Hello, again!");
        assert!(!is_told(peer));
    }
    service.process.signal(Signal::SIGINT);
    for mut peer in [old, new] {
        peer.expect_to_be_left(3);
    }
    service.left_in_good_order();
}

#[test]
fn who_is_there_when_min_has_passed_is_told_then_and_the_port_stays_open_for_quiet() {
    let setup = Setup::held().set("drain.min", "700ms");
    let service = setup.set("drain.quiet", "600ms").serve();
    let mut peer = regular(&service);
    service.begin_lame_duck();
    let began = Instant::now();
    let ping = peer.expect_told();
    assert!(began.elapsed() > ms(500), "{:?}", began.elapsed());
    peer.pong(ping);
    peer.expect_last(1, NO_ERROR);
    peer.wire.expect_fin();
    // Who is still sent here comes back.
    Peer::connect(service.http)
        .ask("/hello/back")
        .expect(200, "Hello, back!");
    let report = service.left_in_good_order().report;
    let lame_duck = report["lame_duck_ms"].as_u64().unwrap();
    assert!(lame_duck >= 1_300, "{lame_duck} ms");
}

#[test]
fn without_clients_of_http_2_the_lame_duck_ends_after_min() {
    let setup = Setup::held().set("drain.min", "700ms");
    let service = setup.set("drain.quiet", "600ms").serve();
    let peer = regular(&service);
    drop(peer);
    service.wait_connections("open", 0);
    service.process.signal(Signal::SIGTERM);
    let report = service.left_in_good_order().report;
    let lame_duck = report["lame_duck_ms"].as_u64().unwrap();
    assert!((700..1_300).contains(&lame_duck), "{lame_duck} ms");
}

/// Half of `drain.quiet`, which is four seconds here, after its first response, and not before.
#[track_caller]
fn is_told_after_its_first_response(service: Service, mut peer: Peer) {
    pass(ms(500), "a client is not told before it has asked");
    assert!(!is_told(&mut peer));
    let stream = peer.get("/hello/new");
    peer.response(stream).expect(200, "Hello, new!");
    let answered = Instant::now();
    assert!(!is_told(&mut peer));
    let ping = peer.expect_told();
    assert!(answered.elapsed() > ms(1_800), "{:?}", answered.elapsed());
    assert_eq!(service.status()["phase"], "lame-duck");
    peer.pong(ping);
    peer.expect_last(stream, NO_ERROR);
    peer.wire.expect_fin();
    drop(peer);
    service.stop();
}

#[test]
fn a_newcomer_after_min_is_told_half_of_quiet_after_its_first_response() {
    let service = Setup::telling().set("drain.quiet", "4s").serve();
    service.begin_lame_duck();
    let peer = Peer::connect(service.http);
    is_told_after_its_first_response(service, peer);
}

#[test]
fn a_connection_that_has_not_asked_when_min_has_passed_is_told_like_a_newcomer() {
    let service = Setup::telling().set("drain.quiet", "4s").serve();
    let mut peer = Peer::connect(service.http);
    peer.round_trip();
    service.begin_lame_duck();
    is_told_after_its_first_response(service, peer);
}

#[test]
fn a_connection_whose_first_response_is_under_way_in_the_drain_is_told_after_it() {
    let service = Setup::held().serve();
    let gate = Gate::new();
    let mut peer = Peer::connect(service.http);
    let stream = peer.get(&gate.target("/gate"));
    let waiting = gate.waiting();
    service.begin_lame_duck();
    service.begin_draining();
    peer.round_trip();
    assert_eq!(peer.seen, [Event::Pong]);
    waiting.let_go();
    peer.response(stream).expect(200, "let go");
    peer.expect_to_be_left(1);
    drop(peer);
    service.left_in_good_order();
}

#[test]
fn streams_that_cross_the_first_goaway_are_served() {
    let service = Setup::telling().serve();
    let mut peer = regular(&service);
    service.begin_lame_duck();
    let ping = peer.expect_told();
    // As a client that has not read it yet.
    let crossing: Vec<u32> = (0..10).map(|_| peer.get("/hello/crossing")).collect();
    let last = crossing[9];
    peer.pong(ping);
    for stream in crossing {
        peer.response(stream).expect(200, "Hello, crossing!");
    }
    peer.expect_to_be_left(last);
    drop(peer);
    service.stop();
}

#[test]
fn open_streams_are_finished_through_the_whole_drain() {
    let service = Setup::telling().serve();
    let gate = Gate::new();
    let mut peer = regular(&service);
    let streams: Vec<u32> = (0..5).map(|_| peer.get(&gate.target("/gate"))).collect();
    let waiting: Vec<_> = streams.iter().map(|_| gate.waiting()).collect();
    service.begin_lame_duck();
    let ping = peer.expect_told();
    peer.pong(ping);
    peer.expect_last(streams[4], NO_ERROR);
    service.begin_draining();
    pass(ms(200), "what is open stays open");
    assert!(peer.wire.is_silent());
    drop(waiting);
    for stream in streams {
        peer.response(stream).expect(200, "let go");
    }
    peer.wire.expect_fin();
    drop(peer);
    service.left_in_good_order();
}

#[test]
fn one_long_stream_keeps_its_connection_until_its_end() {
    let service = Setup::held().serve();
    let mut peer = regular(&service);
    let long = peer.get("/trickle?chunks=40&every_ms=25");
    let short = peer.get("/hello/short");
    peer.response(short).expect(200, "Hello, short!");
    service.begin_lame_duck();
    service.begin_draining();
    peer.response(long).expect(200, &"tick\n".repeat(40));
    peer.expect_to_be_left(short);
    drop(peer);
    service.left_in_good_order();
}

#[test]
fn a_stream_that_listens_to_the_drain_ends_itself() {
    let service = Setup::held().serve();
    let mut peer = regular(&service);
    let events = peer.get("/events");
    while !matches!(peer.event(), Event::Data { .. }) {}
    service.begin_lame_duck();
    service.begin_draining();
    let response = peer.response(events);
    assert!(response.body.ends_with(b"bye\n"));
    peer.expect_to_be_left(events);
    drop(peer);
    let report = service.left_in_good_order().report;
    assert_eq!(report["streams_told"], 1);
}

#[test]
fn a_client_that_never_answers_the_ping_holds_no_drain() {
    let service = Setup::telling().serve();
    let mut peer = regular(&service);
    service.begin_lame_duck();
    peer.expect_told();
    service.process.signal(Signal::SIGINT);
    peer.expect_last(1, NO_ERROR);
    peer.wire.expect_fin();
    drop(peer);
    service.left_in_good_order();
}

#[test]
fn a_client_that_never_answers_the_ping_has_its_streams_finished() {
    let service = Setup::telling().serve();
    let gate = Gate::new();
    let mut peer = regular(&service);
    let stream = peer.get(&gate.target("/gate"));
    let waiting = gate.waiting();
    service.begin_lame_duck();
    peer.expect_told();
    service.begin_draining();
    pass(ms(1_500), "longer than a round trip may take");
    assert!(peer.wire.is_silent());
    waiting.let_go();
    peer.response(stream).expect(200, "let go");
    peer.expect_last(stream, NO_ERROR);
    peer.wire.expect_fin();
    drop(peer);
    service.left_in_good_order();
}

#[test]
fn a_connection_that_never_asks_is_ended_and_not_counted_as_cut() {
    for asks_for_nothing in [true, false] {
        let service = Setup::held().serve();
        let mut peer = Peer::connect(service.http);
        peer.round_trip();
        service.begin_lame_duck();
        service.process.signal(Signal::SIGINT);
        let ping = peer.expect_told();
        if asks_for_nothing {
            peer.pong(ping);
        }
        peer.expect_last(0, NO_ERROR);
        peer.wire.expect_fin();
        drop(peer);
        service.left_in_good_order();
    }
}

#[test]
fn one_that_was_opened_just_before_the_fence_and_asks_later_is_served() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    pass(ms(20), "the client connects just before the fence ...");
    service.process.signal(Signal::SIGTERM);
    pass(ms(350), "... and takes its time to ask");
    assert_eq!(peer.seen, []);
    peer.ask("/hello/late").expect(200, "Hello, late!");
    peer.expect_to_be_left(1);
    drop(peer);
    service.left_in_good_order();
}

#[test]
fn a_client_that_says_goodbye_itself_still_gets_its_responses() {
    let service = Setup::held().serve();
    let gate = Gate::new();
    let mut peer = regular(&service);
    let stream = peer.get(&gate.target("/gate"));
    let waiting = gate.waiting();
    peer.goaway();
    peer.round_trip();
    waiting.let_go();
    peer.response(stream).expect(200, "let go");
    drop(peer);
    service.wait_connections("open", 0);
    service.stop();
}
