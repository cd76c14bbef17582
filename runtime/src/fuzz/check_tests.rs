//! A rule that cannot be seen to be broken proves nothing.

use actix_web::http::StatusCode;

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
    check(&observed)
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
        "\n",
        "\rGET",
    ] {
        let sent = &format!("{broken}{B}");
        breaks("an answer to nothing", Stage::Serve, sent, &good("i2"));
        breaks("and more", Stage::Serve, sent, &(refused() + &good("i2")));
        breaks("has no answer", Stage::Serve, sent, "");
    }
}

#[test]
fn a_stray_byte_is_seen() {
    let (a, b) = (good("i1"), good("i2"));
    let both = &format!("{A}{B}");
    breaks("no response", Stage::Serve, both, &format!("{a}x{b}"));
    breaks("no response", Stage::Serve, both, &format!("{a}\r\n{b}"));
    breaks("and more", Stage::Serve, both, &format!("{a}{b}x"));
    breaks("and more", Stage::Goodbye, A, &format!("{}x", last("i1")));
    let empty = "GET /n1 HTTP/1.1\r\nhost: a\r\n\r\n";
    let with_a_body = "HTTP/1.1 204 No Content\r\n\r\nGET /n1;";
    breaks("and more", Stage::Serve, empty, with_a_body);
    breaks(
        "no response",
        Stage::Serve,
        &format!("{empty}{B}"),
        &format!("{with_a_body}{b}"),
    );
}

#[test]
fn a_request_in_a_trailer_is_none() {
    let post = "POST /i1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n";
    let ok = answer(200, "", "POST /i1;");
    for trailer in ["a: b\n", "a\r\n", "a: \0\r\n", "\n", " a: b\r\n"] {
        let sent = &format!("{post}{trailer}\r\n{B}");
        breaks(
            "is the last",
            Stage::Serve,
            sent,
            &format!("{ok}{}", good("i2")),
        );
        assert_eq!(at(Stage::Serve, sent, &refused()), Ok(()), "{trailer:?}");
    }
    let extended = post.replace("0\r\n", "0;a=\"b\"\r\n");
    for sent in [format!("{post}a: b\r\n"), extended] {
        let sent = &format!("{sent}\r\n{B}");
        let both = format!("{ok}{}", good("i2"));
        assert_eq!(at(Stage::Serve, sent, &both), Ok(()), "{sent:?}");
        breaks("has another's answer", Stage::Serve, sent, &refused());
    }
}

#[test]
fn line_ends_are_neither_a_request_nor_in_its_way() {
    for (before, between) in [("\r\n", ""), ("", "\r\n"), ("\r\n\r\n", "\r\n\r\n")] {
        let sent = &format!("{before}{A}{between}{B}\r\n\r");
        let both = good("i1") + &good("i2");
        assert_eq!(at(Stage::Serve, sent, &both), Ok(()));
        breaks("has another's answer", Stage::Serve, sent, &refused());
        breaks(
            "an answer to nothing",
            Stage::Serve,
            sent,
            &(both + &refused()),
        );
    }
}
