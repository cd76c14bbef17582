//! Requests that come before the response to the one before.

use std::time::Duration;

use tokio::time::{sleep, sleep_until};

use super::idle::KEPT;
use crate::conform::case::{Case, Observing, Outcome, expect};
use crate::conform::http::get;
use crate::conform::need::Need;
use crate::conform::pod::ARRIVAL;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::Wire;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "pipelined-at-signal",
        claim: "A pipelined pair that arrives with the signal is answered, both of it.",
        rule: Rule::Pipelining,
        needs: &[],
        observe: |stand| Box::pin(at_signal(stand)),
    },
    Case {
        name: "pipelined-in-lame-duck",
        claim: "A pipelined pair is answered; only the last response says goodbye.",
        rule: Rule::Pipelining,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(in_lame_duck(stand)),
    },
    Case {
        name: "pipelined-behind-slow",
        claim: "What is pipelined behind a slow request is answered, and says goodbye last.",
        rule: Rule::Pipelining,
        needs: &[Need::Slow],
        observe: |stand| Box::pin(behind_slow(stand)),
    },
    Case {
        name: "half-pipelined",
        claim: "A next request's first bytes behind a slow one withhold the goodbye: it is served.",
        rule: Rule::Pipelining,
        needs: &[Need::Slow],
        observe: |stand| Box::pin(half(stand)),
    },
    Case {
        name: "always-outstanding",
        claim: "Who has always two requests outstanding is answered, and told soon; it holds nobody.",
        rule: Rule::Pipelining,
        needs: &[Need::SlowOfAnyLength],
        observe: |stand| Box::pin(always_outstanding(stand)),
    },
];

/// How long each request of a client takes that always has two outstanding: time enough for the
/// next one to come.
const EACH: Duration = Duration::from_millis(100);

/// After the lame duck, until such a client has been told, and the process has left.
const SOON: Duration = Duration::from_secs(3);

/// Both are answered, and only the last response says goodbye.
async fn both_are_answered(wire: &mut Wire) -> Outcome {
    first_without_goodbye(wire).await?;
    second_with_goodbye(wire).await
}

async fn first_without_goodbye(wire: &mut Wire) -> Outcome {
    let first = wire.success().await.observing("the first response")?;
    let discards = "the first response said goodbye, so a client must discard the second";
    expect(!first.head.says_goodbye(), || discards.to_owned())
}

async fn second_with_goodbye(wire: &mut Wire) -> Outcome {
    let second = wire.success().await.observing("the second response")?;
    expect(second.head.says_goodbye(), || {
        "the second did not say goodbye".to_owned()
    })
}

async fn at_signal(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wires = pod.idles(KEPT).await?;
    pod.suspend().await;
    for wire in &mut wires {
        let sent = wire.send(pod.plain().repeat(2)).await;
        sent.observing("a pair on a kept connection")?;
    }
    pod.tell();
    pod.resume();
    // Which comes first to a process that wakes up, the pair or the signal, is not ours to say.
    for wire in &mut wires {
        first_without_goodbye(wire).await?;
        wire.success().await.observing("the second response")?;
    }
    Ok(())
}

async fn in_lame_duck(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = pod.idle().await?;
    pod.tell();
    let quiet = wire.quiet_until(pod.in_lame_duck(0.3)).await;
    quiet.observing("an idle connection in the lame duck")?;
    let pair = pod.plain().repeat(2);
    wire.send(pair).await.observing("a pair")?;
    both_are_answered(&mut wire).await
}

async fn behind_slow(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = pod.connect().await.observing("before the signal")?;
    let pair = get(&pod.slow()?.target()) + &pod.plain();
    wire.send(pair).await.observing("before the signal")?;
    sleep(ARRIVAL).await;
    pod.tell();
    both_are_answered(&mut wire).await
}

async fn half(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = pod.connect().await.observing("before the signal")?;
    let next = pod.plain();
    let (begin, end) = next.split_at(6);
    let sent = get(&pod.slow()?.target()) + begin;
    wire.send(sent).await.observing("before the signal")?;
    sleep(ARRIVAL).await;
    pod.tell();
    first_without_goodbye(&mut wire).await?;
    sleep_until(pod.past_lame_duck()).await;
    wire.send(end)
        .await
        .observing("the rest of the second request")?;
    second_with_goodbye(&mut wire).await
}

async fn always_outstanding(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = pod.connect().await.observing("before the signal")?;
    let request = get(&pod.slow()?.lasting(EACH));
    let pair = wire.send(request.repeat(2)).await;
    pair.observing("before the signal")?;
    wire.success().await.observing("before the signal")?;
    let next = wire.send(&request).await;
    next.observing("before the signal")?;
    pod.tell();
    let soon = stand.subject.lame_duck + SOON;
    loop {
        let response = wire.success().await;
        let seen = format!("a response {:.1?} after the signal", pod.since_told());
        // What is behind a goodbye is not answered, and its client knows.
        if response.observing(seen)?.head.says_goodbye() {
            break;
        }
        expect(pod.since_told() < soon, || {
            format!("no response had said goodbye {soon:.1?} after the signal")
        })?;
        let next = wire.send(&request).await;
        next.observing("the next request")?;
    }
    drop(wire);
    pod.leaves_within(soon).await?;
    Ok(())
}
