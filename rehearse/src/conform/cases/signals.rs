//! Signals, and more of them.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{sleep, sleep_until};

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
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
    Case {
        name: "sigint-doubled",
        claim: "SIGINT twice within 50 ms is one: what is in flight is finished.",
        rule: Rule::Signals,
        needs: &[],
        observe: |stand| Box::pin(sigint_doubled(stand)),
    },
    Case {
        name: "sighup",
        claim: "SIGHUP, unless it is ignored, lets what is in flight be finished; exit code 0.",
        rule: Rule::Signals,
        needs: &[],
        observe: |stand| Box::pin(sighup(stand)),
    },
    Case {
        name: "sigquit",
        claim: "SIGQUIT is as SIGTERM: newcomers are served, what is in flight finished.",
        rule: Rule::Signals,
        needs: &[],
        observe: |stand| Box::pin(sigquit(stand)),
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

/// Told by these signals, one every 50 ms, it finishes what is in flight.
async fn finishes_when_told(stand: &Stand<'_>, signals: &[Signal]) -> Outcome {
    let mut pod = stand.start().await?;
    if signals.contains(&Signal::SIGHUP) && pod.ignores_sighup() {
        return Err(Stop::not_applicable(
            "a start at which SIGHUP is not ignored",
        ));
    }
    let in_flight = pod.begin().await?;
    pod.is_told();
    for signal in signals {
        pod.signal(*signal);
        sleep(Duration::from_millis(50)).await;
    }
    sleep(Duration::from_millis(300)).await;
    pod.finishes(in_flight).await
}

async fn sigint(stand: &Stand<'_>) -> Outcome {
    finishes_when_told(stand, &[Signal::SIGINT]).await
}

async fn sigint_doubled(stand: &Stand<'_>) -> Outcome {
    finishes_when_told(stand, &[Signal::SIGINT; 2]).await
}

async fn sighup(stand: &Stand<'_>) -> Outcome {
    finishes_when_told(stand, &[Signal::SIGHUP]).await
}

async fn sigquit(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let in_flight = pod.begin().await?;
    pod.is_told();
    pod.signal(Signal::SIGQUIT);
    if !stand.subject.lame_duck.is_zero() {
        sleep_until(pod.in_lame_duck(0.5)).await;
        let newcomer = pod.ask().await;
        newcomer.observing("a newcomer after SIGQUIT")?;
    }
    sleep_until(pod.past_lame_duck()).await;
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
