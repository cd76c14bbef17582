//! Clients of HTTP/2 that want too much: their connection ends, and nobody else's.

use crate::{
    gate::Gate,
    h2_readers::slow_reader,
    h2_wire::{
        CONTINUATION, ENHANCE_YOUR_CALM, Event, Peer, REFUSED_STREAM, field, frame, head, headers,
        headers_begun, reset,
    },
    harness::Service,
    moments::at_every_moment_with,
    ms, pass,
    process::Setup,
    wire::get,
};

/// Others are served, before and after.
#[track_caller]
fn serves_others(service: Service) {
    service
        .connect()
        .ask(&get("/hello/other"))
        .expect(200, "Hello, other!");
    let mut peer = Peer::connect(service.http);
    peer.ask("/hello/other").expect(200, "Hello, other!");
    drop(peer);
    service.wait_connections("open", 0);
    service.wait_requests(0);
    service.stop();
}

#[test]
fn a_flood_of_resets_ends_its_connection_and_not_the_process() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let mut flood = Vec::new();
    for _ in 0..2_000 {
        let stream = peer.next_stream();
        flood.extend(headers(stream, &head("GET", "/never/7"), true));
        flood.extend(reset(stream));
    }
    // The end may come before all is sent.
    let _ = peer.wire.try_send(flood);
    peer.expect_end(ENHANCE_YOUR_CALM);
    drop(peer);
    serves_others(service);
}

#[test]
fn resets_that_come_once_the_handler_has_begun_are_limited_too() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let mut survived = 0;
    loop {
        let stream = peer.get("/never/7");
        peer.ping();
        if !matches!(peer.try_event(), Ok(Event::Pong)) {
            break;
        }
        peer.reset(stream);
        survived += 1;
        assert!(survived < 1_000, "it goes on for ever");
    }
    assert!(survived >= 200, "a client may change its mind: {survived}");
    peer.expect_end(ENHANCE_YOUR_CALM);
    drop(peer);
    serves_others(service);
}

#[test]
fn resets_between_requests_that_are_answered_are_let_pass() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    for _ in 0..500 {
        let stream = peer.get("/never/7");
        peer.ask("/hello/you").expect(200, "Hello, you!");
        peer.reset(stream);
    }
    peer.ask("/hello/you").expect(200, "Hello, you!");
    drop(peer);
    serves_others(service);
}

#[test]
fn a_flood_of_continuations_ends_its_connection() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.next_stream();
    let mut flood = headers_begun(stream, &head("GET", "/hello/you"));
    for _ in 0..1_000 {
        flood.extend(frame(CONTINUATION, 0, stream, &field("a", "b")));
    }
    let _ = peer.wire.try_send(flood);
    peer.expect_end(ENHANCE_YOUR_CALM);
    drop(peer);
    serves_others(service);
}

/// A head with this many fields of a thousand bytes, in one frame and its continuations.
fn large_head(stream: u32, fields: usize) -> Vec<u8> {
    let mut bytes = headers_begun(stream, &head("GET", "/hello/you"));
    let block = field("padding", &"x".repeat(960)).repeat(fields);
    let parts: Vec<&[u8]> = block.chunks(16_000).collect();
    for (number, part) in parts.iter().enumerate() {
        let end = if number + 1 == parts.len() { 4 } else { 0 };
        bytes.extend(frame(CONTINUATION, end, stream, part));
    }
    bytes
}

#[test]
fn a_head_that_is_too_large_is_refused_and_the_connection_lives_on() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let small = peer.next_stream();
    peer.wire.send(large_head(small, 50));
    peer.response(small).expect(200, "Hello, you!");
    let large = peer.next_stream();
    peer.wire.send(large_head(large, 70));
    // 431, which has no number in the static table.
    let refusal = Event::Head {
        stream: large,
        status: 0,
        end: true,
    };
    while peer.event() != refusal {}
    peer.ask("/hello/again").expect(200, "Hello, again!");
    drop(peer);
    serves_others(service);
}

#[test]
fn a_head_without_end_ends_its_connection() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.next_stream();
    let _ = peer.wire.try_send(large_head(stream, 1_000));
    peer.expect_end(ENHANCE_YOUR_CALM);
    drop(peer);
    serves_others(service);
}

#[test]
fn streams_beyond_the_limit_are_refused_and_the_others_served() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let open: Vec<u32> = (0..100).map(|_| peer.get("/never/7")).collect();
    let refused = peer.get("/hello/you");
    assert_eq!(
        peer.event(),
        Event::Reset {
            stream: refused,
            code: REFUSED_STREAM
        }
    );
    peer.reset(open[0]);
    peer.ask("/hello/room").expect(200, "Hello, room!");
    drop(peer);
    serves_others(service);
}

#[test]
fn a_flood_of_empty_frames_ends_its_connection() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.open(&head("GET", "/never/7"), false);
    let flood = frame(0, 0, stream, &[]).repeat(20_000);
    let _ = peer.wire.try_send(flood);
    peer.expect_end(ENHANCE_YOUR_CALM);
    drop(peer);
    serves_others(service);
}

#[test]
fn half_a_body_that_never_completes_gets_408_and_holds_no_drain() {
    at_every_moment_with(
        |setup| setup.set("http.body_timeout", "300ms"),
        |service| {
            let mut peer = Peer::connect(service.http);
            let other = peer.post("/upload");
            (peer, other)
        },
        |(peer, other), _| {
            let late = peer.post("/upload");
            peer.data(late, b"01234", false);
            // 408, which has no number in the static table.
            let refused = Event::Head {
                stream: late,
                status: 0,
                end: false,
            };
            while !peer.seen.contains(&refused) {
                if peer.wire.is_silent() {
                    peer.data(*other, &[b'x'; 1024], false);
                    pass(ms(30), "slow, and not too slow");
                } else if let Event::Ping(ping) = peer.frame() {
                    peer.pong(ping);
                }
            }
            peer.data(*other, &[], true);
            assert_eq!(peer.response(*other).status, 200);
        },
    );
}

#[test]
fn a_body_that_comes_byte_by_byte_is_late_only_where_it_has_a_rate() {
    let service = Setup::new().set("http.body_timeout", "300ms").serve();
    let mut peer = Peer::connect(service.http);
    let slow = peer.post("/upload");
    let refused = peer.post("/brisk/upload");
    let mut sent = 0;
    let refusal = |event: &Event| matches!(event, Event::Head { stream, .. } if *stream == refused);
    while sent < 60 || !peer.seen.iter().any(refusal) {
        assert!(sent < 3_000, "the rate has no effect");
        peer.data(slow, b"x", false);
        if !peer.seen.iter().any(refusal) {
            peer.data(refused, b"x", false);
        }
        sent += 1;
        pass(ms(20), "a body that comes byte by byte");
        peer.round_trip();
    }
    peer.data(slow, &[], true);
    let crc32 = crc32fast::hash(&vec![b'x'; sent]);
    peer.response(slow)
        .expect(200, &format!("{sent} {crc32:08x}"));
    drop(peer);
    serves_others(service);
}

/// Frames without a byte of the body do not move it.
#[test]
fn a_body_of_empty_frames_stands_still() {
    let service = Setup::new().set("http.body_timeout", "300ms").serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.post("/upload");
    peer.data(stream, b"01234", false);
    let refusal = |event: &Event| matches!(event, Event::Head { .. });
    for _ in 0..100 {
        if peer.seen.iter().any(refusal) {
            break;
        }
        peer.data(stream, &[], false);
        pass(ms(20), "an empty frame now and then");
        peer.round_trip();
    }
    assert!(peer.seen.iter().any(refusal), "it was waited for");
    drop(peer);
    serves_others(service);
}

#[test]
fn a_handler_that_is_busy_makes_no_client_slow() {
    let service = Setup::new().set("http.body_timeout", "300ms").serve();
    let gate = Gate::new();
    let mut peer = Peer::connect(service.http);
    let stream = peer.post(&gate.target("/gated-upload"));
    peer.data(stream, b"01234", false);
    let waiting = gate.waiting();
    pass(ms(700), "longer than a body may take");
    waiting.let_go();
    peer.data(stream, b"56789", true);
    peer.response(stream).expect(200, "10 a684c7c6");
    drop(peer);
    serves_others(service);
}

#[test]
fn a_client_that_keeps_its_window_shut_is_ended_after_the_keep_alive_time() {
    let service = Setup::new().set("http.keep_alive", "500ms").serve();
    let mut peer = Peer::connect(service.http);
    peer.reads = false;
    peer.get("/flood");
    peer.expect_end(ENHANCE_YOUR_CALM);
    drop(peer);
    serves_others(service);
}

#[test]
fn a_client_that_takes_nothing_is_ended_after_the_keep_alive_time() {
    let service = Setup::new().set("http.keep_alive", "500ms").serve();
    let mut peer = slow_reader(&service);
    peer.get("/flood");
    service.wait_connections("open", 0);
    while peer.try_event().is_ok() {}
    drop(peer);
    serves_others(service);
}

#[test]
fn a_client_that_takes_a_little_now_and_then_is_served() {
    let service = Setup::new().set("http.keep_alive", "1500ms").serve();
    let mut peer = slow_reader(&service);
    peer.get("/flood");
    for _ in 0..20 {
        pass(
            ms(200),
            "far more slowly than the kernel's buffers ask for more",
        );
        peer.wire.take(4096).unwrap();
    }
    assert_eq!(service.status()["connections"]["open"], 1);
    drop(peer);
    serves_others(service);
}

#[test]
fn a_stream_that_has_nothing_to_say_is_not_a_client_that_takes_nothing() {
    let service = Setup::new().set("http.keep_alive", "300ms").serve();
    let gate = Gate::new();
    let mut peer = Peer::connect(service.http);
    let stream = peer.get(&gate.target("/gated-stream"));
    let waiting = gate.waiting();
    pass(ms(1_000), "longer than a silent connection is kept");
    waiting.let_go();
    peer.response(stream).expect(200, "a beginning, an end");
    drop(peer);
    serves_others(service);
}

#[test]
fn what_breaks_the_protocol_ends_its_connection() {
    let service = Setup::new().serve();
    for broken in [
        frame(0, 0, 99, b"data without a head"),
        frame(6, 0, 0, b"short"),
        vec![0xff; 64],
    ] {
        let mut peer = Peer::connect(service.http);
        peer.ask("/hello/first").expect(200, "Hello, first!");
        let _ = peer.wire.try_send(broken);
        while peer.try_event().is_ok() {}
        assert!(
            peer.seen
                .iter()
                .any(|event| matches!(event, Event::Goaway { code: 1.., .. }))
        );
    }
    serves_others(service);
}
