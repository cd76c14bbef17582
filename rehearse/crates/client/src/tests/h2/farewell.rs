//! How a connection ends, and what that means to its streams.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use tokio::time::Instant;

use super::super::super::connection::connect;
use super::super::super::h2::connection::{Link, Opened};
use super::server::{ANY, OK};
use super::*;
use rehearse_wire::http2::frame::{self, PING, RST_STREAM};

#[tokio::test]
async fn after_a_goaway_no_stream_is_opened_and_the_client_connects_anew() {
    let peers = Peers::start(async |n, mut peer| {
        peer.greet(&[]).await?;
        if n > 0 {
            return peer.serve().await;
        }
        let stream = peer.request().await?;
        peer.go_away(ANY, 0).await?;
        peer.frame(PING, 0, 0, b"farewell").await?;
        // What was under way is answered; after the PING's answer nothing else may come.
        peer.answer(stream).await?;
        loop {
            match peer.any().await? {
                pong if pong.kind == PING => assert_eq!(pong.payload, b"farewell"),
                other => assert_ne!(other.kind, frame::HEADERS, "{other:?}"),
            }
        }
    })
    .await;
    let outcome = asked(streams(1), &peers, 10).await;
    assert_none_failed(&outcome);
    assert_eq!((peers.connections(), outcome.reconnects), (2, 1));
    assert_eq!(outcome.unannounced_closes, 0);
}

/// This test never yields, so that nobody but the kernel can know of the GOAWAY.
#[tokio::test]
async fn the_kernel_is_asked_whether_a_goaway_has_come() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let deadline = Instant::now() + HANGS;
    let address = listener.local_addr().unwrap();
    let stream = connect(address, deadline, None).await.unwrap();
    let link = Link::open(stream.into(), address, 0, Duration::ZERO);
    let (mut accepted, _) = listener.accept().unwrap();
    let Opened::Stream(stream) = link.request(OK) else {
        panic!("a new connection has room for a stream");
    };
    assert!(accepted.read(&mut [0; 1_024]).unwrap() > 0);
    let mut goodbye = Vec::new();
    frame::put(&mut goodbye, frame::SETTINGS, 0, 0, &[]);
    frame::put(
        &mut goodbye,
        frame::GOAWAY,
        0,
        0,
        &[0x7f, 255, 255, 255, 0, 0, 0, 0],
    );
    accepted.write_all(&goodbye).unwrap();
    while let Opened::Stream(_) = link.request(OK) {
        assert!(Instant::now() < deadline, "the GOAWAY was never seen");
        std::thread::yield_now();
    }
    assert!(matches!(link.request(OK), Opened::Told));
    drop(stream);
}

#[tokio::test]
async fn a_stream_beyond_the_last_one_of_a_goaway_is_a_failure_and_not_retried() {
    let peers = Peers::start(async |n, mut peer| {
        peer.greet(&[]).await?;
        if n > 0 {
            return peer.serve().await;
        }
        let [first, second] = [peer.request().await?, peer.request().await?];
        peer.go_away(first, 0).await?;
        peer.answer(first).await?;
        assert!(first < second);
        Ok(peer)
    })
    .await;
    let outcome = asked(streams(2), &peers, 10).await;
    let refused = outcome.failures.count(FailureKind::StreamRefusedByGoaway);
    assert_eq!((refused, outcome.failures.total()), (1, 1), "{outcome:?}");
}

#[tokio::test]
async fn a_goaway_before_the_first_request_is_a_failure() {
    let peers = Peers::start(async |_, mut peer| {
        peer.frame(frame::SETTINGS, 0, 0, &[]).await?;
        peer.go_away(0, 0).await?;
        Ok(peer)
    })
    .await;
    let outcome = asked(streams(1), &peers, 5).await;
    assert_all_failed(&outcome, FailureKind::StreamRefusedByGoaway);
}

#[tokio::test]
async fn a_goaway_with_the_first_settings_fails_clients_that_wait_for_those() {
    // However long the round trip: what comes with the settings is seen with them.
    for rtt in [Duration::ZERO, Duration::from_millis(300)] {
        let peers = Peers::start(async |_, mut peer| {
            let mut both = Vec::new();
            frame::put(&mut both, frame::SETTINGS, 0, 0, &[]);
            let goaway = [0x7f, 255, 255, 255, 0, 0, 0, 0];
            frame::put(&mut both, frame::GOAWAY, 0, 0, &goaway);
            assert_eq!(peer.take(frame::PREFACE.len()).await?, frame::PREFACE);
            peer.send(&both).await?;
            peer.serve().await
        })
        .await;
        // The second client lets the server speak first.
        let plan = Plan {
            clients: 2,
            rtt,
            ..streams(1)
        };
        let both = |progress: &Progress| {
            let failed = progress.failed.load(Ordering::Relaxed);
            failed > 0 && progress.requests.load(Ordering::Relaxed) > failed
        };
        let outcome = until(plan, Some(peers.address), both).await;
        let refused = outcome.failures.count(FailureKind::StreamRefusedByGoaway);
        assert_eq!(refused, outcome.failures.total(), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_goaway_cannot_be_taken_back() {
    let peers = Peers::start(async |_, mut peer| {
        peer.greet(&[]).await?;
        let stream = peer.request().await?;
        peer.go_away(stream, 0).await?;
        peer.go_away(ANY, 0).await?;
        peer.answer(stream).await?;
        Ok(peer)
    })
    .await;
    let outcome = asked(streams(1), &peers, 3).await;
    assert_all_failed(&outcome, FailureKind::BadResponse);
}

#[tokio::test]
async fn a_stream_that_is_reset_is_a_failure_and_leaves_the_others_alone() {
    let peers = Peers::start(async |_, mut peer| {
        peer.greet(&[]).await?;
        let [mut first, second] = [peer.request().await?, peer.request().await?];
        let refused = 7_u32.to_be_bytes();
        loop {
            peer.frame(RST_STREAM, 0, first, &refused).await?;
            if first < second {
                peer.answer(second).await?;
            }
            let next = peer.request().await?;
            peer.answer(next).await?;
            first = peer.request().await?;
        }
    })
    .await;
    let outcome = asked(streams(2), &peers, 20).await;
    let reset = outcome.failures.count(FailureKind::StreamReset);
    assert_eq!(reset, outcome.failures.total());
    assert!(reset >= 5 && outcome.complete >= 5, "{outcome:?}");
    let example = &outcome.failures.examples()[0];
    assert_eq!(example.detail, "REFUSED_STREAM before a response");
    assert_eq!(peers.connections(), 1);
}

#[tokio::test]
async fn the_end_of_a_connection_under_a_stream_is_a_failure_by_how_far_it_was() {
    for (answered, reset, kind) in [
        (false, false, FailureKind::ClosedBeforeResponse),
        (true, false, FailureKind::CutInBody),
        (true, true, FailureKind::CutInBody),
    ] {
        let peers = Peers::start(move |_, mut peer| async move {
            peer.greet(&[]).await?;
            let stream = peer.request().await?;
            if answered {
                peer.headers(stream, OK).await?;
                // The answer to what comes next shows that the head has been read.
                peer.frame(PING, 0, 0, b"read yet").await?;
                peer.next(PING).await?;
            }
            if reset {
                return peer.reset();
            }
            peer.fin().await?;
            Ok(peer)
        })
        .await;
        assert_all_failed(&asked(streams(1), &peers, 5).await, kind);
    }
}

#[tokio::test]
async fn a_reset_before_a_response_is_told_from_a_fin() {
    let peers = Peers::start(async |_, mut peer| {
        peer.greet(&[]).await?;
        peer.request().await?;
        peer.reset()
    })
    .await;
    let outcome = asked(streams(1), &peers, 5).await;
    assert_all_failed(&outcome, FailureKind::ResetBeforeResponse);
}

#[tokio::test]
async fn a_fin_while_no_stream_is_open_is_a_reconnect() {
    let peers = Peers::start(async |_, mut peer| {
        peer.greet(&[]).await?;
        let stream = peer.request().await?;
        peer.answer(stream).await?;
        peer.fin().await?;
        Ok(peer)
    })
    .await;
    let plan = plan(Mode::H2 {
        streams: 1,
        every: Duration::from_millis(400),
        slow: None,
    });
    let outcome = asked(plan, &peers, 3).await;
    assert_none_failed(&outcome);
    assert!(outcome.reconnects >= 2, "{outcome:?}");
    assert_eq!(outcome.reconnects, outcome.unannounced_closes);
}

#[tokio::test]
async fn a_connection_refused_is_a_failure_of_each_stream() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let outcome = until(streams(3), Some(address.unwrap()), ended(9)).await;
    assert_all_failed(&outcome, FailureKind::ConnectRefused);
}
