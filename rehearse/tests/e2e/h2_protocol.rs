//! HTTP/2: requests, responses, and what ends them.

use crate::{
    gate::Gate,
    h2_wire::{
        ENHANCE_YOUR_CALM, Event, HTTP_1_1_REQUIRED, INTERNAL_ERROR, NO_ERROR, Peer, field, head,
        headers,
    },
    moments::at_every_moment,
    ms, pass,
    process::{Setup, Signal},
};

#[test]
fn half_a_head_that_never_completes_is_ended_and_holds_no_drain() {
    let service = Setup::new().set("http.head_timeout", "500ms").serve();
    let mut peer = Peer::connect(service.http);
    peer.ask("/hello/first").expect(200, "Hello, first!");
    let half = headers(3, &head("GET", "/hello/half"), true);
    peer.wire.send(&half[..half.len() - 1]);
    service.wait_connections("in_flight", 1);
    service.process.signal(Signal::SIGTERM);
    peer.expect_end(ENHANCE_YOUR_CALM);
    service.left_in_good_order();
}

#[test]
fn half_a_head_that_is_completed_later_is_served() {
    at_every_moment(
        |service| {
            let mut peer = Peer::connect(service.http);
            peer.ask("/hello/first").expect(200, "Hello, first!");
            let stream = peer.next_stream();
            let half = headers(stream, &head("GET", "/hello/half"), true);
            peer.wire.send(&half[..12]);
            service.wait_connections("in_flight", 1);
            (peer, half)
        },
        |(peer, half), _| {
            peer.wire.send(&half[12..]);
            peer.response(3).expect(200, "Hello, half!");
        },
    );
}

#[test]
fn a_connection_without_streams_is_told_to_leave_after_keep_alive() {
    let service = Setup::new().set("http.keep_alive", "300ms").serve();
    let mut peer = Peer::connect(service.http);
    let long = peer.get("/trickle?chunks=60&every_ms=10");
    peer.response(long).expect(200, &"tick\n".repeat(60));
    let ping = peer.expect_told();
    peer.pong(ping);
    peer.expect_last(1, NO_ERROR);
    peer.wire.expect_fin();
    let mut mute = Peer::connect(service.http);
    mute.expect_told();
    mute.expect_last(0, NO_ERROR);
    mute.wire.expect_fin();
    drop((peer, mute));
    service.wait_connections("open", 0);
    service.stop();
}

#[test]
fn a_body_is_served_at_every_moment_and_its_trailers_do_no_harm() {
    at_every_moment(
        |service| {
            let mut peer = Peer::connect(service.http);
            let stream = peer.post("/upload");
            peer.data(stream, b"01234", false);
            (peer, stream)
        },
        |(peer, stream), _| {
            peer.data(*stream, b"56789", false);
            let trailers = field("checksum", "a684c7c6");
            peer.wire.send(headers(*stream, &trailers, true));
            peer.response(*stream).expect(200, "10 a684c7c6");
        },
    );
}

#[test]
fn a_body_that_waits_to_be_asked_for_is_asked_for() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let head = [head("POST", "/upload"), field("expect", "100-continue")].concat();
    let stream = peer.open(&head, false);
    let go_on = Event::Head {
        stream,
        status: 0,
        end: false,
    };
    assert_eq!(peer.event(), go_on);
    peer.data(stream, b"0123456789", true);
    peer.response(stream).expect(200, "10 a684c7c6");
    drop(peer);
    service.stop();
}

fn expecting(path: &str) -> Vec<u8> {
    [head("POST", path), field("expect", "100-continue")].concat()
}

/// An interim response, or a final one without a number in the static table.
fn interim(stream: u32) -> Event {
    Event::Head {
        stream,
        status: 0,
        end: false,
    }
}

#[test]
fn a_body_is_asked_for_when_the_handler_asks_for_it() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut peer = Peer::connect(service.http);
    let stream = peer.open(&expecting(&gate.target("/gated-upload")), false);
    let waiting = gate.waiting();
    peer.round_trip();
    assert_eq!(peer.seen, [Event::Pong], "nobody wants it yet");
    waiting.let_go();
    assert_eq!(peer.event(), interim(stream));
    peer.data(stream, b"0123456789", true);
    peer.response(stream).expect(200, "10 a684c7c6");
    drop(peer);
    service.stop();
}

#[test]
fn a_body_that_nobody_wants_is_not_asked_for() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    for (path, status) in [("/nowhere", 404), ("/ignore", 200)] {
        let stream = peer.open(&expecting(path), false);
        assert_eq!(peer.response(stream).status, status);
    }
    peer.round_trip();
    let is_interim = |event: &&Event| matches!(event, Event::Head { status: 0, .. });
    assert_eq!(peer.seen.iter().find(is_interim), None);
    peer.ask("/hello/again").expect(200, "Hello, again!");
    drop(peer);
    service.stop();
}

#[test]
fn a_body_that_comes_unasked_is_not_asked_for() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut peer = Peer::connect(service.http);
    let stream = peer.open(&expecting(&gate.target("/gated-upload")), false);
    let waiting = gate.waiting();
    peer.data(stream, b"01234", false);
    peer.round_trip();
    waiting.let_go();
    peer.data(stream, b"56789", true);
    peer.response(stream).expect(200, "10 a684c7c6");
    let interims = peer.seen.iter().filter(|event| **event == interim(stream));
    assert_eq!(interims.count(), 0, "{:?}", peer.seen);
    drop(peer);
    service.stop();
}

#[test]
fn a_response_that_sends_the_body_back_asks_for_it_before_its_head() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.open(&expecting("/reflect"), false);
    assert_eq!(peer.event(), interim(stream));
    peer.data(stream, b"0123456789", true);
    peer.response(stream).expect(200, "0123456789");
    drop(peer);
    service.stop();
}

#[test]
fn a_response_to_head_has_no_body_and_ends_its_stream() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.open(&head("HEAD", "/nowhere"), true);
    assert_eq!(
        peer.event(),
        Event::Head {
            stream,
            status: 404,
            end: true
        }
    );
    drop(peer);
    service.stop();
}

#[test]
fn a_panic_is_a_500_on_its_own_stream() {
    let service = Setup::new().set("http.workers", "1").serve();
    let gate = Gate::new();
    let mut peer = Peer::connect(service.http);
    let other = peer.get(&gate.target("/gate"));
    let waiting = gate.waiting();
    let panic = peer.ask("/panic");
    assert_eq!(panic.status, 500);
    assert!(!panic.body.is_empty());
    let in_body = peer.get("/panic-in-body");
    let reset = Event::Reset {
        stream: in_body,
        code: INTERNAL_ERROR,
    };
    while peer.event() != reset {}
    waiting.let_go();
    peer.response(other).expect(200, "let go");
    drop(peer);
    let left = service.stop();
    assert!(left.end.logged("a handler's bug"));
}

#[test]
fn a_switch_of_protocols_needs_http_1() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.get("/echo");
    assert_eq!(
        peer.event(),
        Event::Reset {
            stream,
            code: HTTP_1_1_REQUIRED
        }
    );
    peer.ask("/hello/again").expect(200, "Hello, again!");
    drop(peer);
    service.stop();
}

#[test]
fn a_stream_that_its_client_resets_is_no_more_in_flight() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.get("/never/7");
    service.wait_requests(1);
    peer.reset(stream);
    service.wait_requests(0);
    drop(peer);
    service.stop();
}

#[test]
fn an_early_response_is_whole_and_asks_for_no_more_of_the_body() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.post("/ignore");
    peer.data(stream, b"01234", false);
    peer.response(stream).expect(200, "never mind");
    assert_eq!(
        peer.event(),
        Event::Reset {
            stream,
            code: NO_ERROR
        }
    );
    peer.ask("/hello/again").expect(200, "Hello, again!");
    drop(peer);
    service.stop();
}

/// What fills a stream's window: the initial one of 256 KiB.
const WINDOW: usize = 256 * 1024;

#[test]
fn a_handler_that_does_not_read_holds_up_its_own_client_and_nobody_else() {
    let service = Setup::new().serve();
    let gate = Gate::new();
    let mut peer = Peer::connect(service.http);
    peer.round_trip();
    let unread = peer.post(&gate.target("/gated-upload"));
    let waiting = gate.waiting();
    for _ in 0..WINDOW / 16_384 {
        peer.data(unread, &[b'x'; 16_384], false);
    }
    let read = peer.post("/upload");
    for _ in 0..WINDOW / 16_384 {
        peer.data(read, &[b'x'; 16_384], false);
    }
    peer.data(read, &[], true);
    let crc32 = crc32fast::hash(&vec![b'x'; WINDOW]);
    let uploaded = format!("{WINDOW} {crc32:08x}");
    peer.response(read).expect(200, &uploaded);
    // A little is taken ahead of the handler.
    let ahead = peer.widened.get(&unread).copied().unwrap_or_default();
    assert!(ahead <= 64 * 1024, "{ahead}");
    waiting.let_go();
    peer.data(unread, &[], true);
    peer.response(unread).expect(200, &uploaded);
    drop(peer);
    service.stop();
}

#[test]
fn requests_of_http_2_are_counted_by_route_as_others_are() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    for _ in 0..3 {
        peer.ask("/hello/you").expect(200, "Hello, you!");
    }
    let page = service.admin("/metrics").text();
    let line = "http_server_request_duration_seconds_count{http_request_method=\"GET\",\
                http_route=\"/hello/{name}\",http_response_status_code=\"200\"} 3";
    assert!(page.contains(line), "{page}");
    let stream = peer.get("/never/7");
    service.wait_requests(1);
    let page = service.admin("/metrics").text();
    assert!(page.contains("http_server_active_requests 1"), "{page}");
    peer.reset(stream);
    service.wait_requests(0);
    drop(peer);
    service.stop();
}

#[test]
fn a_client_that_goes_away_holds_nobody() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    peer.get("/never/7");
    peer.round_trip();
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    drop(peer);
    service.left_in_good_order();
}

#[test]
fn a_client_that_gives_up_a_stream_is_sent_nothing_more_of_it() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let stream = peer.get("/endless");
    while !matches!(peer.event(), Event::Data { .. }) {}
    peer.reset(stream);
    peer.round_trip();
    pass(ms(100), "ten ticks that nobody wants");
    assert!(peer.wire.is_silent());
    drop(peer);
    service.stop();
}
