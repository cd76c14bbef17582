//! Bodies that come too slowly, or are too large.

use crate::{
    gate::Gate,
    harness::Service,
    moments::{at_every_moment, at_every_moment_with},
    ms, pass,
    process::Setup,
    wire::{Wire, post},
};

const CHUNKED: &str = "host: e2e\r\ntransfer-encoding: chunked\r\n\r\n";

fn in_a_third_of_a_second(setup: Setup) -> Setup {
    setup.set("http.body_timeout", "300ms")
}

#[track_caller]
fn expect_408(wire: &mut Wire) {
    let response = wire.response();
    assert_eq!(response.head.status, 408);
    assert!(response.head.says_goodbye());
    wire.expect_fin();
}

#[test]
fn half_a_body_that_never_completes_gets_408_and_holds_no_drain() {
    let bodies = [
        format!("{}01234", post("/upload", 10)),
        format!("POST /upload HTTP/1.1\r\n{CHUNKED}4\r\n0123\r\n"),
        // The last chunk without its end.
        format!("POST /upload HTTP/1.1\r\n{CHUNKED}4\r\n0123\r\n0\r\n"),
        post("/whole", 10),
    ];
    at_every_moment_with(
        in_a_third_of_a_second,
        |service| -> Vec<Wire> {
            let first = |body: &String| {
                let mut wire = service.connect();
                wire.send(&body[..1]);
                wire
            };
            bodies.iter().map(first).collect()
        },
        |wires, _| {
            for (wire, body) in wires.iter_mut().zip(&bodies) {
                wire.send(&body[1..]);
            }
            wires.iter_mut().for_each(expect_408);
        },
    );
}

#[test]
fn the_handler_of_a_body_that_never_completes_sees_its_read_fail() {
    let service = in_a_third_of_a_second(Setup::new()).serve();
    let mut wire = service.connect();
    wire.send(format!("{}01234", post("/upload", 10)));
    let failed = service.process.log.wait_for("a body failed");
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("timed out"), "{error}");
    expect_408(&mut wire);
    let metrics = service.admin("/metrics").text();
    let counted = |line: &str| line.contains("/upload") && line.contains("408");
    assert!(metrics.lines().any(counted), "{metrics}");
    service.stop();
}

/// Sends a byte each 20 ms until there is an answer, so many at most.
fn trickle(wire: &mut Wire, count: usize) {
    for _ in 0..count {
        if !wire.is_silent() {
            break;
        }
        wire.send("x");
        pass(ms(20), "a body that comes byte by byte");
    }
}

#[track_caller]
fn expect_uploaded(wire: &mut Wire, body: &[u8]) {
    let crc32 = crc32fast::hash(body);
    let text = format!("{} {crc32:08x}", body.len());
    wire.response().expect(200, &text);
}

#[test]
fn a_body_that_never_stands_still_may_come_byte_by_byte() {
    at_every_moment_with(
        in_a_third_of_a_second,
        |service| {
            let mut wire = service.connect();
            wire.send("P");
            wire
        },
        |wire, _| {
            wire.send(&post("/upload", 60)[1..]);
            trickle(wire, 60);
            expect_uploaded(wire, &[b'x'; 60]);
        },
    );
}

/// It reads its answer only when it has sent what it had at hand.
#[test]
fn a_client_that_comes_back_too_late_still_gets_its_408() {
    let service = in_a_third_of_a_second(Setup::new()).serve();
    let mut wire = service.connect();
    wire.send(post("/upload", 100_000));
    for _ in 0..2 {
        pass(ms(1_500), "the line is gone");
        wire.send(vec![b'x'; 10_000]);
    }
    pass(ms(300), "a reset would be here");
    expect_408(&mut wire);
    service.stop();
}

#[test]
fn a_body_in_small_chunks_that_come_now_and_then_is_served() {
    let service = Setup::new().set("http.body_timeout", "1500ms").serve();
    let mut wire = service.connect();
    wire.send(format!("POST /upload HTTP/1.1\r\n{CHUNKED}"));
    for _ in 0..6 {
        pass(
            ms(500),
            "each chunk is in time, all of them together are not",
        );
        wire.send("A\r\n0123456789\r\n");
    }
    pass(ms(500), "and so is the end");
    wire.send("0\r\n\r\n");
    expect_uploaded(&mut wire, &b"0123456789".repeat(6));
    service.stop();
}

/// Its end comes byte by byte, and none of these is of the body itself.
#[test]
fn a_body_whose_frame_moves_does_not_stand_still() {
    let service = in_a_third_of_a_second(Setup::new()).serve();
    let mut wire = service.connect();
    wire.send(format!("POST /upload HTTP/1.1\r\n{CHUNKED}4\r\n0123\r\n"));
    for byte in "000000000000\r\n\r\n".bytes() {
        pass(ms(50), "slow, and moving");
        wire.send([byte]);
    }
    expect_uploaded(&mut wire, b"0123");
    service.stop();
}

#[test]
fn a_body_below_the_rate_gets_408_at_every_moment() {
    at_every_moment_with(
        |setup| in_a_third_of_a_second(setup).set("http.body_rate", "1KiB"),
        |service| {
            let mut wire = service.connect();
            wire.send("P");
            wire
        },
        |wire, _| {
            wire.send(&post("/upload", 1_000)[1..]);
            trickle(wire, 1_000);
            expect_408(wire);
        },
    );
}

#[test]
fn a_body_that_keeps_the_rate_may_take_longer_than_it_may_stand_still() {
    let setup = Setup::new().set("http.body_timeout", "2s");
    let service = setup.set("http.body_rate", "800B").serve();
    let mut wire = service.connect();
    wire.send(post("/upload", 6 * 1024));
    for _ in 0..6 {
        pass(ms(1_000), "slow, and quick enough");
        wire.send([b'x'; 1024]);
    }
    expect_uploaded(&mut wire, &[b'x'; 6 * 1024]);
    service.stop();
}

#[test]
fn a_route_may_have_limits_of_its_own() {
    let service = in_a_third_of_a_second(Setup::new()).serve();
    let mut patient = service.connect();
    patient.send(format!("{}01234", post("/patient/upload", 10)));
    let mut brisk = service.connect();
    brisk.send(post("/brisk/upload", 1_000));
    trickle(&mut brisk, 1_000);
    expect_408(&mut brisk);
    pass(ms(600), "any other body would be late twice over");
    patient.send("56789");
    expect_uploaded(&mut patient, b"0123456789");
    service.stop();

    // Where everybody else has an hour.
    let service = Setup::new().serve();
    let mut hasty = service.connect();
    hasty.send(format!("{}01234", post("/hasty/upload", 10)));
    expect_408(&mut hasty);
    service.stop();
}

#[test]
fn a_handler_that_takes_its_time_is_not_the_clients_fault() {
    at_every_moment_with(
        in_a_third_of_a_second,
        |service| {
            let gate = Gate::new();
            let mut wire = service.connect();
            wire.send(post(&gate.target("/gated-upload"), 10));
            wire.send("01234");
            (wire, Some(gate.waiting()))
        },
        |(wire, waiting), _| {
            pass(ms(900), "the handler does something else");
            wire.send("56789");
            drop(waiting.take());
            wire.response().expect(200, "10 a684c7c6");
        },
    );
}

#[test]
fn a_slow_body_whose_response_has_begun_ends_it_without_a_proper_end() {
    let service = in_a_third_of_a_second(Setup::new()).serve();
    let mut wire = service.connect();
    wire.send(format!("{}01234", post("/reflect", 10)));
    assert_eq!(wire.head().status, 200);
    assert_eq!(wire.chunk().unwrap(), b"01234");
    assert!(wire.try_chunk().is_err(), "something is missing");
    service.wait_connections("open", 0);
    service.stop();
}

#[test]
fn another_protocol_may_be_silent_for_longer_than_a_body() {
    let service = in_a_third_of_a_second(Setup::new()).serve();
    let mut wire = service.connect();
    wire.send(
        "GET /echo HTTP/1.1\r\nhost: e2e\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    assert_eq!(wire.head().status, 101);
    for text in ["one", "two"] {
        pass(ms(900), "silence");
        wire.send(text);
        assert_eq!(wire.take(text.len()).unwrap(), text.as_bytes());
    }
    wire.shut_down();
    wire.expect_fin();
    service.stop();
}

#[test]
fn asking_for_another_protocol_is_no_way_around_the_limit() {
    let service = in_a_third_of_a_second(Setup::new()).serve();
    let offer = "connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 10";
    let mut wire = service.connect();
    wire.send(format!(
        "POST /upload HTTP/1.1\r\nhost: e2e\r\n{offer}\r\n\r\n01234"
    ));
    expect_408(&mut wire);
    service.stop();
}

/// More than actix's extractors take, and than the sockets' buffers hold.
const LARGE: usize = 16 << 20;

fn begun(service: &Service) -> [Wire; 2] {
    [(); 2].map(|()| {
        let mut wire = service.connect();
        wire.send("P");
        wire
    })
}

#[track_caller]
fn expect_413(wire: &mut Wire) {
    let response = wire.response();
    assert_eq!(response.head.status, 413, "{}", response.text());
    assert!(response.head.says_goodbye());
    wire.expect_fin();
}

#[test]
fn a_body_that_is_too_large_gets_413_and_no_reset_though_its_client_goes_on_sending() {
    at_every_moment(begun, |[sized, chunked], _| {
        sized.send(&post("/whole", LARGE)[1..]);
        sized.send(vec![b'x'; LARGE]);
        expect_413(sized);
        chunked.send(format!("OST /whole HTTP/1.1\r\n{CHUNKED}{LARGE:x}\r\n"));
        chunked.send(vec![b'x'; LARGE]);
        expect_413(chunked);
    });
}
