//! Responses that never end by themselves.

use std::time::Duration;

use tokio::time::Instant;

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::http::get;
use crate::conform::need::Need;
use crate::conform::pod::Pod;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::Wire;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "events-go-on",
        claim: "Server-Sent Events go on during the lame duck.",
        rule: Rule::Streams,
        needs: &[Need::LameDuck, Need::Events],
        observe: |stand| Box::pin(go_on(stand)),
    },
    Case {
        name: "events-end",
        claim: "Server-Sent Events end in good order after the lame duck: last chunk, then FIN.",
        rule: Rule::Streams,
        needs: &[Need::Events],
        observe: |stand| Box::pin(end(stand)),
    },
    Case {
        name: "events-hold-nobody",
        claim: "Server-Sent Events do not hold the process to its deadline.",
        rule: Rule::Early,
        needs: &[Need::Events],
        observe: |stand| Box::pin(hold_nobody(stand)),
    },
];

/// After the lame duck: time enough for streams that are told at different moments.
const SOON: Duration = Duration::from_secs(3);

/// Server-Sent Events that have begun.
pub(super) async fn follow(pod: &Pod<'_>) -> Result<Wire, Stop> {
    let path = pod.subject.routes.events.as_deref().unwrap_or_default();
    let mut wire = pod.connect().await.observing("before the signal")?;
    wire.send(get(path)).await.observing("before the signal")?;
    let head = wire.head().await.observing("before the signal")?;
    expect(head.is_success(), || format!("status {}", head.status))?;
    if !head.is_chunked() {
        return Err(Stop::not_applicable("an --events that is chunked"));
    }
    wire.chunk().await.observing("before the signal")?;
    Ok(wire)
}

async fn go_on(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = follow(&pod).await?;
    pod.tell();
    while Instant::now() < pod.in_lame_duck(0.7) {
        let event = wire.chunk().await.observing("an event")?;
        expect(event.is_some(), || {
            format!("they ended {:.1?} after the signal", pod.since_told())
        })?;
    }
    Ok(())
}

async fn end(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = follow(&pod).await?;
    pod.tell();
    let latest = pod.after(stand.subject.lame_duck + SOON);
    while wire
        .chunk()
        .await
        .observing("an event, or the last chunk")?
        .is_some()
    {
        let late = Instant::now() > latest;
        expect(!late, || {
            format!("they still came {:.1?} after the signal", pod.since_told())
        })?;
    }
    wire.fin().await.observing("after the last chunk")
}

async fn hold_nobody(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = follow(&pod).await?;
    pod.tell();
    let soon = stand.subject.lame_duck + SOON;
    let leaves = async {
        let left = pod.leaves_within(soon).await;
        left.map(drop)
    };
    // The client reads on, and leaves when it is told to.
    let reads = async {
        while let Ok(Some(_)) = wire.chunk().await {}
        drop(wire);
        std::future::pending().await
    };
    tokio::select! {
        left = leaves => left,
        () = reads => Ok(()),
    }
}
