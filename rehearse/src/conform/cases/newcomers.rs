//! Whoever still comes after the signal.

use tokio::time::sleep_until;

use crate::conform::case::{Case, Observing, Outcome, expect};
use crate::conform::http::get;
use crate::conform::need::Need;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "newcomer-served",
        claim: "Who connects during the lame duck is served.",
        rule: Rule::LameDuck,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(served(stand)),
    },
    Case {
        name: "newcomer-told",
        claim: "The response to who connects during the lame duck says Connection: close.",
        rule: Rule::Goodbye,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(told(stand)),
    },
    Case {
        name: "newcomer-slow",
        claim: "A slow request that comes late in the lame duck is finished after it.",
        rule: Rule::InFlight,
        needs: &[Need::LameDuck, Need::Slow],
        observe: |stand| Box::pin(slow(stand)),
    },
];

async fn served(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    pod.tell();
    for part in [0.1, 0.3, 0.5, 0.7] {
        sleep_until(pod.in_lame_duck(part)).await;
        let when = format!("a newcomer {:.1?} after the signal", pod.since_told());
        pod.ask().await.observing(when)?;
    }
    Ok(())
}

async fn told(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    pod.tell();
    sleep_until(pod.in_lame_duck(0.3)).await;
    let mut wire = pod.connect().await.observing("a newcomer")?;
    let response = wire.ask(&pod.plain()).await.observing("a newcomer")?;
    expect(response.head.says_goodbye(), || {
        "the response did not say it".to_owned()
    })?;
    wire.fin()
        .await
        .observing("after the response that says it")
}

async fn slow(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    pod.tell();
    sleep_until(pod.in_lame_duck(0.7)).await;
    let mut wire = pod.connect().await.observing("a newcomer")?;
    let target = get(&pod.slow()?.target());
    wire.ask(&target).await.observing("its response")?;
    Ok(())
}
