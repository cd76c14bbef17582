//! Each kind of failure, provoked.

use std::time::Duration;

use super::server::{Act, Server};
use super::*;

/// Plays the script to every connection: all requests must fail as `kind`, none be made again.
async fn all_fail(kind: FailureKind, script: &[Act]) {
    let acts = script.to_vec();
    let server = Server::start(move |_| acts.clone()).await;
    let mut plan = one_shot(1);
    plan.timeout = Duration::from_millis(if kind == FailureKind::Timeout {
        50
    } else {
        60_000
    });
    let outcome = requests(plan, &server, 3).await;
    assert_all_failed(&outcome, kind);
    assert_eq!(server.connections() as u64, outcome.requests);
    if matches!(script[0], Act::Request) {
        assert_eq!(server.heads().len() as u64, outcome.requests);
    }
    assert_eq!(outcome.failures.examples()[0].peer, Some(server.address));
}

fn send(text: &str) -> Act {
    Act::Send(text.to_owned())
}

#[tokio::test]
async fn a_fin_after_the_request_is_closed_before_response() {
    all_fail(FailureKind::ClosedBeforeResponse, &[Act::Request, Act::Fin]).await;
}

#[tokio::test]
async fn a_new_connection_ended_before_its_request_is_a_failure_and_no_reconnect() {
    all_fail(FailureKind::ClosedBeforeResponse, &[Act::Fin]).await;
    all_fail(FailureKind::ResetBeforeResponse, &[Act::Reset]).await;
}

#[tokio::test]
async fn an_rst_after_the_request_is_reset_before_response() {
    all_fail(
        FailureKind::ResetBeforeResponse,
        &[Act::Request, Act::Reset],
    )
    .await;
}

#[tokio::test]
async fn half_a_head_is_cut_in_head() {
    let half = send("HTTP/1.1 200 OK\r\ncontent-le");
    all_fail(FailureKind::CutInHead, &[Act::Request, half, Act::Fin]).await;
}

#[tokio::test]
async fn half_a_body_is_cut_in_body() {
    let half = send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    all_fail(
        FailureKind::CutInBody,
        &[Act::Request, half.clone(), Act::Fin],
    )
    .await;
}

#[tokio::test]
async fn a_chunked_body_without_its_end_marker_is_cut_in_body() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for body in [
        "5\r\nhel",
        "5\r\nhello\r\n",
        "5\r\nhello\r\n0\r\n",
        "5\r\nhello\r\n0\r\nx: y\r\n",
    ] {
        let cut = send(&format!("{head}{body}"));
        all_fail(FailureKind::CutInBody, &[Act::Request, cut, Act::Fin]).await;
    }
}

#[tokio::test]
async fn a_complete_503_is_wrong_status() {
    let refusal = send("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n");
    all_fail(FailureKind::WrongStatus, &[Act::Request, refusal]).await;
}

#[tokio::test]
async fn what_is_not_http_is_bad_response() {
    let lengths = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok";
    let both =
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let signed = "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok";
    let chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nlonger\r\n0\r\n\r\n";
    for bad in ["SSH-2.0-OpenSSH\r\n\r\n", lengths, both, signed, chunk] {
        all_fail(FailureKind::BadResponse, &[Act::Request, send(bad)]).await;
    }
}

#[tokio::test]
async fn silence_is_timeout() {
    all_fail(FailureKind::Timeout, &[Act::Request]).await;
    let half = send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    all_fail(FailureKind::Timeout, &[Act::Request, half]).await;
}

#[tokio::test]
async fn another_body_than_the_expected_one_is_wrong_body() {
    for body in ["ko", "o", "okay", ""] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let server = Server::start(move |_| vec![Act::Request, send(&answer)]).await;
        let outcome = requests(
            Plan {
                expect: Some("ok".into()),
                ..one_shot(1)
            },
            &server,
            2,
        )
        .await;
        assert_all_failed(&outcome, FailureKind::WrongBody);
    }
    let server = Server::start(|_| vec![Act::Request, send(OK)]).await;
    let outcome = requests(
        Plan {
            expect: Some("ok".into()),
            ..one_shot(1)
        },
        &server,
        2,
    )
    .await;
    assert_none_failed(&outcome);
}

#[tokio::test]
async fn bytes_that_nobody_asked_for_are_bad_response() {
    let (twice, idle) = (format!("{OK}{OK}"), Act::Stall(Duration::from_millis(20)));
    for script in [
        vec![Act::Request, send(&twice)],
        vec![Act::Request, send(OK), idle, send(OK)],
    ] {
        let server = Server::start(move |_| script.clone()).await;
        let outcome = requests(keep_alive(400), &server, 2).await;
        assert_eq!(outcome.complete, 1);
        assert_eq!(outcome.failures.count(FailureKind::BadResponse), 1);
    }
}
