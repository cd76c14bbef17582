//! The moment at which the listener goes.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::need::Need;
use crate::conform::pod::Pod;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::{Break, Wire};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "crowd-at-the-end",
        claim: "Of clients that come without pause until they are refused, none loses a request.",
        rule: Rule::NoReset,
        needs: &[],
        observe: |stand| Box::pin(crowd(stand)),
    },
    Case {
        name: "backlog-at-signal",
        claim: "Who waits in the kernel's accept queue when the signal comes is served.",
        rule: Rule::Fence,
        needs: &[],
        observe: |stand| Box::pin(backlog_at_signal(stand)),
    },
    Case {
        name: "backlog-at-fence",
        claim: "Who waits in the kernel's accept queue when the lame duck ends is served.",
        rule: Rule::Fence,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(backlog_at_fence(stand)),
    },
    Case {
        name: "refused-cleanly",
        claim: "With a request still in flight newcomers are refused: none hangs or is let down.",
        rule: Rule::Fence,
        needs: &[],
        observe: |stand| Box::pin(refused(stand)),
    },
];

/// Clients that come again and again, at a time.
const CROWD: usize = 24;

/// Connections in the accept queue: more than a server accepts before it sees that its lame duck is
/// over, fewer than the queue holds (128 for a listener of Rust's standard library).
const QUEUE: usize = 100;

/// Where a process races with its clients it may win by luck: it is looked at so often.
const ROUNDS: usize = 3;

async fn crowd(stand: &Stand<'_>) -> Outcome {
    for _ in 0..ROUNDS {
        one_crowd(stand).await?;
    }
    Ok(())
}

async fn one_crowd(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let until = Instant::now() + stand.subject.deadline;
    let (signal, group) = (stand.subject.signal, pod.group());
    let tell = async {
        sleep(Duration::from_millis(200)).await;
        group.signal(signal);
    };
    let clients = (0..CROWD).map(|_| comes_again_and_again(&pod, until));
    let (losses, ()) = tokio::join!(join_all(clients), tell);
    let lost: Vec<Break> = losses.into_iter().flatten().collect();
    expect(lost.is_empty(), || {
        let asked = "of a crowd that came until it was refused";
        format!("{} {asked} lost a request: {}", lost.len(), lost[0])
    })?;
    pod.is_told();
    pod.leaves().await?;
    Ok(())
}

/// One request a connection until it is refused; what was lost.
async fn comes_again_and_again(pod: &Pod<'_>, until: Instant) -> Option<Break> {
    while Instant::now() < until {
        let mut wire = match pod.connect_at_fence().await {
            Ok(wire) => wire,
            Err(Break::Refused) => return None,
            Err(other) => return Some(other),
        };
        if let Err(lost) = wire.ask(&pod.plain()).await {
            return Some(lost);
        }
        sleep(Duration::from_millis(2)).await;
    }
    None
}

async fn backlog_at_signal(stand: &Stand<'_>) -> Outcome {
    for _ in 0..ROUNDS {
        let mut pod = stand.start().await?;
        pod.suspend().await;
        let mut queue = queue(&pod).await?;
        pod.tell();
        pod.resume();
        all_are_served(&mut queue).await?;
    }
    Ok(())
}

async fn backlog_at_fence(stand: &Stand<'_>) -> Outcome {
    for _ in 0..ROUNDS {
        let mut pod = stand.start().await?;
        pod.tell_and_suspend_before_fence().await?;
        let mut queue = queue(&pod).await?;
        pod.resume_at_fence().await;
        all_are_served(&mut queue).await?;
    }
    Ok(())
}

/// Connections that a suspended process has not accepted, each with a request sent.
async fn queue(pod: &Pod<'_>) -> Result<Vec<Wire>, Stop> {
    let mut queue = Vec::new();
    for _ in 0..QUEUE {
        let mut wire = pod
            .connect()
            .await
            .observing("connecting to the accept queue")?;
        wire.send(pod.plain())
            .await
            .observing("in the accept queue")?;
        queue.push(wire);
    }
    Ok(queue)
}

async fn all_are_served(queue: &mut [Wire]) -> Outcome {
    let all = queue.len();
    let outcomes = join_all(queue.iter_mut().map(Wire::success)).await;
    let lost: Vec<Break> = outcomes.into_iter().filter_map(Result::err).collect();
    expect(lost.is_empty(), || {
        format!("{} of {all} were not served: {}", lost.len(), lost[0])
    })
}

async fn refused(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut in_flight = pod.begin().await?;
    pod.tell();
    pod.drained().await?;
    for _ in 0..10 {
        let newcomer = pod.connect().await.map(drop);
        let seen = || format!("a newcomer met this: {newcomer:?}");
        expect(newcomer == Err(Break::Refused), seen)?;
    }
    in_flight
        .finish()
        .await
        .observing("the request in flight")?;
    Ok(())
}
