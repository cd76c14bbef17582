//! Streams side by side, and their answers.

use super::super::super::{SlowStreams, pattern};
use super::server::OK;
use super::*;
use rehearse_wire::http2::frame::{
    self, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, WINDOW_UPDATE, setting,
};

#[tokio::test]
async fn all_streams_of_a_client_share_its_connection_and_wait_for_nobody() {
    const STREAMS: usize = 8;
    let peers = Peers::start(async |_, mut peer| {
        peer.greet(&[]).await?;
        // Answered only once all of them are open, and the last one first: one after the other
        // would wait for ever.
        let mut open = Vec::new();
        while open.len() < STREAMS {
            open.push(peer.request().await?);
        }
        while let Some(stream) = open.pop() {
            peer.answer(stream).await?;
        }
        peer.serve().await
    })
    .await;
    let plan = Plan {
        expect: Some("ok".to_owned()),
        ..streams(STREAMS)
    };
    assert_none_failed(&asked(plan, &peers, 50).await);
    assert_eq!(peers.connections(), 1);
}

#[tokio::test]
async fn what_the_server_does_not_allow_waits() {
    let peers = Peers::start(async |_, mut peer| {
        peer.greet(&setting(3, 1)).await?;
        // Until then a client may open as many as it likes.
        let first = peer.request().await?;
        peer.answer(first).await?;
        let mut open = 0;
        loop {
            let received = peer.any().await?;
            if received.kind == HEADERS {
                open += 1;
                peer.answer(received.stream).await?;
                open -= 1;
            }
            assert!(open <= 1);
        }
    })
    .await;
    let outcome = asked(streams(4), &peers, 20).await;
    assert_none_failed(&outcome);
}

#[tokio::test]
async fn interim_heads_parts_of_heads_and_trailers_are_no_answer() {
    let peers = Peers::start(async |_, mut peer| {
        peer.greet(&[]).await?;
        loop {
            let stream = peer.request().await?;
            peer.headers(stream, b"\x08\x03103").await?;
            peer.frame(HEADERS, 0, stream, &OK[..0]).await?;
            peer.frame(CONTINUATION, END_HEADERS, stream, OK).await?;
            peer.frame(DATA, 0, stream, b"ok").await?;
            let trailers = b"\x00\x01a\x01b";
            peer.frame(HEADERS, END_HEADERS | END_STREAM, stream, trailers)
                .await?;
        }
    })
    .await;
    let plan = Plan {
        expect: Some("ok".to_owned()),
        ..streams(2)
    };
    assert_none_failed(&asked(plan, &peers, 10).await);
    assert_eq!(peers.connections(), 1);
}

#[tokio::test]
async fn a_wrong_answer_is_told_from_a_right_one() {
    let five_hundred: &[u8] = &[0x8e];
    let three_announced: &[u8] = &[0x88, 0x0f, 0x0d, 0x01, b'3'];
    for (block, body, expect, kind) in [
        (five_hundred, "ok", None, FailureKind::WrongStatus),
        (OK, "no", Some("ok"), FailureKind::WrongBody),
        (OK, "o", Some("ok"), FailureKind::WrongBody),
        (OK, "okay", Some("ok"), FailureKind::WrongBody),
        (three_announced, "ok", None, FailureKind::WrongBody),
        (three_announced, "ok", Some("ok"), FailureKind::WrongBody),
        (b"\xbe", "ok", None, FailureKind::BadResponse),
    ] {
        let peers = Peers::start(move |_, mut peer| async move {
            peer.greet(&[]).await?;
            loop {
                let stream = peer.request().await?;
                peer.headers(stream, block).await?;
                peer.frame(DATA, END_STREAM, stream, body.as_bytes())
                    .await?;
            }
        })
        .await;
        let plan = Plan {
            expect: expect.map(str::to_owned),
            ..streams(1)
        };
        assert_all_failed(&asked(plan, &peers, 3).await, kind);
    }
}

#[tokio::test]
async fn what_speaks_no_http_2_is_a_bad_response() {
    let peers = Peers::start(async |_, mut peer| {
        peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            .await?;
        Ok(peer)
    })
    .await;
    let outcome = asked(streams(2), &peers, 6).await;
    assert_all_failed(&outcome, FailureKind::BadResponse);
}

#[tokio::test]
async fn a_late_answer_is_a_timeout_and_its_stream_is_left() {
    let peers = Peers::start(async |_, mut peer| {
        peer.greet(&[]).await?;
        loop {
            let stream = peer.request().await?;
            let left = peer.next(RST_STREAM).await?;
            assert_eq!(left.stream, stream);
            assert_eq!(left.payload, frame::CANCEL.to_be_bytes());
            // Which may have crossed it.
            peer.answer(stream).await?;
        }
    })
    .await;
    let plan = Plan {
        timeout: Duration::from_millis(30),
        ..streams(1)
    };
    let outcome = asked(plan, &peers, 5).await;
    assert_all_failed(&outcome, FailureKind::Timeout);
    assert_eq!(peers.connections(), 1);
}

#[tokio::test]
async fn a_slow_stream_holds_its_server_back_and_checks_every_byte() {
    const BYTES: u64 = 150_000;
    for broken in [None, Some(140_000)] {
        let peers = Peers::start(move |_, mut peer| async move {
            peer.greet(&[]).await?;
            loop {
                let stream = peer.request().await?;
                peer.headers(stream, OK).await?;
                let (mut window, mut sent) = (65_535, 0_u64);
                while sent < BYTES {
                    while window < 10_000 {
                        let update = peer.next(WINDOW_UPDATE).await?;
                        if update.stream == stream {
                            let more: [u8; 4] = update.payload.try_into().unwrap();
                            window += u32::from_be_bytes(more);
                        }
                    }
                    assert!(window <= 65_535, "more was allowed than was read");
                    let mut piece = pattern::at(sent, 10_000).to_vec();
                    let place = broken.and_then(|byte: u64| byte.checked_sub(sent));
                    if let Some(byte) = place.and_then(|at| piece.get_mut(at as usize)) {
                        *byte ^= 1;
                    }
                    sent += piece.len() as u64;
                    window -= piece.len() as u32;
                    let flags = if sent == BYTES { END_STREAM } else { 0 };
                    peer.frame(DATA, flags, stream, &piece).await?;
                }
            }
        })
        .await;
        let slow = SlowStreams {
            target: "/download".to_owned(),
            every: Duration::from_millis(10),
            bytes: BYTES,
            rate: 3_000_000,
        };
        let plan = plan(Mode::H2 {
            streams: 1,
            every: Duration::from_secs(1),
            slow: Some(slow),
        });
        let outcome = asked(plan, &peers, 2).await;
        match broken {
            None => assert_none_failed(&outcome),
            Some(_) => assert_all_failed(&outcome, FailureKind::WrongBody),
        }
    }
}
