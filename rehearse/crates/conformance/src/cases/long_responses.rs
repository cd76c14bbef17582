//! Long responses to slow readers, and the last byte.

use std::time::Duration;

use tokio::time::sleep_until;

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::connection::Connection;
use crate::feature::Feature;
use crate::http1::get;
use crate::launcher::Launcher;
use crate::requirement::{LAST_BYTE, LONG_RESPONSES};
use crate::server::Server;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "slow-reader",
        claim: "A client that stops reading for a while gets a long response to its last byte.",
        requirement: &LONG_RESPONSES,
        requires: &[Feature::Download],
        observe: |launcher| Box::pin(slow_reader(launcher)),
    },
    Case {
        name: "unacknowledged-bytes",
        claim: "The process stays until its client has acknowledged what the kernel has taken.",
        requirement: &LAST_BYTE,
        requires: &[Feature::DownloadOfAnySize],
        observe: |launcher| Box::pin(unacknowledged(launcher)),
    },
    Case {
        name: "chunked-end",
        claim: "A chunked response that is still being sent ends with its last-chunk marker.",
        requirement: &LONG_RESPONSES,
        requires: &[Feature::Download],
        observe: |launcher| Box::pin(chunked_end(launcher)),
    },
];

/// Small enough for a kernel to take it wholly, too large for a small window.
const TAKEN_BY_THE_KERNEL: usize = 100_000;

/// After the lame duck: a process that leaves too early has left by then, even if it waits for idle
/// connections for a while.
const LATER: Duration = Duration::from_millis(2700);

/// A client that has asked and has read the head, and then reads nothing until the lame duck is
/// long over.
async fn stopped_reader(server: &mut Server<'_>, bytes: usize, target: &str) -> Outcome {
    let small = Connection::connect_with_small_window(server.http1()).await;
    let mut connection = small.observing("before the signal")?;
    connection
        .send(get(target))
        .await
        .observing("before the signal")?;
    connection.head().await.observing("its head")?;
    server.terminate();
    sleep_until(server.after(server.subject.lame_duck + LATER)).await;
    let alive = server.is_alive().await;
    expect(alive, || {
        "it had left before its client had read everything".to_owned()
    })?;
    let length = connection.body().await.observing("its body")?;
    expect(length == bytes, || {
        format!("{length} of {bytes} bytes came")
    })?;
    // Whatever was said before the signal, the connection ends here.
    connection.fin().await.observing("after the response")
}

async fn slow_reader(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let download = server.download()?;
    stopped_reader(&mut server, download.bytes, &download.target()).await
}

async fn unacknowledged(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let target = server.download()?.of(TAKEN_BY_THE_KERNEL);
    stopped_reader(&mut server, TAKEN_BY_THE_KERNEL, &target).await
}

async fn chunked_end(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.connect().await.observing("before the signal")?;
    let download = server.download()?;
    connection
        .send(get(&download.target()))
        .await
        .observing("before the signal")?;
    let head = connection.head().await.observing("its head")?;
    if !head.is_chunked() {
        return Err(Stop::not_applicable("a --download that is chunked"));
    }
    server.terminate();
    let mut bytes = 0;
    // A quarter before the lame duck's end, the rest after it.
    while bytes < download.bytes / 4 {
        bytes += connection
            .piece()
            .await
            .observing("a chunk")?
            .unwrap_or_default();
    }
    sleep_until(server.after_lame_duck()).await;
    while let Some(piece) = connection.piece().await.observing("a chunk, or the last")? {
        bytes += piece;
    }
    expect(bytes == download.bytes, || {
        format!("{bytes} of {} bytes came", download.bytes)
    })
}
