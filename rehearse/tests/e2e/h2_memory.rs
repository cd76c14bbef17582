//! What a connection of HTTP/2 may hold, and what it keeps once it is idle.
#![cfg(target_os = "linux")]

use crate::{
    abuse_readers::memory,
    h2_readers::slow_reader,
    h2_wire::{Event, Peer, field, frame, head, headers},
    harness::Service,
    process::Setup,
    wire::get,
};

const KIB: usize = 1024;

/// What each of so many connections adds, in bytes, once it has done this.
fn each<T>(service: &Service, count: usize, act: impl Fn(&Service) -> T) -> usize {
    // What is there once and for all.
    drop(act(service));
    service.wait_connections("open", 0);
    let before = memory(service);
    let held: Vec<T> = (0..count).map(|_| act(service)).collect();
    service.wait_connections("open", count as u64);
    let each = memory(service).saturating_sub(before) / count;
    println!("{each} bytes each");
    drop(held);
    each
}

fn long() -> String {
    format!("/hello/{}", "x".repeat(15 * KIB))
}

#[test]
fn an_idle_connection_costs_the_same_whatever_path_it_asked_for() {
    let service = Setup::new().set("http.keep_alive", "1h").serve();
    let one = each(&service, 300, |service| {
        let mut wire = service.connect();
        assert_eq!(wire.ask(&get(&long())).head.status, 200);
        service.wait_connections("in_flight", 0);
        wire
    });
    assert!(one < 6 * KIB, "{one} bytes");
    let ask = |service: &Service, path: &str| {
        let mut peer = Peer::connect(service.http);
        assert_eq!(peer.ask(path).status, 200);
        peer.round_trip();
        peer
    };
    let short = each(&service, 300, |service| ask(service, "/hello/x"));
    let two = each(&service, 300, |service| ask(service, &long()));
    assert!(two < short + 6 * KIB, "{two} bytes instead of {short}");
    service.stop();
}

/// A client with a hundred requests open that nobody answers, each with so many small fields.
fn asks_in_vain(service: &Service, fields: usize) -> Peer {
    let mut peer = Peer::connect(service.http);
    let fields: Vec<u8> = (0..fields)
        .flat_map(|number| field(&format!("x{number}"), "1"))
        .collect();
    let head = [head("GET", "/never/7"), fields].concat();
    for _ in 0..100 {
        let stream = peer.next_stream();
        peer.wire.send(headers(stream, &head, false));
    }
    peer.round_trip();
    peer
}

#[test]
fn the_fields_of_all_streams_have_a_common_bound() {
    for fields in [60, 96, 800] {
        let service = Setup::new().serve();
        let each = each(&service, 10, |service| asks_in_vain(service, fields));
        assert!(each < 1280 * KIB, "{fields} fields: {each} bytes");
        service.stop();
    }
}

#[test]
fn a_hundred_streams_of_ordinary_heads_are_within_it() {
    let service = Setup::new().serve();
    let peer = asks_in_vain(&service, 28);
    let refused = peer.seen.iter().any(|event| *event != Event::Pong);
    assert!(!refused, "{:?}", peer.seen);
    service.wait_requests(100);
    drop(peer);
    service.stop();
}

#[test]
fn trailers_are_not_kept() {
    let service = Setup::new().serve();
    let trailers: Vec<u8> = (0..800)
        .flat_map(|number| field(&format!("x{number}"), "1"))
        .collect();
    let unread = |service: &Service| {
        let mut peer = asks_in_vain(service, 0);
        for stream in (1..200).step_by(2) {
            peer.data(stream, b"unread", false);
        }
        peer.round_trip();
        peer
    };
    let without = each(&service, 10, unread);
    let with = each(&service, 10, |service| {
        let mut peer = unread(service);
        for stream in (1..200).step_by(2) {
            peer.wire.send(headers(stream, &trailers, true));
        }
        peer.round_trip();
        peer
    });
    assert!(with < without + 128 * KIB, "{with} instead of {without}");
    service.stop();
}

#[test]
fn a_body_that_nobody_reads_holds_what_its_window_allows_and_not_what_its_frames_cost() {
    let service = Setup::new().serve();
    let each = each(&service, 5, |service| {
        let mut peer = Peer::connect(service.http);
        let unread = peer.open(&head("GET", "/never/7"), false);
        let read = peer.post("/upload");
        // The frames of a body that is read make up for small ones.
        let small = frame(0, 0, unread, b"x").repeat(60);
        let large = frame(0, 0, read, &[0; 16_000]);
        for _ in 0..400 {
            peer.wire.send([&small[..], &large].concat());
            if peer.widened.get(&read).is_none_or(|more| *more < 16_000) {
                peer.round_trip();
            }
            peer.widened.insert(read, 0);
        }
        peer.round_trip();
        peer
    });
    assert!(each < 512 * KIB, "{each} bytes");
    service.stop();
}

#[test]
fn responses_that_a_client_does_not_take_have_a_common_bound() {
    let service = Setup::new().set("http.keep_alive", "1h").serve();
    let each = each(&service, 5, |service| {
        let mut peer = slow_reader(service);
        for _ in 0..100 {
            peer.get("/generated");
        }
        while service.status()["requests"].as_u64() < Some(100) {}
        crate::pass(crate::ms(300), "they fill what there is");
        peer
    });
    // The kernel's own buffers are not in it.
    assert!(each < 1280 * KIB, "{each} bytes");
    service.stop();
}

#[test]
fn what_streams_read_ahead_of_shut_windows_has_a_common_bound() {
    let service = Setup::new().set("http.keep_alive", "1h").serve();
    let each = each(&service, 5, |service| {
        let mut peer = Peer::connect(service.http);
        peer.reads = false;
        for _ in 0..100 {
            peer.get("/generated");
        }
        while service.status()["requests"].as_u64() < Some(100) {}
        peer.round_trip();
        peer
    });
    assert!(each < 1280 * KIB, "{each} bytes");
    service.stop();
}

#[test]
fn a_client_that_stalls_a_hundred_streams_gets_every_one_of_them() {
    let service = Setup::new().serve();
    let mut peer = slow_reader(&service);
    let streams: Vec<u32> = (0..100)
        .map(|_| peer.get("/big-stream?bytes=100000"))
        .collect();
    crate::pass(crate::ms(300), "they fill what there is");
    for stream in streams {
        let response = peer.response(stream);
        assert!(response.body == crate::readers::pattern(100_000));
    }
    drop(peer);
    service.stop();
}

#[test]
fn answers_to_pings_that_nobody_sent_write_no_log() {
    let service = Setup::new().serve();
    let mut peer = Peer::connect(service.http);
    let pong = frame(6, 1, 0, b"unasked!");
    peer.wire.send(pong.repeat(20_000));
    peer.ask("/hello/you").expect(200, "Hello, you!");
    drop(peer);
    let left = service.stop();
    let bytes: usize = left.end.log.iter().map(String::len).sum();
    assert!(bytes < 16 * KIB, "{bytes} bytes of log");
}
