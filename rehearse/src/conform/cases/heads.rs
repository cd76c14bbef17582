//! Requests in flight, from their first byte on.

use tokio::time::{sleep, sleep_until};

use crate::conform::case::{Case, Observing, Outcome, Stop};
use crate::conform::need::Need;
use crate::conform::pod::{ARRIVAL, Pod};
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::Wire;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "in-flight",
        claim: "A request in flight is finished, and nothing cut.",
        rule: Rule::InFlight,
        needs: &[Need::Slow],
        observe: |stand| Box::pin(in_flight(stand)),
    },
    Case {
        name: "half-head",
        claim: "Half a head that is completed after the lame duck is served.",
        rule: Rule::InFlight,
        needs: &[],
        observe: |stand| Box::pin(half_head(stand)),
    },
    Case {
        name: "half-head-kept",
        claim: "Half a head on a reused connection that is completed after the lame duck is served.",
        rule: Rule::InFlight,
        needs: &[],
        observe: |stand| Box::pin(half_head_kept(stand)),
    },
];

async fn in_flight(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let request = pod.begin().await?;
    pod.tell();
    pod.finishes(request).await
}

async fn half_head(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let wire = pod.connect().await.observing("before the signal")?;
    completed_after_lame_duck(&mut pod, wire).await
}

async fn half_head_kept(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let wire = pod.idle().await?;
    completed_after_lame_duck(&mut pod, wire).await
}

/// Sends the first half before the signal, and the second after the lame duck.
async fn completed_after_lame_duck(pod: &mut Pod<'_>, mut wire: Wire) -> Result<(), Stop> {
    let request = pod.plain();
    let (first, second) = request.split_at(request.len() / 2);
    wire.send(first).await.observing("the first half")?;
    sleep(ARRIVAL).await;
    pod.tell();
    sleep_until(pod.past_lame_duck()).await;
    wire.send(second).await.observing("the second half")?;
    wire.success().await.observing("its response")?;
    Ok(())
}
