//! WebSockets during termination, and their closing handshake.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::feature::Feature;
use crate::launcher::Launcher;
use crate::requirement::{
    DEADLINE, WEBSOCKET_CLOSE, WEBSOCKET_CLOSING_HANDSHAKE, WEBSOCKET_DRAIN,
    WEBSOCKET_PROTOCOL_ERROR,
};
use crate::server::Server;
use crate::websocket::{WebSocket, words};
use rehearse_wire::websocket::{self, CLOSE, PING, PONG, RSV1, TEXT};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "websocket-goes-on",
        claim: "A WebSocket goes on during the lame duck: a Ping is answered by a Pong.",
        requirement: &WEBSOCKET_DRAIN,
        requires: &[Feature::LameDuck, Feature::WebSocket],
        observe: |launcher| Box::pin(goes_on(launcher)),
    },
    Case {
        name: "websocket-close",
        claim: "A WebSocket's client gets Close.",
        requirement: &WEBSOCKET_CLOSE,
        requires: &[Feature::WebSocket],
        observe: |launcher| Box::pin(close(launcher)),
    },
    Case {
        name: "websocket-close-code",
        claim: "Its code is 1001 (going away) or 1012 (service restart).",
        requirement: &WEBSOCKET_DRAIN,
        requires: &[Feature::WebSocket],
        observe: |launcher| Box::pin(close_code(launcher)),
    },
    Case {
        name: "websocket-close-answered",
        claim: "The client's answer to Close is waited for; then FIN comes, and no RST.",
        requirement: &WEBSOCKET_CLOSING_HANDSHAKE,
        requires: &[Feature::WebSocket],
        observe: |launcher| Box::pin(answered(launcher)),
    },
    Case {
        name: "websocket-unanswered",
        claim: "A client that never answers Close holds the process no longer than its deadline.",
        requirement: &DEADLINE,
        requires: &[Feature::WebSocket],
        observe: |launcher| Box::pin(unanswered(launcher)),
    },
    Case {
        name: "websocket-reserved",
        claim: "A frame with a reserved bit is answered by Close 1002 (protocol error).",
        requirement: &WEBSOCKET_PROTOCOL_ERROR,
        requires: &[Feature::WebSocket],
        observe: |launcher| Box::pin(reserved(launcher)),
    },
];

async fn open(server: &Server<'_>) -> Result<WebSocket, Stop> {
    let path = server
        .subject
        .routes
        .websocket
        .as_deref()
        .unwrap_or_default();
    let opened = WebSocket::open(server.http1(), path).await;
    opened.observing("opening the WebSocket before the signal")
}

async fn goes_on(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut socket = open(&server).await?;
    server.terminate();
    for part in [0.3, 0.6] {
        sleep_until(server.in_lame_duck(part)).await;
        socket.send(PING, b"conform").await.observing("a Ping")?;
        let pong = socket.next(PONG).await.observing("its Pong")?;
        expect(pong == b"conform", || "another Pong came".to_owned())?;
    }
    Ok(())
}

async fn closed(server: &mut Server<'_>, socket: &mut WebSocket) -> Result<Vec<u8>, Stop> {
    server.terminate();
    socket.next(CLOSE).await.observing("in place of Close")
}

async fn close(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut socket = open(&server).await?;
    closed(&mut server, &mut socket).await.map(drop)
}

async fn close_code(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut socket = open(&server).await?;
    let code = websocket::close_code(&closed(&mut server, &mut socket).await?);
    expect(matches!(code, Some(1001 | 1012)), || {
        format!("Close {}", words(code))
    })
}

async fn answered(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut socket = open(&server).await?;
    let close = closed(&mut server, &mut socket).await?;
    let while_waiting = Instant::now() + Duration::from_millis(300);
    let waits = socket.connection.quiet_until(while_waiting).await;
    waits.observing("before Close was answered")?;
    socket.send(CLOSE, &close).await.observing("the answer")?;
    socket.connection.fin().await.observing("after the answer")
}

async fn unanswered(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let _socket = open(&server).await?;
    server.terminate();
    server.exits().await?;
    Ok(())
}

async fn reserved(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut socket = open(&server).await?;
    // No extension was negotiated that would give the bit a meaning.
    let sent = socket.send(RSV1 | TEXT, b"conform").await;
    sent.observing("the frame")?;
    let closed = socket.next(CLOSE).await.observing("in place of Close")?;
    let code = websocket::close_code(&closed);
    expect(code == Some(1002), || format!("Close {}", words(code)))
}
