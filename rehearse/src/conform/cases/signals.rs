//! Signals, and more of them.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{sleep, sleep_until};

use crate::conform::case::{Case, Outcome, expect};
use crate::conform::pod::words;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "signal-repeated",
        claim: "The same signal three times more changes nothing: what is in flight is finished.",
        rule: Rule::Signals,
        needs: &[],
        observe: |stand| Box::pin(repeated(stand)),
    },
    Case {
        name: "sigint",
        claim: "SIGINT, too, lets what is in flight be finished; the exit code is 0.",
        rule: Rule::Signals,
        needs: &[],
        observe: |stand| Box::pin(sigint(stand)),
    },
    Case {
        name: "sigint-twice",
        claim: "A second SIGINT ends the process at once, and not with 0.",
        rule: Rule::Signals,
        needs: &[],
        observe: |stand| Box::pin(sigint_twice(stand)),
    },
];

async fn repeated(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let in_flight = pod.begin().await?;
    pod.tell();
    for pause in [100, 300, 700] {
        sleep_until(pod.after(Duration::from_millis(pause))).await;
        pod.signal(stand.subject.signal);
    }
    sleep_until(pod.past_lame_duck()).await;
    pod.finishes(in_flight).await
}

async fn sigint(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let in_flight = pod.begin().await?;
    pod.is_told();
    pod.signal(Signal::SIGINT);
    sleep(Duration::from_millis(300)).await;
    pod.finishes(in_flight).await
}

async fn sigint_twice(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let _without_end = pod.begin_without_end().await?;
    pod.signal(Signal::SIGINT);
    // Not sooner: a terminal and a runner may both send the first.
    sleep(Duration::from_millis(700)).await;
    expect(pod.is_alive().await, || {
        "the first SIGINT ended it at once".to_owned()
    })?;
    pod.is_told();
    pod.signal(Signal::SIGINT);
    let status = pod.leaves_within(Duration::from_secs(3)).await?;
    expect(!status.success(), || words(status))
}
