//! When the process leaves, and with which exit code.

use std::time::Duration;

use tokio::time::sleep_until;

use crate::conform::case::{Case, Observing, Outcome, expect};
use crate::conform::pod::words;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "exit-0",
        claim: "When everything in flight was finished the exit code is 0.",
        rule: Rule::ExitCode,
        needs: &[],
        observe: |stand| Box::pin(exit_0(stand)),
    },
    Case {
        name: "exit-after-cut",
        claim: "When something in flight was cut the exit code is not 0.",
        rule: Rule::ExitCode,
        needs: &[],
        observe: |stand| Box::pin(exit_after_cut(stand)),
    },
    Case {
        name: "deadline",
        claim: "A request without end does not hold the process beyond its deadline.",
        rule: Rule::Deadline,
        needs: &[],
        observe: |stand| Box::pin(deadline(stand)),
    },
    Case {
        name: "leaves-early",
        claim: "With no connection open the process leaves soon after its lame duck.",
        rule: Rule::Early,
        needs: &[],
        observe: |stand| Box::pin(leaves_early(stand)),
    },
];

/// After the lame duck.
const SOON: Duration = Duration::from_secs(3);

async fn exit_0(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let in_flight = pod.begin().await?;
    pod.tell();
    sleep_until(pod.past_lame_duck()).await;
    pod.finishes(in_flight).await
}

async fn exit_after_cut(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let _without_end = pod.begin_without_end().await?;
    pod.tell();
    let status = pod.leaves().await?;
    expect(!status.success(), || {
        format!("{}, though a request was cut", words(status))
    })
}

async fn deadline(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let _without_end = pod.begin_without_end().await?;
    pod.tell();
    pod.leaves().await?;
    Ok(())
}

async fn leaves_early(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    pod.ask().await.observing("before the signal")?;
    pod.tell();
    pod.leaves_within(stand.subject.lame_duck + SOON).await?;
    Ok(())
}
