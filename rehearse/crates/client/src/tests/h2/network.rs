//! HTTP/2 on a network that takes time.

use std::sync::atomic::AtomicU64;

use super::server::{ANY, OK};
use super::*;
use rehearse_wire::http2::frame::{self, DATA, END_HEADERS, END_STREAM, HEADERS, PING};

const RTT: Duration = Duration::from_millis(300);

fn far(streams_of_a_client: usize) -> Plan {
    Plan {
        rtt: RTT,
        ..streams(streams_of_a_client)
    }
}

/// A whole answer with what follows it, so that a client which has one has the other.
fn answer_and(stream: u32, kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame::put(&mut out, HEADERS, END_HEADERS, stream, OK);
    frame::put(&mut out, DATA, END_STREAM, stream, b"ok");
    frame::put(&mut out, kind, 0, 0, payload);
    out
}

fn last(stream: u32) -> Vec<u8> {
    [stream.to_be_bytes(), 0_u32.to_be_bytes()].concat()
}

#[tokio::test]
async fn a_stream_that_is_on_its_way_when_a_goaway_comes_is_lost_unless_it_is_answered() {
    let peers = Peers::start(async |n, mut peer| {
        peer.greet(&[]).await?;
        if n > 0 {
            return peer.serve().await;
        }
        let stream = peer.request().await?;
        peer.send(&answer_and(stream, frame::GOAWAY, &last(stream)))
            .await?;
        Ok(peer)
    })
    .await;
    let outcome = asked(far(1), &peers, 10).await;
    let refused = outcome.failures.count(FailureKind::StreamRefusedByGoaway);
    assert_eq!((refused, outcome.failures.total()), (1, 1), "{outcome:?}");
    assert_eq!(outcome.reconnects, 1);
}

#[tokio::test]
async fn what_stands_behind_a_goaway_is_seen_behind_it() {
    let unseen = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&unseen);
    let peers = Peers::start(move |n, mut peer| {
        let counted = Arc::clone(&counted);
        async move {
            peer.greet(&[]).await?;
            if n > 0 {
                return peer.serve().await;
            }
            let mut stream = peer.request().await?;
            peer.send(&answer_and(stream, frame::GOAWAY, &last(ANY)))
                .await?;
            peer.frame(PING, 0, 0, b"farewell").await?;
            loop {
                match peer.any().await? {
                    pong if pong.kind == PING => break,
                    head if head.kind == HEADERS => {
                        stream = head.stream;
                        counted.fetch_add(1, Ordering::SeqCst);
                        peer.answer(stream).await?;
                    }
                    _ => {}
                }
            }
            peer.go_away(stream, 0).await?;
            Ok(peer)
        }
    })
    .await;
    let outcome = asked(far(4), &peers, 40).await;
    assert_none_failed(&outcome);
    // They went to the server that had said goodbye, and were served.
    assert!(unseen.load(Ordering::SeqCst) > 0, "{outcome:?}");
    assert_eq!((outcome.reconnects, peers.connections()), (1, 2));
}

#[tokio::test]
async fn an_unannounced_fin_loses_the_streams_of_the_next_round_trip() {
    let peers = Peers::start(async |n, mut peer| {
        peer.greet(&[]).await?;
        if n > 0 {
            return peer.serve().await;
        }
        let stream = peer.request().await?;
        let nothing = [0; 8];
        peer.send(&answer_and(stream, PING, &nothing)).await?;
        while peer.any().await?.kind != PING {}
        peer.fin().await?;
        Ok(peer)
    })
    .await;
    let plan = Plan {
        rtt: RTT,
        ..plan(Mode::H2 {
            streams: 1,
            every: Duration::from_millis(100),
            slow: None,
        })
    };
    let outcome = asked(plan, &peers, 5).await;
    let lost = outcome.failures.count(FailureKind::ClosedBeforeResponse);
    assert_eq!((lost, outcome.failures.total()), (1, 1), "{outcome:?}");
    assert_eq!((outcome.unannounced_closes, outcome.crossed), (1, 1));
    assert!(
        outcome.at_risk >= 1 && outcome.expected_crossed >= 0.3,
        "{outcome:?}"
    );
    assert_eq!(outcome.reconnects, 0);
}
