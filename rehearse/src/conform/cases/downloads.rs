//! Responses that take long to arrive.

use std::time::Duration;

use tokio::time::sleep_until;

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::http::get;
use crate::conform::need::Need;
use crate::conform::pod::Pod;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::Wire;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "slow-reader",
        claim: "A client that stops reading for a while gets a long response to its last byte.",
        rule: Rule::LastByte,
        needs: &[Need::Download],
        observe: |stand| Box::pin(slow_reader(stand)),
    },
    Case {
        name: "unacknowledged-bytes",
        claim: "The process stays until its client has acknowledged what the kernel has taken.",
        rule: Rule::LastByte,
        needs: &[Need::DownloadOfAnySize],
        observe: |stand| Box::pin(unacknowledged(stand)),
    },
    Case {
        name: "chunked-end",
        claim: "A chunked response that is still being sent ends with its last-chunk marker.",
        rule: Rule::Streams,
        needs: &[Need::Download],
        observe: |stand| Box::pin(chunked_end(stand)),
    },
];

/// Small enough for a kernel to take it wholly, too large for a small window.
const TAKEN_BY_THE_KERNEL: usize = 100_000;

/// After the lame duck: a process that leaves too early has left by then, even if it waits for idle
/// connections for a while.
const LATER: Duration = Duration::from_millis(2700);

/// A client that has asked and has read the head, and then reads nothing until the lame duck is
/// long over.
async fn stopped_reader(pod: &mut Pod<'_>, bytes: usize, target: &str) -> Outcome {
    let small = Wire::connect_with_small_window(pod.address.http).await;
    let mut wire = small.observing("before the signal")?;
    wire.send(get(target))
        .await
        .observing("before the signal")?;
    let head = wire.head().await.observing("its head")?;
    pod.tell();
    sleep_until(pod.after(pod.subject.lame_duck + LATER)).await;
    let alive = pod.is_alive().await;
    expect(alive, || {
        "it had left before its client had read everything".to_owned()
    })?;
    let body = wire.body(&head).await.observing("its body")?;
    let length = body.len();
    expect(length == bytes, || {
        format!("{length} of {bytes} bytes came")
    })?;
    // Whatever was said before the signal, the connection ends here.
    wire.fin().await.observing("after the response")
}

async fn slow_reader(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let download = pod.download()?;
    stopped_reader(&mut pod, download.bytes, &download.target()).await
}

async fn unacknowledged(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let target = pod.download()?.of(TAKEN_BY_THE_KERNEL);
    stopped_reader(&mut pod, TAKEN_BY_THE_KERNEL, &target).await
}

async fn chunked_end(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = pod.connect().await.observing("before the signal")?;
    let download = pod.download()?;
    wire.send(get(&download.target()))
        .await
        .observing("before the signal")?;
    let head = wire.head().await.observing("its head")?;
    if !head.is_chunked() {
        return Err(Stop::not_applicable("a --download that is chunked"));
    }
    pod.tell();
    let mut bytes = 0;
    // A quarter before the lame duck's end, the rest after it.
    while bytes < download.bytes / 4 {
        bytes += wire
            .chunk()
            .await
            .observing("a chunk")?
            .map_or(0, |chunk| chunk.len());
    }
    sleep_until(pod.past_lame_duck()).await;
    while let Some(chunk) = wire.chunk().await.observing("a chunk, or the last")? {
        bytes += chunk.len();
    }
    expect(bytes == download.bytes, || {
        format!("{bytes} of {} bytes came", download.bytes)
    })
}
