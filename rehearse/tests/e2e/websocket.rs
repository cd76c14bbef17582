//! WebSockets on a connection that was HTTP's: frames flow both ways, and no rule of HTTP is in the
//! way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
};

use crate::{
    ms, pass,
    process::Setup,
    socket::{HANDSHAKE, Message, Socket},
    until,
    wire::{Wire, get},
};

/// Ticks each `interval`; `1h` is none while a test runs.
pub(crate) fn ticking(setup: Setup, interval: &str) -> Setup {
    setup.set("service.streaming.interval", interval)
}

#[test]
fn a_websocket_echoes_answers_pings_and_ticks() {
    let service = ticking(Setup::new(), "5ms").serve();
    let mut socket = Socket::open(&service);
    let messages = [
        Message::text("hello"),
        Message::Binary(vec![0, 159, 146, 150]),
        Message::Binary(vec![7; 60_000]),
        Message::text(""),
    ];
    for message in messages {
        socket.send(&message);
        assert_eq!(socket.next_but_ticks(), message);
    }
    socket.send(&Message::Ping(b"there?".into()));
    assert_eq!(socket.next_but_ticks(), Message::Pong(b"there?".into()));
    let ticks = std::iter::from_fn(|| Some(socket.next()));
    let ticks: Vec<u64> = ticks.filter_map(|m| m.tick()).take(20).collect();
    assert!(ticks.is_sorted_by(|one, next| one < next), "{ticks:?}");
    socket.send(&Message::Close(Some(1000)));
    assert_eq!(socket.next_but_ticks(), Message::Close(Some(1000)));
    socket.wire.expect_fin();
    service.wait_connections("open", 0);
    service.stop();
}

#[test]
fn frames_that_come_with_the_handshake_are_answered() {
    let service = ticking(Setup::new(), "1h").serve();
    let mut wire = service.connect();
    let messages = [Message::text("at once"), Message::Binary(vec![7; 20_000])];
    let frames: Vec<u8> = messages.iter().flat_map(Message::frame).collect();
    wire.send([HANDSHAKE.as_bytes(), &frames].concat());
    let mut socket = Socket::opened(wire);
    for message in messages {
        assert_eq!(socket.next(), message);
    }
    drop(socket);
    service.stop();
}

#[test]
fn no_timer_of_http_ends_a_websocket() {
    let setup = ["http.keep_alive", "http.head_timeout", "http.body_timeout"]
        .into_iter()
        .fold(ticking(Setup::new(), "1h"), |setup, key| {
            setup.set(key, "100ms")
        });
    let service = setup.serve();
    let mut kept = service.connect();
    kept.ask(&get("/hello/kept")).expect(200, "Hello, kept!");
    let mut socket = Socket::open(&service);
    // The control: the timers do run.
    kept.expect_fin();
    pass(ms(500), "a timer would have ended it by now");
    socket.expect_echo("still there");
    // Half a frame is no half head either.
    let frame = Message::text("in two parts").frame();
    socket.wire.send(&frame[..9]);
    pass(ms(500), "nor does one run for half a frame");
    socket.wire.send(&frame[9..]);
    assert_eq!(socket.next(), Message::text("in two parts"));
    drop(socket);
    service.stop();
}

#[test]
fn a_client_that_does_not_read_its_echoes_is_read_no_further() {
    const MESSAGES: u32 = 1_200;
    let message = |number: u32| {
        let mut bytes = vec![number as u8; 60_000];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Message::Binary(bytes)
    };
    let service = ticking(Setup::new(), "1h").serve();
    // The kernels alone may hold 40 MB on the way to the server and back.
    let mut wire = Wire::connect_with_window(service.http, 64 * 1024);
    wire.send(HANDSHAKE);
    let mut socket = Socket::opened(wire);
    let mut sending = socket.wire.another();
    let sent = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&sent);
    let sender = thread::spawn(move || {
        for number in 0..MESSAGES {
            sending.send(message(number).frame());
            counted.fetch_add(1, Relaxed);
        }
    });
    let mut last = u32::MAX;
    until("the client is held up", || {
        let before = std::mem::replace(&mut last, sent.load(Relaxed));
        pass(ms(300), "it would send some more");
        (before == last).then_some(())
    });
    assert!(last < MESSAGES, "the server has taken everything in");
    for number in 0..MESSAGES {
        assert!(socket.next() == message(number), "message {number}");
    }
    sender.join().unwrap();
    drop(socket);
    service.stop();
}

#[test]
fn a_client_that_leaves_without_a_word_is_forgotten() {
    let service = ticking(Setup::new(), "1h").serve();
    drop(Socket::open(&service));
    let mut half_closed = Socket::open(&service);
    half_closed.wire.shut_down();
    assert_eq!(half_closed.next(), Message::Close(None));
    half_closed.wire.expect_fin();
    drop(half_closed);
    service.wait_connections("open", 0);
    service.stop();
}
