//! Heads that come too slowly, or are too large.

use crate::{
    moments::{Moment, at_every_moment_with},
    ms, pass,
    process::Setup,
    wire::{Wire, get},
};

/// As many fields, and as many bytes, as a head may have: the codec's own limits.
const FIELDS: usize = 96;
const BYTES: usize = 128 * 1024;

fn in_half_a_second(setup: Setup) -> Setup {
    setup.set("http.head_timeout", "500ms")
}

/// Sends a head byte by byte, far more slowly than it may come, until the server has had enough.
#[track_caller]
fn trickle_until_408(wire: &mut Wire, head: &str) {
    for byte in head.bytes() {
        if !wire.is_silent() {
            break;
        }
        wire.send([byte]);
        pass(ms(40), "a head that comes byte by byte");
    }
    let response = wire.response();
    assert_eq!(response.head.status, 408);
    assert!(response.head.says_goodbye());
    wire.expect_fin();
}

#[test]
fn a_head_that_trickles_in_gets_408_at_every_moment() {
    let head = get("/hello/trickling");
    at_every_moment_with(
        in_half_a_second,
        |service| {
            let mut wire = service.connect();
            wire.send("G");
            wire
        },
        |wire, _| trickle_until_408(wire, &head[1..]),
    );
}

#[test]
fn a_head_that_trickles_in_on_a_reused_connection_gets_408_at_every_moment() {
    let head = get("/hello/trickling");
    at_every_moment_with(
        in_half_a_second,
        |service| {
            let mut wire = service.connect();
            wire.ask(&get("/hello/first")).expect(200, "Hello, first!");
            wire.send("G");
            wire
        },
        |wire, _| trickle_until_408(wire, &head[1..]),
    );
}

fn head_with(fields: usize) -> String {
    // The host is the first.
    let more = "a: b\r\n".repeat(fields - 1);
    format!("GET /hello/large HTTP/1.1\r\nhost: e2e\r\n{more}\r\n")
}

fn head_of(bytes: usize) -> String {
    let begin = "GET /hello/large HTTP/1.1\r\nhost: e2e\r\nlong: ";
    let rest = bytes - begin.len() - "\r\n\r\n".len();
    format!("{begin}{}\r\n\r\n", "y".repeat(rest))
}

#[test]
fn a_head_may_have_96_fields_and_128_kib() {
    at_every_moment_with(
        |setup| setup,
        |service| {
            let connect = |_| {
                let mut wire = service.connect();
                wire.send("G");
                wire
            };
            (0..4).map(connect).collect::<Vec<Wire>>()
        },
        |wires, moment| {
            let heads = [
                (200, head_with(FIELDS)),
                (431, head_with(FIELDS + 1)),
                (200, head_of(BYTES - 1)),
                // A whole head is taken if the read that completes it began below the limit.
                (431, head_of(BYTES + 64 * 1024)),
            ];
            for (wire, (status, head)) in wires.iter_mut().zip(&heads) {
                wire.send(&head[1..]);
                let response = wire.response();
                assert_eq!(response.head.status, *status, "{} bytes", head.len());
                let refused = *status == 431;
                assert_eq!(response.head.says_goodbye(), refused || moment.is_told());
                if refused || moment != Moment::Ready {
                    wire.expect_fin();
                }
            }
        },
    );
}
