//! Request bodies that are still arriving when the signal comes.

use tokio::time::{sleep, sleep_until};

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::feature::Feature;
use crate::http1::{EXPECT, post, post_chunked, with_fields};
use crate::launcher::Launcher;
use crate::requirement::REQUEST_BODIES;
use crate::server::{ARRIVAL, Server};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "half-body",
        claim: "Half a body that is completed after the lame duck is served.",
        requirement: &REQUEST_BODIES,
        requires: &[Feature::Upload],
        observe: |launcher| Box::pin(half_body(launcher)),
    },
    Case {
        name: "half-chunk",
        claim: "Half a chunk that is completed after the lame duck is served.",
        requirement: &REQUEST_BODIES,
        requires: &[Feature::Upload],
        observe: |launcher| Box::pin(half_chunk(launcher)),
    },
    Case {
        name: "expect-continue",
        claim: "A body that waits for 100 Continue is asked for, and served after the lame duck.",
        requirement: &REQUEST_BODIES,
        requires: &[Feature::Upload],
        observe: |launcher| Box::pin(expect_continue(launcher)),
    },
    Case {
        name: "large-upload",
        claim: "An upload of 4 MB that crosses the lame duck's end arrives whole.",
        requirement: &REQUEST_BODIES,
        requires: &[Feature::Upload],
        observe: |launcher| Box::pin(large_upload(launcher)),
    },
];

const LARGE: usize = 4_000_000;

/// Sends the first part before the signal, the second after the lame duck, and has it served.
async fn in_two(server: &mut Server<'_>, first: &[u8], second: &[u8]) -> Outcome {
    let mut connection = server.connect().await.observing("before the signal")?;
    connection
        .send(first)
        .await
        .observing("before the signal")?;
    sleep(ARRIVAL).await;
    server.terminate();
    sleep_until(server.after_lame_duck()).await;
    connection
        .send(second)
        .await
        .observing("the rest of the body")?;
    connection.success().await.observing("its response")?;
    Ok(())
}

async fn half_body(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let first = post(server.upload()?, 10) + "01234";
    in_two(&mut server, first.as_bytes(), b"56789").await
}

async fn half_chunk(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let first = post_chunked(server.upload()?) + "4\r\n0123\r\n6\r\n45";
    in_two(&mut server, first.as_bytes(), b"6789\r\n0\r\n\r\n").await
}

async fn large_upload(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let half = vec![b'x'; LARGE / 2];
    let first = [post(server.upload()?, LARGE).as_bytes(), &half].concat();
    in_two(&mut server, &first, &half).await
}

async fn expect_continue(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let asking = with_fields(&post(server.upload()?, 10), EXPECT);
    let (first, second) = asking.split_at(asking.len() - 4);
    let mut connection = server.connect().await.observing("before the signal")?;
    connection
        .send(first)
        .await
        .observing("before the signal")?;
    sleep(ARRIVAL).await;
    server.terminate();
    sleep_until(server.in_lame_duck(0.5)).await;
    connection.send(second).await.observing("the head's end")?;
    let interim = connection.head().await.observing("its interim response")?;
    match interim.status {
        100 => {}
        413 | 417 => return Err(Stop::not_applicable("an upload path that wants a body")),
        status => return Err(Stop::failed(format!("status {status} in place of 100"))),
    }
    sleep_until(server.after_lame_duck()).await;
    connection.send("0123456789").await.observing("the body")?;
    let response = connection.success().await.observing("its response")?;
    expect(response.close, || {
        "the response did not say close".to_owned()
    })
}
