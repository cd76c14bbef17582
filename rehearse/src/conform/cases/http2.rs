//! Streams of HTTP/2 that are in flight, and connections without any.

use std::time::Duration;

use tokio::time::{sleep, sleep_until};

use crate::conform::case::{Case, Observing, Outcome, expect};
use crate::conform::http2::Http2;
use crate::conform::need::Need;
use crate::conform::pod::ARRIVAL;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "h2-in-flight",
        claim: "HTTP/2: a stream that is open is finished.",
        rule: Rule::Http2Streams,
        needs: &[Need::Http2, Need::Slow],
        observe: |stand| Box::pin(in_flight(stand)),
    },
    Case {
        name: "h2-half-body",
        claim: "HTTP/2: a request body that is completed after the lame duck is served.",
        rule: Rule::Http2Streams,
        needs: &[Need::Http2, Need::Upload],
        observe: |stand| Box::pin(half_body(stand)),
    },
    Case {
        name: "h2-slow-reader",
        claim: "HTTP/2: a client that stops reading for a while gets a long response whole.",
        rule: Rule::Http2Streams,
        needs: &[Need::Http2, Need::Download],
        observe: |stand| Box::pin(slow_reader(stand)),
    },
    Case {
        name: "h2-idle-ended",
        claim: "HTTP/2: a connection without streams ends by FIN, and holds nobody.",
        rule: Rule::Http2Streams,
        needs: &[Need::Http2],
        observe: |stand| Box::pin(idle(stand)),
    },
];

/// After the lame duck.
const SOON: Duration = Duration::from_secs(3);
const LATER: Duration = Duration::from_millis(1200);

async fn in_flight(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let connected = Http2::connect(pod.address.http).await;
    let mut connection = connected.observing("before the signal")?;
    let stream = connection.get(&pod.slow()?.target()).await;
    let stream = stream.observing("before the signal")?;
    sleep(ARRIVAL).await;
    pod.tell();
    connection.answered(stream).await?;
    drop(connection);
    pod.leaves_in_good_order().await
}

async fn half_body(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let connected = Http2::connect(pod.address.http).await;
    let mut connection = connected.observing("before the signal")?;
    let stream = connection
        .post(pod.upload()?)
        .await
        .observing("before the signal")?;
    let half = connection.data(stream, b"01234", false).await;
    half.observing("before the signal")?;
    sleep(ARRIVAL).await;
    pod.tell();
    sleep_until(pod.past_lame_duck()).await;
    let rest = connection.data(stream, b"56789", true).await;
    rest.observing("the rest of the body")?;
    connection.answered(stream).await?;
    Ok(())
}

async fn slow_reader(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let download = pod.download()?;
    let connected = Http2::connect_with_small_window(pod.address.http).await;
    let mut connection = connected.observing("before the signal")?;
    let stream = connection.get(&download.target()).await;
    let stream = stream.observing("before the signal")?;
    let begun = connection.until(|c| c.answer(stream).begun).await;
    begun.observing("its head")?;
    pod.tell();
    sleep_until(pod.after(stand.subject.lame_duck + LATER)).await;
    let alive = pod.is_alive().await;
    expect(alive, || {
        "it had left before its client had read everything".to_owned()
    })?;
    let bytes = connection.answered(stream).await?.bytes;
    expect(bytes == download.bytes, || {
        format!("{bytes} of {} bytes came", download.bytes)
    })
}

async fn idle(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let connected = Http2::connect(pod.address.http).await;
    let mut connection = connected.observing("before the signal")?;
    connection.ask(&stand.subject.routes.plain).await?;
    pod.tell();
    let soon = stand.subject.lame_duck + SOON;
    let ended = tokio::time::timeout(soon, connection.fin()).await;
    let ended = ended.map_err(|_| format!("no FIN came for {soon:?}"));
    ended
        .observing("the connection")?
        .observing("the connection")?;
    drop(connection);
    pod.leaves_within(soon).await?;
    Ok(())
}
