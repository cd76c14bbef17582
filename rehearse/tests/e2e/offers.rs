//! Offers to speak another protocol: whether they are taken is the handler's to say.

use crate::{
    moments::at_every_moment,
    process::Setup,
    wire::{Wire, get},
};

const H2C: &str =
    "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n";
const WEBSOCKET: &str = "connection: upgrade\r\nupgrade: websocket\r\n";
const OFFERS: [&str; 7] = [
    H2C,
    WEBSOCKET,
    "connection: keep-alive, Upgrade\r\nupgrade: WebSocket\r\n",
    "connection: upgrade\r\n",
    "upgrade: websocket\r\n",
    "upgrade: h2c\r\n",
    "connection: upgrade\r\nupgrade: websocket, h2c\r\n",
];

fn ask(method: &str, path: &str, fields: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: e2e\r\n{fields}\r\n")
}

#[track_caller]
fn expect_next(wire: &mut Wire) {
    wire.ask(&get("/hello/next")).expect(200, "Hello, next!");
    drop(wire.another());
}

#[test]
fn an_offer_by_http_1_0_is_not_shown_to_the_handler() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    let key = "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let offer = ask("GET", "/streaming/ws", &format!("{WEBSOCKET}{key}"));
    wire.send(offer.replace("HTTP/1.1", "HTTP/1.0"));
    assert_eq!(
        wire.response().head.status,
        400,
        "no offer, so no handshake"
    );
    let left = service.stop();
    assert!(
        !left.end.logged("\"level\":\"ERROR\""),
        "any client can do this"
    );
}

#[test]
fn an_offer_that_is_not_taken_costs_no_connection() {
    let service = Setup::new().serve();
    for offer in OFFERS {
        println!("offer: {offer:?}");
        let mut wire = service.connect();
        let (a, b) = (ask("GET", "/hello/a", offer), ask("GET", "/hello/b", offer));
        wire.send(format!("{a}{b}"));
        for answer in ["Hello, a!", "Hello, b!"] {
            let response = wire.response();
            response.expect(200, answer);
            assert_eq!(response.head.header("connection"), None);
        }
        let lost = wire.ask(&ask("GET", "/nowhere", offer));
        assert_eq!((lost.head.status, lost.head.says_goodbye()), (404, false));
        expect_next(&mut wire);
    }
    service.stop();
}

#[test]
fn an_offer_takes_no_body_from_its_request_and_makes_none_of_the_next() {
    let service = Setup::new().serve();
    for offer in OFFERS {
        println!("offer: {offer:?}");
        for (version, kept) in [("1.1", ""), ("1.0", "connection: keep-alive\r\n")] {
            let mut wire = service.connect();
            let head = |fields: &str| {
                format!("POST /upload HTTP/{version}\r\nhost: e2e\r\n{kept}{offer}{fields}\r\n")
            };
            wire.send(head("content-length: 10\r\n") + "0123456789");
            wire.send(get("/hello/smuggled"));
            wire.response().expect(200, "10 a684c7c6");
            wire.response().expect(200, "Hello, smuggled!");
            if version == "1.1" {
                let chunked = head("transfer-encoding: chunked\r\n");
                wire.send(chunked + "a\r\n0123456789\r\n0\r\n\r\n");
                wire.response().expect(200, "10 a684c7c6");
            }
            wire.ask(&head("content-length: 0\r\n"))
                .expect(200, "0 00000000");
            expect_next(&mut wire);
        }
    }
    service.stop();
}

#[test]
fn a_stream_in_answer_to_an_offer_is_in_chunks_and_whole() {
    let service = Setup::new().serve();
    for offer in OFFERS {
        let mut wire = service.connect();
        let response = wire.ask(&ask("GET", "/big-stream?bytes=9", offer));
        assert_eq!(response.body.len(), 9, "{offer}");
        expect_next(&mut wire);
    }
    service.stop();
}

#[test]
fn a_body_that_is_awaited_behind_an_offer_is_empty_once_its_client_says_no_more() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send(ask("POST", "/upload", WEBSOCKET));
    wire.response().expect(200, "0 00000000");
    expect_next(&mut wire);
    // What follows this one may be another protocol's, until its handler has answered.
    wire.send(ask("GET", "/upload", WEBSOCKET));
    service.wait_requests(1);
    wire.shut_down();
    wire.response().expect(200, "0 00000000");
    wire.expect_fin();
    service.stop();
}

#[test]
fn a_body_that_is_awaited_behind_an_offer_is_empty_where_no_more_is_read() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    let next = get(&format!("/hello/{}", "y".repeat(1_000)));
    wire.send(ask("GET", "/upload", WEBSOCKET) + &next.repeat(20));
    wire.response().expect(200, "0 00000000");
    for _ in 0..20 {
        assert_eq!(wire.response().head.status, 200);
    }
    service.stop();
}

#[test]
fn an_offer_that_is_taken_gets_all_that_follows_its_head() {
    at_every_moment(
        |service| {
            let mut wire = service.connect();
            wire.send("GET /echo HT");
            wire
        },
        |wire, _| {
            wire.send(&ask("GET", "/echo", WEBSOCKET)["GET /echo HT".len()..]);
            wire.send("early, ");
            let head = wire.head();
            assert_eq!(head.status, 101);
            assert_eq!(head.header("connection"), Some("upgrade"));
            assert_eq!(wire.take(7).unwrap(), b"early, ");
            wire.send(get("/no/request"));
            let sent = get("/no/request");
            assert_eq!(wire.take(sent.len()).unwrap(), sent.as_bytes());
            wire.shut_down();
            wire.expect_fin();
        },
    );
}

#[test]
fn another_protocol_that_nobody_has_offered_is_not_spoken() {
    let service = Setup::new().serve();
    for fields in [
        "",
        "upgrade: websocket\r\n",
        "connection: close, upgrade\r\nupgrade: websocket\r\n",
    ] {
        let mut wire = service.connect();
        let response = wire.ask(&ask("GET", "/echo", fields));
        response.expect(500, "internal server error\n");
    }
    service.stop();
}
