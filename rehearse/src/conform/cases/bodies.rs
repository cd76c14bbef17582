//! Request bodies that are still arriving.

use tokio::time::{sleep, sleep_until};

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::http::{EXPECT, post, post_chunked, with};
use crate::conform::need::Need;
use crate::conform::pod::{ARRIVAL, Pod};
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "half-body",
        claim: "Half a body that is completed after the lame duck is served.",
        rule: Rule::Bodies,
        needs: &[Need::Upload],
        observe: |stand| Box::pin(half_body(stand)),
    },
    Case {
        name: "half-chunk",
        claim: "Half a chunk that is completed after the lame duck is served.",
        rule: Rule::Bodies,
        needs: &[Need::Upload],
        observe: |stand| Box::pin(half_chunk(stand)),
    },
    Case {
        name: "expect-continue",
        claim: "A body that waits for 100 Continue is asked for, and served after the lame duck.",
        rule: Rule::Bodies,
        needs: &[Need::Upload],
        observe: |stand| Box::pin(expect_continue(stand)),
    },
    Case {
        name: "large-upload",
        claim: "An upload of 4 MB that crosses the lame duck's end arrives whole.",
        rule: Rule::Bodies,
        needs: &[Need::Upload],
        observe: |stand| Box::pin(large_upload(stand)),
    },
];

const LARGE: usize = 4_000_000;

/// Sends the first part before the signal, the second after the lame duck, and has it served.
async fn in_two(pod: &mut Pod<'_>, first: &[u8], second: &[u8]) -> Outcome {
    let mut wire = pod.connect().await.observing("before the signal")?;
    wire.send(first).await.observing("before the signal")?;
    sleep(ARRIVAL).await;
    pod.tell();
    sleep_until(pod.past_lame_duck()).await;
    wire.send(second).await.observing("the rest of the body")?;
    wire.success().await.observing("its response")?;
    Ok(())
}

async fn half_body(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let first = post(pod.upload()?, 10) + "01234";
    in_two(&mut pod, first.as_bytes(), b"56789").await
}

async fn half_chunk(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let first = post_chunked(pod.upload()?) + "4\r\n0123\r\n6\r\n45";
    in_two(&mut pod, first.as_bytes(), b"6789\r\n0\r\n\r\n").await
}

async fn large_upload(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let half = vec![b'x'; LARGE / 2];
    let first = [post(pod.upload()?, LARGE).as_bytes(), &half].concat();
    in_two(&mut pod, &first, &half).await
}

async fn expect_continue(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let asking = with(&post(pod.upload()?, 10), EXPECT);
    let (first, second) = asking.split_at(asking.len() - 4);
    let mut wire = pod.connect().await.observing("before the signal")?;
    wire.send(first).await.observing("before the signal")?;
    sleep(ARRIVAL).await;
    pod.tell();
    sleep_until(pod.in_lame_duck(0.5)).await;
    wire.send(second).await.observing("the head's end")?;
    let interim = wire.head().await.observing("its interim response")?;
    match interim.status {
        100 => {}
        413 | 417 => return Err(Stop::not_applicable("an upload path that wants a body")),
        status => return Err(Stop::failed(format!("status {status} in place of 100"))),
    }
    sleep_until(pod.past_lame_duck()).await;
    wire.send("0123456789").await.observing("the body")?;
    let response = wire.success().await.observing("its response")?;
    expect(response.head.says_goodbye(), || {
        "the response did not say goodbye".to_owned()
    })
}
