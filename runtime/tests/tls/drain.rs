//! The drain over TLS: what the kernel does not see is waited for, too.

use std::{io::Write as _, time::Duration};

use crate::{client::ByHand, common, pki, serve, settings};

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// Looks at `/status` until it says so.
async fn until(serving: &lastcall::Serving, is_so: impl Fn(&serde_json::Value) -> bool) {
    loop {
        let status = common::get(serving.admin_address(), "/status").await;
        if is_so(&serde_json::from_str(common::body(&status)).unwrap()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until the fence is up.
async fn draining(serving: &lastcall::Serving) {
    serving.handle().drain();
    until(serving, |status| status["phase"] == "draining").await;
}

/// The rest of a life in which the drain has begun: what a client sends, and what it gets.
fn finish(mut client: ByHand, records: &[u8]) -> String {
    client.socket.write_all(records).unwrap();
    client.read_to_the_end()
}

#[actix_web::test]
async fn a_handshake_that_is_half_done_at_the_fence_is_finished_and_its_request_served() {
    let pki = pki();
    let serving = serve(settings(&pki)).await;
    let config = pki.client(None, &[]);
    let address = common::tcp(serving.http_address());
    let mut early = ByHand::connect(address, &config);
    let mut late = ByHand::connect(address, &config);
    let hello = early.records();
    early.socket.write_all(&hello[..hello.len() / 2]).unwrap();
    let whole = late.records();
    late.socket.write_all(&whole).unwrap();
    late.receive_handshake();
    draining(&serving).await;
    early.socket.write_all(&hello[hello.len() / 2..]).unwrap();
    let answers = tokio::task::spawn_blocking(move || {
        early.receive_handshake();
        [early, late].map(|mut client| {
            let records = client.request(REQUEST);
            finish(client, &records)
        })
    });
    for answer in answers.await.unwrap() {
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    let report = serving.await.unwrap();
    assert_eq!((report.exit, report.crossed), (Some(0), 0));
}

#[actix_web::test]
async fn a_request_of_which_half_a_record_is_here_at_the_fence_is_waited_for() {
    let pki = pki();
    let serving = serve(settings(&pki)).await;
    let config = pki.client(None, &[]);
    let mut clients: Vec<_> = (0..4)
        .map(|_| {
            let mut client = ByHand::connect(serving.http_address(), &config);
            client.handshake();
            let records = client.request(REQUEST);
            client.socket.write_all(&records).unwrap();
            (client, records)
        })
        .collect();
    // One byte of a record's header, the header, a part of the record, all but a byte.
    for ((client, records), sent) in clients.iter_mut().zip([1, 5, 20, usize::MAX]) {
        *records = client.request(REQUEST);
        let sent = sent.min(records.len() - 1);
        client.socket.write_all(&records[..sent]).unwrap();
        records.drain(..sent);
    }
    until(&serving, |status| status["connections"]["in_flight"] == 4).await;
    draining(&serving).await;
    let answers = tokio::task::spawn_blocking(move || {
        clients
            .into_iter()
            .map(|(client, records)| finish(client, &records))
            .collect::<Vec<_>>()
    });
    for answer in answers.await.unwrap() {
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    }
    let report = serving.await.unwrap();
    assert_eq!((report.exit, report.crossed), (Some(0), 0));
}

#[actix_web::test]
async fn a_request_that_comes_with_the_end_of_the_handshake_is_answered() {
    let pki = pki();
    let serving = serve(settings(&pki)).await;
    let config = pki.client(None, &[]);
    let mut client = ByHand::connect(serving.http_address(), &config);
    let hello = client.records();
    client.socket.write_all(&hello).unwrap();
    client.receive_handshake();
    draining(&serving).await;
    // Both in one write, and a second request behind the first, in a record of its own.
    let mut records = client.records();
    records.extend(client.request(REQUEST));
    records.extend(client.request(REQUEST));
    let answer = tokio::task::spawn_blocking(move || finish(client, &records))
        .await
        .unwrap();
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    let report = serving.await.unwrap();
    assert_eq!((report.exit, report.crossed), (Some(0), 0));
}

#[actix_web::test]
async fn who_connects_and_says_nothing_holds_the_drain_up_for_no_longer_than_over_tcp() {
    let pki = pki();
    let serving = serve(settings(&pki)).await;
    let config = pki.client(None, &[]);
    let silent = ByHand::connect(serving.http_address(), &config);
    let mut shaken = ByHand::connect(serving.http_address(), &config);
    let shaken = tokio::task::spawn_blocking(move || {
        shaken.handshake();
        shaken
    });
    let shaken = shaken.await.unwrap();
    until(&serving, |status| status["connections"]["open"] == 2).await;
    draining(&serving).await;
    let drained = tokio::time::Instant::now();
    let report = serving.await.unwrap();
    assert!(
        drained.elapsed() < Duration::from_secs(3),
        "a second, and the end of it"
    );
    assert_eq!(report.exit, Some(0));
    assert_eq!(shaken.read_to_the_end(), "");
    drop(silent);
}
