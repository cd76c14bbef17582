//! Programs of whose answers nothing is known but that they must be whole.

use super::server::{Act, Server};
use super::*;

pub(super) fn unknown(plan: Plan) -> Plan {
    Plan {
        content: Content::Unknown,
        ..plan
    }
}

/// One answer on each connection, which is the last one.
fn answered(head: &str, body: &str) -> Vec<Act> {
    let answer = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n{body}");
    vec![Act::Request, Act::Send(answer), Act::Fin]
}

#[tokio::test]
async fn a_post_sends_its_body_and_its_fields_and_any_success_is_one() {
    let server = Server::start(|_| answered("201 Created\r\ncontent-length: 0", "")).await;
    let headers = ["Host: shop.example", "X-Token: a"].map(|text| text.parse().unwrap());
    let plan = Plan {
        mode: Mode::KeepAlive {
            think: Think::Steady(Duration::from_millis(1)),
            method: Method::Post,
        },
        body: b"{}".to_vec(),
        headers: headers.into_iter().collect(),
        ..keep_alive(1)
    };
    let outcome = requests(unknown(plan), &server, 1).await;
    assert_none_failed(&outcome);
    let head = &server.heads()[0];
    for line in [
        "POST / HTTP/1.1",
        "host: shop.example",
        "x-token: a",
        "content-length: 2",
    ] {
        assert!(head.contains(&format!("{line}\r\n")), "{line}: {head}");
    }
    assert_eq!(head.matches("host:").count(), 1);
}

#[tokio::test]
async fn an_upload_is_right_with_any_whole_answer_and_a_download_with_any_whole_body() {
    let (every, over) = (Duration::from_millis(5), Duration::ZERO);
    let (bytes, parts) = (0, 1);
    let upload = Mode::Upload {
        every,
        bytes,
        parts,
        over,
    };
    let rate = Some(1_000_000);
    let download = Mode::Download {
        every,
        bytes: 7,
        rate,
    };
    for mode in [upload, download] {
        let whole = |_| answered("200 OK\r\ncontent-length: 8", "whatever");
        let server = Server::start(whole).await;
        let outcome = requests(unknown(plan(mode.clone())), &server, 3).await;
        assert_none_failed(&outcome);
        assert!(
            server.heads()[0].contains(" / HTTP/1.1"),
            "as it was asked for"
        );
        let cut = |_| answered("200 OK\r\ncontent-length: 9", "whatever");
        let server = Server::start(cut).await;
        let outcome = requests(unknown(plan(mode.clone())), &server, 2).await;
        assert_all_failed(&outcome, FailureKind::CutInBody);
        let server = Server::start(|_| answered("200 OK", "whatever")).await;
        let outcome = requests(unknown(plan(mode)), &server, 2).await;
        assert_eq!(outcome.unjudged, outcome.requests, "it may have been cut");
    }
}

#[tokio::test]
async fn a_stream_of_any_events_is_resumed_by_the_last_id_and_must_end_by_its_end() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                        transfer-encoding: chunked\r\n\r\n";
    let event = "id: x-9\ndata: hello\n\n";
    let chunk = format!("{HEAD}{:x}\r\n{event}\r\n", event.len());
    let server = Server::start(move |n| match n {
        0 => vec![Act::Request, Act::Send(format!("{chunk}0\r\n\r\n"))],
        1 => vec![Act::Request, Act::Send(chunk.clone()), Act::Fin],
        _ => vec![Act::Request, Act::Send(HEAD.to_owned())],
    })
    .await;
    let outcome = until(unknown(plan(Mode::Events)), Some(server.address), ended(2)).await;
    assert!(server.heads()[1].contains("last-event-id: x-9\r\n"));
    assert_eq!(
        outcome.failures.total(),
        1,
        "{:?}",
        outcome.failures.examples()
    );
    assert_eq!(outcome.failures.counts()[&FailureKind::CutInBody], 1);
}
