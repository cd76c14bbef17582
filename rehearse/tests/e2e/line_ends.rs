//! Line ends between two messages, which are no part of either (RFC 9112, 2.2).

use crate::{
    moments::at_every_moment,
    ms, pass,
    process::Setup,
    wire::{get, post},
};

/// What `/upload` answers for `hello`.
const UPLOADED: &str = "5 3610a686";

fn upload() -> String {
    format!("{}hello", post("/upload", 5))
}

#[test]
fn whoever_sends_nothing_but_line_ends_is_idle_and_is_answered_later() {
    for sent in [
        &["\r\n"][..],
        &["\r"],
        &["\r", "\n"],
        &["\r\n\r\n\r\n"],
        &["\r\n", "\r\n\r"],
    ] {
        println!("sent: {sent:?}");
        let service = Setup::new().set("http.head_timeout", "400ms").serve();
        let mut behind = service.connect();
        behind.send(format!("{}{}", upload(), sent[0]));
        behind.response().expect(200, UPLOADED);
        let mut before = service.connect();
        before.send(sent[0]);
        for more in &sent[1..] {
            pass(ms(50), "line ends in pieces");
            behind.send(more);
            before.send(more);
        }
        service.wait_connections("in_flight", 0);
        pass(ms(1_000), "longer than a head may take");
        let end = if sent.concat().ends_with('\r') {
            "\n"
        } else {
            ""
        };
        for wire in [&mut behind, &mut before] {
            assert!(wire.is_silent(), "there is nothing to answer");
            wire.send(format!("{end}\r\n{}", get("/hello/next")));
            wire.response().expect(200, "Hello, next!");
        }
        drop((behind, before));
        service.stop();
    }
}

#[test]
fn line_ends_behind_a_body_keep_no_goodbye_back() {
    at_every_moment(
        |service| {
            let mut wires = [service.connect(), service.connect()];
            for wire in &mut wires {
                wire.send(&upload()[..20]);
            }
            wires
        },
        |[at_once, later], moment| {
            at_once.send(format!("{}\r\n\r\n", &upload()[20..]));
            later.send(&upload()[20..upload().len() - 1]);
            later.send("o\r\n");
            for wire in [at_once, later] {
                let response = wire.response();
                response.expect(200, UPLOADED);
                assert_eq!(response.head.says_goodbye(), moment.is_told());
                if moment.is_told() {
                    wire.expect_fin();
                }
            }
        },
    );
}

#[test]
fn line_ends_between_pipelined_requests_are_skipped() {
    let service = Setup::new().serve();
    let mut wire = service.connect();
    wire.send(format!(
        "\r\n{}\r\n\r\n{}\r\n\r\n\r\n{}\r\n",
        get("/hello/a"),
        upload(),
        get("/hello/b")
    ));
    wire.response().expect(200, "Hello, a!");
    wire.response().expect(200, UPLOADED);
    wire.response().expect(200, "Hello, b!");
    assert!(wire.is_silent());
    drop(wire);
    service.stop();
}

#[test]
fn half_a_line_end_and_a_flood_of_whole_ones_are_refused() {
    let service = Setup::new().serve();
    for sent in ["\n", "\rGET", "\r\r\n", "\r\n\n", &"\r\n".repeat(100)] {
        println!("sent: {sent:.20?}");
        let mut wire = service.connect();
        wire.ask(&get("/hello/first")).expect(200, "Hello, first!");
        let refused = wire.ask(sent);
        assert_eq!(refused.head.status, 400);
        assert!(refused.head.says_goodbye());
        wire.expect_fin();
    }
    service.stop();
}

#[test]
fn keep_alive_ends_a_connection_that_sends_line_ends_for_ever() {
    let service = Setup::new().set("http.keep_alive", "600ms").serve();
    let mut wire = service.connect();
    wire.ask(&get("/hello/first")).expect(200, "Hello, first!");
    let mut sent = 0;
    for _ in 0..100 {
        pass(ms(20), "a line end now and then");
        if !wire.is_silent() || wire.try_send("\r\n").is_err() {
            break;
        }
        sent += 1;
    }
    // More than so many would be refused, and that is another rule.
    assert!(sent < 60, "{sent} line ends, and it is not idle");
    service.wait_connections("open", 0);
    service.stop();
}
