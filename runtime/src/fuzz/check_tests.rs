//! A rule that cannot be seen to be broken proves nothing.

use actix_web::http::StatusCode;
use tokio::{runtime::Builder, task::LocalSet};

use super::*;

const A: &str = "GET /i1 HTTP/1.1\r\nhost: a\r\n\r\n";
const B: &str = "GET /i2 HTTP/1.1\r\nhost: a\r\n\r\n";

fn answer(status: u16, fields: &str, body: &str) -> String {
    let reason = StatusCode::from_u16(status).unwrap();
    let len = body.len();
    format!("HTTP/1.1 {reason}\r\ncontent-length: {len}\r\n{fields}\r\n{body}")
}

fn good(name: &str) -> String {
    answer(200, "", &format!("GET /{name};"))
}

fn last(name: &str) -> String {
    answer(200, "connection: close\r\n", &format!("GET /{name};"))
}

fn refused() -> String {
    answer(400, "connection: close\r\n", "")
}

/// What the rules say if everything was sent at once, in this stage.
fn at(stage: Stage, sent: &str, received: &str) -> Result<(), String> {
    let sent = sent.as_bytes().to_vec();
    let turns = [(sent.len(), false), (sent.len(), true)].map(|(sent, half_closed)| Turn {
        sent,
        stage,
        half_closed,
    });
    let observed = Observed {
        sent,
        received: received.as_bytes().to_vec(),
        turns: turns.into(),
        reset: false,
        short: false,
    };
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    LocalSet::new().block_on(&runtime, async { check(&observed) })
}

#[track_caller]
fn breaks(what: &str, stage: Stage, sent: &str, received: &str) {
    let told = at(stage, sent, received).expect_err(what);
    assert!(told.contains(what), "{told}");
}

#[test]
fn what_is_right_breaks_no_rule() {
    let both = format!("{A}{B}");
    let right = [
        (Stage::Serve, both.clone(), good("i1") + &good("i2")),
        (Stage::Goodbye, both.clone(), good("i1") + &last("i2")),
        (
            Stage::Serve,
            format!("{A}bad\r\n\r\n{B}"),
            good("i1") + &refused(),
        ),
        (Stage::Serve, format!("{A}GET /half"), good("i1")),
        (Stage::Cut, both, good("i1")),
    ];
    for (stage, sent, received) in right {
        assert_eq!(at(stage, &sent, &received), Ok(()), "{sent}");
    }
}

#[test]
fn each_breach_is_seen() {
    let both = &format!("{A}{B}");
    let (a, b) = (good("i1"), good("i2"));
    breaks("has no answer", Stage::Serve, both, &a);
    breaks(
        "has another's answer",
        Stage::Serve,
        both,
        &format!("{b}{a}"),
    );
    breaks(
        "has another's answer",
        Stage::Serve,
        both,
        &format!("{a}{a}"),
    );
    breaks("without an end", Stage::Serve, A, &a[..a.len() - 1]);
    breaks("an answer to nothing", Stage::Serve, A, &format!("{a}{b}"));
    breaks("and more", Stage::Goodbye, A, &format!("{}{b}", last("i1")));
    breaks("without a reason", Stage::Goodbye, both, &last("i1"));
    breaks("is not told to leave", Stage::Goodbye, A, &a);
    let asked_to_leave = "GET /i1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    breaks("is not told so", Stage::Serve, asked_to_leave, &a);
}

#[test]
fn an_answer_to_what_is_broken_or_behind_it_is_seen() {
    for broken in [
        "bad\r\n\r\n",
        "GET /i1 HTTP/1.1\nhost: a\r\n\r\n",
        "\r\n\r\n",
    ] {
        let sent = &format!("{broken}{B}");
        breaks("an answer to nothing", Stage::Serve, sent, &good("i2"));
        breaks("and more", Stage::Serve, sent, &(refused() + &good("i2")));
        breaks("has no answer", Stage::Serve, sent, "");
    }
}
