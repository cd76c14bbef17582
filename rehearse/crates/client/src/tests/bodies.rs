//! Uploads and downloads.

use std::time::Duration;

use super::server::{Act, Server, repeated};
use super::*;

const HEAD: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

fn upload(bytes: u64, over: u64) -> Plan {
    let (every, over) = (Duration::from_millis(5), Duration::from_millis(over));
    plan(Mode::Upload {
        every,
        bytes,
        parts: 4,
        over,
    })
}

fn download(bytes: u64, rate: Option<u64>) -> Plan {
    let mut plan = plan(Mode::Download {
        every: Duration::from_millis(5),
        bytes,
        rate,
    });
    plan.target = "/download".to_owned();
    plan
}

/// A chunked answer of `len` right bytes, after `spoil` has had its way with them.
fn answer(len: usize, spoil: impl Fn(&mut Vec<u8>)) -> Act {
    let mut body: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
    spoil(&mut body);
    let mut answer = HEAD.as_bytes().to_vec();
    for chunk in body.chunks(1_000) {
        answer.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
        answer.extend(chunk);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\n\r\n");
    Act::SendBytes(answer)
}

#[tokio::test]
async fn an_upload_is_slow_takes_both_framings_by_turns_and_arrives() {
    for (bytes, over) in [(100_000, 40), (3, 0), (0, 0)] {
        let server = Server::start(|_| vec![Act::Receipt; 100]).await;
        let outcome = requests(upload(bytes, over), &server, 4).await;
        assert_none_failed(&outcome);
        assert!(outcome.min_ms() >= over as f64);
        assert_eq!(server.connections(), 1);
        let heads = server.heads();
        let chunked = heads.iter().filter(|head| head.contains("chunked")).count();
        assert!(
            heads.len() >= 4 && chunked.abs_diff(heads.len() - chunked) <= 1,
            "{heads:?}"
        );
    }
}

#[tokio::test]
async fn a_wrong_receipt_is_wrong_body() {
    let crc32 = format!("{:08x}", crc32fast::hash(b"\0\x01\x02"));
    let upper = crc32.to_uppercase();
    assert_ne!(crc32, upper);
    for (bytes, crc32) in [(3, "00000000"), (2, &crc32), (3, &upper), (3, "")] {
        let json = format!(r#"{{"bytes":{bytes},"crc32":"{crc32}"}}"#);
        let text = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{json}",
            json.len()
        );
        let script = vec![Act::Request, Act::Send(text)];
        let server = Server::start(move |_| script.clone()).await;
        let outcome = requests(upload(3, 0), &server, 2).await;
        assert_all_failed(&outcome, FailureKind::WrongBody);
    }
}

#[tokio::test]
async fn an_answer_in_the_middle_of_an_upload_is_a_failure() {
    let refused = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n";
    let accepted = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let kinds = [
        (Act::Send(refused.to_owned()), FailureKind::WrongStatus),
        (Act::Send(accepted.to_owned()), FailureKind::WrongBody),
        (Act::Fin, FailureKind::ClosedBeforeResponse),
        (Act::Reset, FailureKind::ResetBeforeResponse),
    ];
    for (act, kind) in kinds {
        let script = vec![Act::Request, act];
        let server = Server::start(move |_| script.clone()).await;
        // So slow that the test ends only because the client listens while it sends.
        let plan = Plan {
            timeout: Duration::from_secs(7_200),
            ..upload(1_000, 3_600_000)
        };
        assert_all_failed(&requests(plan, &server, 2).await, kind);
    }
}

#[tokio::test]
async fn a_server_that_stops_reading_an_upload_is_timeout() {
    let server = Server::start(|_| vec![Act::Stall(Duration::from_secs(3_600))]).await;
    let plan = Plan {
        timeout: Duration::from_millis(200),
        ..upload(64 << 20, 0)
    };
    assert_all_failed(&requests(plan, &server, 1).await, FailureKind::Timeout);
}

#[tokio::test]
async fn a_download_is_asked_for_by_size_and_checked_to_its_end() {
    let server = Server::start(|_| repeated(&[Act::Request, answer(300_000, |_| {})])).await;
    let outcome = requests(download(300_000, None), &server, 4).await;
    assert_none_failed(&outcome);
    assert!(server.heads()[0].starts_with("GET /download?bytes=300000 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_wrong_missing_or_additional_byte_is_wrong_body() {
    let spoil: [fn(&mut Vec<u8>); 3] = [
        |body| body[70_000] ^= 1,
        |body| body.truncate(99_999),
        |body| body.push(0),
    ];
    for spoil in spoil {
        let server = Server::start(move |_| vec![Act::Request, answer(100_000, spoil)]).await;
        let outcome = requests(download(100_000, None), &server, 2).await;
        assert_all_failed(&outcome, FailureKind::WrongBody);
    }
}

#[tokio::test]
async fn a_slow_reader_reads_slowly_and_gets_everything() {
    let server = Server::start(|_| repeated(&[Act::Request, answer(200_000, |_| {})])).await;
    let outcome = requests(download(200_000, Some(400_000)), &server, 1).await;
    assert_none_failed(&outcome);
    assert!(outcome.min_ms() >= 500.0, "{} ms", outcome.min_ms());
}

#[tokio::test]
async fn a_reader_too_slow_for_its_timeout_is_timeout() {
    let server = Server::start(|_| repeated(&[Act::Request, answer(200_000, |_| {})])).await;
    let plan = Plan {
        timeout: Duration::from_millis(200),
        ..download(200_000, Some(10_000))
    };
    assert_all_failed(&requests(plan, &server, 1).await, FailureKind::Timeout);
}
