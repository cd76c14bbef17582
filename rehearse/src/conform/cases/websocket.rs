//! WebSockets.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::need::Need;
use crate::conform::pod::Pod;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::websocket::{CLOSE, FIN, Frame, PING, PONG, RSV1, TEXT, WebSocket};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "websocket-goes-on",
        claim: "A WebSocket goes on during the lame duck: a Ping is answered by a Pong.",
        rule: Rule::WebSocket,
        needs: &[Need::LameDuck, Need::WebSocket],
        observe: |stand| Box::pin(goes_on(stand)),
    },
    Case {
        name: "websocket-close",
        claim: "A WebSocket's client gets Close 1001 (going away) or 1012 (service restart).",
        rule: Rule::WebSocket,
        needs: &[Need::WebSocket],
        observe: |stand| Box::pin(close(stand)),
    },
    Case {
        name: "websocket-close-answered",
        claim: "The client's answer to Close is waited for; then FIN comes, and no RST.",
        rule: Rule::WebSocket,
        needs: &[Need::WebSocket],
        observe: |stand| Box::pin(answered(stand)),
    },
    Case {
        name: "websocket-unanswered",
        claim: "A client that never answers Close holds the process no longer than its deadline.",
        rule: Rule::Deadline,
        needs: &[Need::WebSocket],
        observe: |stand| Box::pin(unanswered(stand)),
    },
    Case {
        name: "websocket-reserved",
        claim: "A frame with a reserved bit is answered by Close 1002 (protocol error).",
        rule: Rule::WebSocket,
        needs: &[Need::WebSocket],
        observe: |stand| Box::pin(reserved(stand)),
    },
];

async fn open(pod: &Pod<'_>) -> Result<WebSocket, Stop> {
    let path = pod.subject.routes.websocket.as_deref().unwrap_or_default();
    let opened = WebSocket::open(pod.address.http, path).await;
    opened.observing("opening the WebSocket before the signal")
}

async fn goes_on(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut socket = open(&pod).await?;
    pod.tell();
    for part in [0.3, 0.6] {
        sleep_until(pod.in_lame_duck(part)).await;
        socket.send(PING, b"conform").await.observing("a Ping")?;
        let pong = socket.next(PONG).await.observing("its Pong")?;
        expect(pong.payload == b"conform", || {
            "another Pong came".to_owned()
        })?;
    }
    Ok(())
}

async fn closed(pod: &mut Pod<'_>, socket: &mut WebSocket) -> Result<Frame, Stop> {
    pod.tell();
    socket.next(CLOSE).await.observing("in place of Close")
}

async fn close(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut socket = open(&pod).await?;
    let code = closed(&mut pod, &mut socket).await?.close_code();
    expect(matches!(code, 1001 | 1012), || format!("Close {code}"))
}

async fn answered(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut socket = open(&pod).await?;
    let close = closed(&mut pod, &mut socket).await?;
    let while_waiting = Instant::now() + Duration::from_millis(300);
    let waits = socket.wire.quiet_until(while_waiting).await;
    waits.observing("before Close was answered")?;
    socket
        .send(CLOSE, &close.payload)
        .await
        .observing("the answer")?;
    socket.wire.fin().await.observing("after the answer")
}

async fn unanswered(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let _socket = open(&pod).await?;
    pod.tell();
    pod.leaves().await?;
    Ok(())
}

async fn reserved(stand: &Stand<'_>) -> Outcome {
    let pod = stand.start().await?;
    let mut socket = open(&pod).await?;
    // No extension was negotiated that would give the bit a meaning.
    let sent = socket.send_frame(FIN | RSV1 | TEXT, b"conform").await;
    sent.observing("the frame")?;
    let closed = socket.next(CLOSE).await.observing("in place of Close")?;
    let code = closed.close_code();
    expect(code == 1002, || format!("Close {code}"))
}
