//! Responses that have no body, whatever their handler returned.

use crate::{
    process::Setup,
    wire::{Wire, get},
};

fn head(path: &str) -> String {
    get(path).replacen("GET", "HEAD", 1)
}

/// Nothing stands between the response at hand and the next.
#[track_caller]
fn expect_next(wire: &mut Wire) {
    wire.response().expect(200, "Hello, next!");
    assert!(wire.is_silent());
}

#[test]
fn a_status_without_a_body_has_none() {
    let service = Setup::new().serve();
    for (code, length) in [(204, None), (304, None), (205, Some("0"))] {
        for ask in [get, head] {
            let mut wire = service.connect();
            wire.send(ask(&format!("/status/{code}")));
            wire.send(get("/hello/next"));
            let head = wire.head();
            assert_eq!(head.status, code);
            assert_eq!(head.header("content-length"), length, "{code}");
            assert_eq!(head.header("transfer-encoding"), None);
            expect_next(&mut wire);
        }
    }
    service.stop();
}

#[test]
fn a_status_that_is_no_answer_is_a_bug_of_its_handler() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    for code in [100, 101, 102, 103, 199] {
        wire.ask(&get(&format!("/status/{code}")))
            .expect(500, "internal server error\n");
    }
    wire.send(get("/hello/next"));
    expect_next(&mut wire);
    drop(wire);
    service.stop();
}

#[test]
fn the_answer_to_head_has_the_head_of_the_body_and_nobody_produces_it() {
    let service = Setup::new().serve();
    for (kind, length) in [
        ("sized", Some("7")),
        ("said", Some("7")),
        ("own", Some("7")),
        ("body", Some("6")),
        ("streamed", None),
        ("silent", None),
        ("none", None),
    ] {
        println!("kind: {kind}");
        let mut wire = service.connect();
        wire.send(head(&format!("/head/{kind}")));
        wire.send(get("/hello/next"));
        let head = wire.head();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-length"), length);
        expect_next(&mut wire);
    }
    service.stop();
}

#[test]
fn a_body_without_a_length_is_empty_and_one_with_a_wrong_length_takes_nothing_from_the_next() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.ask(&get("/head/none")).expect(200, "");
    wire.ask(&get("/said?length=10")).expect(200, "0123456789");
    wire.send(get("/said?length=4") + &get("/hello/next"));
    wire.response().expect(200, "0123");
    expect_next(&mut wire);
    wire.send(get("/said?length=20") + &get("/hello/next"));
    assert_eq!(wire.head().header("content-length"), Some("20"));
    assert!(wire.take(20).is_err(), "what is missing is not made up for");
    service.stop();
}

#[test]
fn a_client_of_http_1_0_gets_no_chunks() {
    let service = Setup::new().serve();
    for connection in ["close", "keep-alive"] {
        let mut wire = service.connect();
        wire.send(format!(
            "GET /big-stream?bytes=70000 HTTP/1.0\r\nconnection: {connection}\r\n\r\n"
        ));
        let head = wire.head();
        assert_eq!(head.header("transfer-encoding"), None);
        assert_ne!(head.header("connection"), Some("keep-alive"));
        let body = wire.take(70_000).unwrap();
        assert!(
            body.iter()
                .enumerate()
                .all(|(i, byte)| usize::from(*byte) == i % 251)
        );
        wire.expect_fin();
        let mut wire = service.connect();
        wire.send(format!(
            "HEAD /head/silent HTTP/1.0\r\nconnection: {connection}\r\n\r\n"
        ));
        assert_eq!(wire.head().header("transfer-encoding"), None);
    }
    service.stop();
}
