//! Streams of HTTP/2 that are open, and connections without any.

use std::time::Duration;

use tokio::time::{sleep, sleep_until};

use crate::case::{Case, Observing, Outcome, expect};
use crate::feature::Feature;
use crate::http2::Http2;
use crate::launcher::Launcher;
use crate::requirement::{HTTP2_STREAMS, IDLE_ENDED};
use crate::server::ARRIVAL;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "h2-in-flight",
        claim: "HTTP/2: a stream that is open is finished.",
        requirement: &HTTP2_STREAMS,
        requires: &[Feature::Http2, Feature::Slow],
        observe: |launcher| Box::pin(in_flight(launcher)),
    },
    Case {
        name: "h2-half-body",
        claim: "HTTP/2: a request body that is completed after the lame duck is served.",
        requirement: &HTTP2_STREAMS,
        requires: &[Feature::Http2, Feature::Upload],
        observe: |launcher| Box::pin(half_body(launcher)),
    },
    Case {
        name: "h2-slow-reader",
        claim: "HTTP/2: a client that stops reading for a while gets a long response whole.",
        requirement: &HTTP2_STREAMS,
        requires: &[Feature::Http2, Feature::Download],
        observe: |launcher| Box::pin(slow_reader(launcher)),
    },
    Case {
        name: "h2-idle-ended",
        claim: "HTTP/2: a connection without streams ends by FIN, and holds nobody.",
        requirement: &IDLE_ENDED,
        requires: &[Feature::Http2],
        observe: |launcher| Box::pin(idle_connection(launcher)),
    },
];

/// After the lame duck.
const SOON: Duration = Duration::from_secs(3);
const LATER: Duration = Duration::from_millis(1200);

async fn in_flight(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let connected = Http2::connect(server.http2()).await;
    let mut connection = connected.observing("before the signal")?;
    let stream = connection.get(&server.slow()?.target()).await;
    let stream = stream.observing("before the signal")?;
    sleep(ARRIVAL).await;
    server.terminate();
    connection.answered(stream).await?;
    drop(connection);
    server.exits_cleanly().await
}

async fn half_body(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let connected = Http2::connect(server.http2()).await;
    let mut connection = connected.observing("before the signal")?;
    let stream = connection
        .post(server.upload()?)
        .await
        .observing("before the signal")?;
    let half = connection.data(stream, b"01234", false).await;
    half.observing("before the signal")?;
    sleep(ARRIVAL).await;
    server.terminate();
    sleep_until(server.after_lame_duck()).await;
    let rest = connection.data(stream, b"56789", true).await;
    rest.observing("the rest of the body")?;
    connection.answered(stream).await?;
    Ok(())
}

async fn slow_reader(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let download = server.download()?;
    let connected = Http2::connect_with_small_window(server.http2()).await;
    let mut connection = connected.observing("before the signal")?;
    let stream = connection.get(&download.target()).await;
    let stream = stream.observing("before the signal")?;
    let begun = connection
        .until(|c| c.answer(stream).status.is_some())
        .await;
    begun.observing("its head")?;
    server.terminate();
    sleep_until(server.after(launcher.subject.lame_duck + LATER)).await;
    let alive = server.is_alive().await;
    expect(alive, || {
        "it had left before its client had read everything".to_owned()
    })?;
    let bytes = connection.answered(stream).await?.bytes;
    expect(bytes == download.bytes, || {
        format!("{bytes} of {} bytes came", download.bytes)
    })
}

async fn idle_connection(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let connected = Http2::connect(server.http2()).await;
    let mut connection = connected.observing("before the signal")?;
    connection.exchange(&launcher.subject.routes.plain).await?;
    server.terminate();
    let soon = launcher.subject.lame_duck + SOON;
    let ended = tokio::time::timeout(soon, connection.fin()).await;
    let ended = ended.map_err(|_| format!("no FIN came for {soon:?}"));
    ended
        .observing("the connection")?
        .observing("the connection")?;
    drop(connection);
    server.exits_within(soon).await?;
    Ok(())
}
