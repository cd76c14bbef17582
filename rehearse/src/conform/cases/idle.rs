//! Connections that are kept, and on which nothing is asked.

use std::time::Duration;

use futures_util::future::join_all;

use crate::conform::case::{Case, Observing, Outcome, expect};
use crate::conform::need::Need;
use crate::conform::pod::Pod;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::{Break, Wire};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "idle-kept",
        claim: "An idle connection is not closed before the lame duck's end.",
        rule: Rule::Idle,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(kept(stand)),
    },
    Case {
        name: "idle-ended",
        claim: "An idle connection ends by FIN soon after the lame duck, and holds nobody.",
        rule: Rule::Idle,
        needs: &[],
        observe: |stand| Box::pin(ended(stand)),
    },
    Case {
        name: "reuse-at-signal",
        claim: "A request that has arrived on a kept connection when the signal comes is served.",
        rule: Rule::Idle,
        needs: &[],
        observe: |stand| Box::pin(reuse_at_signal(stand)),
    },
    Case {
        name: "reuse-at-fence",
        claim: "A request that has arrived on a kept connection when the lame duck ends is served.",
        rule: Rule::Idle,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(reuse_at_fence(stand)),
    },
    Case {
        name: "idle-asks-in-drain",
        claim: "A kept connection that asks while another's request is finished is served.",
        rule: Rule::Idle,
        needs: &[],
        observe: |stand| Box::pin(asks_in_drain(stand)),
    },
];

/// Kept connections that are asked at the same moment.
pub(super) const KEPT: usize = 64;

/// What an idle connection and the process may take after the lame duck.
const SOON: Duration = Duration::from_secs(3);

async fn kept(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = pod.idle().await?;
    pod.tell();
    let end = pod.in_lame_duck(0.9);
    let quiet = wire.quiet_until(end).await;
    quiet.observing(format!("{:.1?} after the signal", pod.since_told()))
}

async fn ended(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = pod.idle().await?;
    pod.tell();
    let soon = stand.subject.lame_duck + SOON;
    wire.fin_within(soon)
        .await
        .observing("the idle connection")?;
    drop(wire);
    pod.leaves_within(soon).await?;
    Ok(())
}

/// Sends a request on each, to a process that is suspended.
async fn send(pod: &Pod<'_>, wires: &mut [Wire]) -> Outcome {
    for wire in wires {
        wire.send(pod.plain())
            .await
            .observing("a request on a kept connection")?;
    }
    Ok(())
}

async fn all_are_served(wires: &mut [Wire]) -> Outcome {
    let outcomes = join_all(wires.iter_mut().map(Wire::success)).await;
    let lost: Vec<Break> = outcomes.into_iter().filter_map(Result::err).collect();
    expect(lost.is_empty(), || {
        format!("{} of {KEPT} were not served: {}", lost.len(), lost[0])
    })
}

async fn reuse_at_signal(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wires = pod.idles(KEPT).await?;
    pod.suspend().await;
    send(&pod, &mut wires).await?;
    pod.tell();
    pod.resume();
    all_are_served(&mut wires).await
}

async fn reuse_at_fence(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wires = pod.idles(KEPT).await?;
    pod.tell_and_suspend_before_fence().await?;
    send(&pod, &mut wires).await?;
    pod.resume_at_fence().await;
    all_are_served(&mut wires).await
}

async fn asks_in_drain(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = pod.idle().await?;
    let mut in_flight = pod.begin().await?;
    pod.tell();
    pod.drained().await?;
    wire.ask(&pod.plain())
        .await
        .observing("the kept connection")?;
    in_flight
        .finish()
        .await
        .observing("the request in flight")?;
    Ok(())
}
