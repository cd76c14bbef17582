//! Pipelined requests.

use std::time::Duration;

use tokio::time::{sleep, sleep_until};

use super::idle_connections::KEPT;
use crate::case::{Case, Observing, Outcome, expect};
use crate::connection::Connection;
use crate::feature::Feature;
use crate::http1::get;
use crate::launcher::Launcher;
use crate::requirement::PIPELINING;
use crate::server::ARRIVAL;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "pipelined-at-signal",
        claim: "A pipelined pair that arrives with the signal is answered, both of it.",
        requirement: &PIPELINING,
        requires: &[],
        observe: |launcher| Box::pin(at_signal(launcher)),
    },
    Case {
        name: "pipelined-in-lame-duck",
        claim: "A pipelined pair is answered; only the last response says close.",
        requirement: &PIPELINING,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(in_lame_duck(launcher)),
    },
    Case {
        name: "pipelined-behind-slow",
        claim: "What is pipelined behind a slow request is answered; only the last response says close.",
        requirement: &PIPELINING,
        requires: &[Feature::Slow],
        observe: |launcher| Box::pin(behind_slow(launcher)),
    },
    Case {
        name: "half-pipelined",
        claim: "A next request's first bytes behind a slow one withhold the close: it is served.",
        requirement: &PIPELINING,
        requires: &[Feature::Slow],
        observe: |launcher| Box::pin(half(launcher)),
    },
    Case {
        name: "always-outstanding",
        claim: "Who has always two requests outstanding is answered, and told soon; it holds nobody.",
        requirement: &PIPELINING,
        requires: &[Feature::SlowOfAnyLength],
        observe: |launcher| Box::pin(always_outstanding(launcher)),
    },
];

/// How long each request of a client takes that always has two outstanding: time enough for the
/// next one to come.
const EACH: Duration = Duration::from_millis(100);

/// After the lame duck, until such a client has been told, and the process has left.
const SOON: Duration = Duration::from_secs(3);

/// Both are answered, and only the last response says close.
async fn both_are_answered(connection: &mut Connection) -> Outcome {
    first_without_close(connection).await?;
    second_with_close(connection).await
}

async fn first_without_close(connection: &mut Connection) -> Outcome {
    let first = connection.success().await.observing("the first response")?;
    let discards = "the first response said close, so a client must discard the second";
    expect(!first.close, || discards.to_owned())
}

async fn second_with_close(connection: &mut Connection) -> Outcome {
    let second = connection
        .success()
        .await
        .observing("the second response")?;
    expect(second.close, || "the second did not say close".to_owned())
}

async fn at_signal(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connections = server.idle_connections(KEPT).await?;
    server.suspend().await;
    for connection in &mut connections {
        let sent = connection.send(server.plain_request().repeat(2)).await;
        sent.observing("a pair on a kept connection")?;
    }
    server.terminate();
    server.resume();
    // Which comes first to a process that wakes up, the pair or the signal, is not ours to say.
    for connection in &mut connections {
        first_without_close(connection).await?;
        connection
            .success()
            .await
            .observing("the second response")?;
    }
    Ok(())
}

async fn in_lame_duck(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    server.terminate();
    let quiet = connection.quiet_until(server.in_lame_duck(0.3)).await;
    quiet.observing("an idle connection in the lame duck")?;
    let pair = server.plain_request().repeat(2);
    connection.send(pair).await.observing("a pair")?;
    both_are_answered(&mut connection).await
}

async fn behind_slow(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.connect().await.observing("before the signal")?;
    let pair = get(&server.slow()?.target()) + &server.plain_request();
    connection.send(pair).await.observing("before the signal")?;
    sleep(ARRIVAL).await;
    server.terminate();
    both_are_answered(&mut connection).await
}

async fn half(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.connect().await.observing("before the signal")?;
    let next = server.plain_request();
    let (begin, end) = next.split_at(6);
    let sent = get(&server.slow()?.target()) + begin;
    connection.send(sent).await.observing("before the signal")?;
    sleep(ARRIVAL).await;
    server.terminate();
    first_without_close(&mut connection).await?;
    sleep_until(server.after_lame_duck()).await;
    connection
        .send(end)
        .await
        .observing("the rest of the second request")?;
    second_with_close(&mut connection).await
}

async fn always_outstanding(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.connect().await.observing("before the signal")?;
    let request = get(&server.slow()?.lasting(EACH));
    let pair = connection.send(request.repeat(2)).await;
    pair.observing("before the signal")?;
    connection.success().await.observing("before the signal")?;
    let next = connection.send(&request).await;
    next.observing("before the signal")?;
    server.terminate();
    let soon = launcher.subject.lame_duck + SOON;
    loop {
        let response = connection.success().await;
        let seen = format!(
            "a response {:.1?} after the signal",
            server.since_termination()
        );
        // What is behind a close is not answered, and its client knows.
        if response.observing(seen)?.close {
            break;
        }
        expect(server.since_termination() < soon, || {
            format!("no response had said close {soon:.1?} after the signal")
        })?;
        let next = connection.send(&request).await;
        next.observing("the next request")?;
    }
    drop(connection);
    server.exits_within(soon).await?;
    Ok(())
}
