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

#[test]
fn a_body_that_trickles_in_gets_408_at_every_moment() {
    at_every_moment_with(
        in_a_third_of_a_second,
        |service| {
            let mut wire = service.connect();
            wire.send("P");
            wire
        },
        |wire, _| {
            wire.send(&post("/upload", 1_000)[1..]);
            for _ in 0..1_000 {
                if !wire.is_silent() {
                    break;
                }
                wire.send("x");
                pass(ms(20), "a body that comes byte by byte");
            }
            expect_408(wire);
        },
    );
}

#[test]
fn an_upload_of_a_kibibyte_a_second_is_served() {
    let service = Setup::new().set("http.body_timeout", "4s").serve();
    let mut wire = service.connect();
    wire.send(post("/upload", 6 * 1024));
    for _ in 0..6 {
        pass(ms(1_000), "slow, and for longer than each step may take");
        wire.send([b'x'; 1024]);
    }
    let crc32 = crc32fast::hash(&[b'x'; 6 * 1024]);
    wire.response().expect(200, &format!("6144 {crc32:08x}"));
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
    let mut wire = service.connect();
    wire.send("POST /upload HTTP/1.1\r\nhost: e2e\r\nupgrade: websocket\r\n\r\n01234");
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
