//! TLS: handshakes and requests that a drain finds half way.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::case::{Case, Observing, Outcome, Stop};
use crate::connection::Connection;
use crate::feature::Feature;
use crate::launcher::Launcher;
use crate::requirement::{TLS_HANDSHAKES, TLS_RECORDS, TLS_RESUMPTION};
use crate::server::{ARRIVAL, Server};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "tls-hello-at-signal",
        claim: "TLS: half a ClientHello at the signal is completed, and its request served.",
        requirement: &TLS_HANDSHAKES,
        requires: &[Feature::Tls],
        observe: |launcher| Box::pin(hello_at_signal(launcher)),
    },
    Case {
        name: "tls-hello-at-close",
        claim: "TLS: half a ClientHello when the lame duck ends is completed, its request served.",
        requirement: &TLS_HANDSHAKES,
        requires: &[Feature::Tls, Feature::LameDuck],
        observe: |launcher| Box::pin(hello_at_close(launcher)),
    },
    Case {
        name: "tls-handshake-at-close",
        claim: "TLS: a handshake half done when the lame duck ends is finished, its request served.",
        requirement: &TLS_HANDSHAKES,
        requires: &[Feature::Tls, Feature::LameDuck],
        observe: |launcher| Box::pin(handshake_at_close(launcher)),
    },
    Case {
        name: "tls-request-with-finished",
        claim: "TLS: a request in the same segment as the end of the handshake is served.",
        requirement: &TLS_RECORDS,
        requires: &[Feature::Tls],
        observe: |launcher| Box::pin(with_finished(launcher)),
    },
    Case {
        name: "tls-request-in-records",
        claim: "TLS: a request of which each byte is a record of its own is served.",
        requirement: &TLS_RECORDS,
        requires: &[Feature::Tls],
        observe: |launcher| Box::pin(in_records(launcher)),
    },
    Case {
        name: "tls-half-record",
        claim: "TLS: half a record on a kept connection, completed late in the drain, is served.",
        requirement: &TLS_RECORDS,
        requires: &[Feature::Tls],
        observe: |launcher| Box::pin(half_record(launcher)),
    },
    Case {
        name: "tls-record-at-close",
        claim: "TLS: records that have arrived on kept connections when the lame duck ends are served.",
        requirement: &TLS_RECORDS,
        requires: &[Feature::Tls, Feature::LameDuck],
        observe: |launcher| Box::pin(record_at_close(launcher)),
    },
    Case {
        name: "tls-other-replica",
        claim: "TLS: a client that offers one replica's session to another is served.",
        requirement: &TLS_RESUMPTION,
        requires: &[Feature::Tls],
        observe: |launcher| Box::pin(other_replica(launcher)),
    },
];

/// So long after the fence a handshake goes on: less than the second that a client has to begin.
const AFTER_CLOSE: Duration = Duration::from_millis(500);

/// Half of the first message, and then what is left, with the whole handshake and a request.
struct HalfHello {
    connection: Connection,
    rest: Vec<u8>,
}

impl HalfHello {
    async fn send(server: &Server<'_>) -> Result<Self, Stop> {
        let mut connection = server.connect().await.observing("connecting")?;
        let mut first = connection.seal("").observing("a ClientHello")?;
        let rest = first.split_off(first.len() / 2);
        let sent = connection.send_sealed(&first).await;
        sent.observing("half a ClientHello")?;
        Ok(Self { connection, rest })
    }

    async fn finish(mut self, server: &Server<'_>) -> Outcome {
        let sent = self.connection.send_sealed(&self.rest).await;
        sent.observing("the rest of a ClientHello")?;
        let response = self.connection.exchange(&server.plain_request()).await;
        response.observing("the request behind it").map(drop)
    }
}

async fn hello_at_signal(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let hello = HalfHello::send(&server).await?;
    sleep(ARRIVAL).await;
    server.terminate();
    sleep(ARRIVAL).await;
    hello.finish(&server).await
}

async fn hello_at_close(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.9)).await;
    let hello = HalfHello::send(&server).await?;
    server.not_later_than(launcher.subject.lame_duck)?;
    sleep_until(server.after(launcher.subject.lame_duck + AFTER_CLOSE)).await;
    hello.finish(&server).await
}

async fn handshake_at_close(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.9)).await;
    let mut connection = server.connect().await.observing("connecting")?;
    let request = server.plain_request();
    let withheld = connection.withhold(&request).await;
    withheld.observing("the server's part of the handshake")?;
    server.not_later_than(launcher.subject.lame_duck)?;
    sleep_until(server.after(launcher.subject.lame_duck + AFTER_CLOSE)).await;
    let finished = connection.send("").await;
    finished.observing("the end of the handshake")?;
    let response = connection.success().await;
    response.observing("the request with it").map(drop)
}

async fn with_finished(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.connect().await.observing("connecting")?;
    let withheld = connection.withhold(server.plain_request()).await;
    withheld.observing("the server's part of the handshake")?;
    // Both, in one piece: one write of a socket that delays nothing.
    let both = connection.seal("").observing("the end of the handshake")?;
    connection.send_sealed(&both).await.observing("both")?;
    let response = connection.success().await;
    response.observing("the request").map(drop)
}

async fn in_records(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    let mut records = Vec::new();
    for byte in server.plain_request().bytes() {
        let record = connection.seal([byte]).observing("a record")?;
        records.extend(record);
    }
    // In pieces that end within records.
    for piece in records.chunks(records.len() / 7) {
        let sent = connection.send_sealed(piece).await;
        sent.observing("a piece of the records")?;
        sleep(ARRIVAL / 10).await;
    }
    let response = connection.success().await;
    response.observing("the request").map(drop)
}

/// Half way from the lame duck's end to the deadline: kept connections that are idle have ended.
fn late(server: &Server<'_>) -> Instant {
    let subject = server.subject;
    server.after(subject.lame_duck + (subject.deadline - subject.lame_duck) / 2)
}

async fn half_record(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    let record = connection
        .seal(server.plain_request())
        .observing("a record")?;
    let (first, second) = record.split_at(record.len() / 2);
    let sent = connection.send_sealed(first).await;
    sent.observing("half a record")?;
    sleep(ARRIVAL).await;
    server.terminate();
    sleep_until(late(&server)).await;
    let sent = connection.send_sealed(second).await;
    sent.observing("the rest of it")?;
    let response = connection.success().await;
    response.observing("the request").map(drop)
}

async fn record_at_close(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connections = server.idle_connections(16).await?;
    server.terminate_and_suspend_before_close().await?;
    let mut rests = Vec::new();
    for connection in &mut connections {
        let mut record = connection
            .seal(server.plain_request())
            .observing("a record")?;
        // The head of a record, and one byte: nothing that the session could show.
        rests.push(record.split_off(6));
        let sent = connection.send_sealed(&record).await;
        sent.observing("the beginning of a record")?;
    }
    server.resume_after_close().await;
    sleep_until(late(&server)).await;
    for (connection, rest) in connections.iter_mut().zip(rests) {
        let sent = connection.send_sealed(&rest).await;
        sent.observing("the rest of a record")?;
        let response = connection.success().await;
        response.observing("the request in it")?;
    }
    Ok(())
}

async fn other_replica(launcher: &Launcher<'_>) -> Outcome {
    let (one, other) = (launcher.start().await?, launcher.start().await?);
    request(&one).await?;
    // Else none is offered to the other one.
    if !request(&one).await?.is_resumed() {
        let why = "a server that takes its sessions up again";
        return Err(Stop::not_applicable(why));
    }
    // There and back, as balancing sends them.
    for server in [&other, &one, &other] {
        request(server).await?;
    }
    Ok(())
}

/// A request on a connection of its own.
async fn request(server: &Server<'_>) -> Result<Connection, Stop> {
    let mut connection = server.connect().await.observing("connecting")?;
    let response = connection.exchange(&server.plain_request()).await;
    response.observing("a request with a session")?;
    Ok(connection)
}
