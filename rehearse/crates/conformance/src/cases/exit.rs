//! The exit of the process: when, and with which exit code.

use std::time::Duration;

use tokio::time::sleep_until;

use crate::case::{Case, Observing, Outcome, expect};
use crate::launcher::Launcher;
use crate::requirement::{DEADLINE, EXIT_CODE, PROMPT_EXIT};
use crate::server::words;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "exit-0",
        claim: "When everything in flight was finished the exit code is 0.",
        requirement: &EXIT_CODE,
        requires: &[],
        observe: |launcher| Box::pin(exit_0(launcher)),
    },
    Case {
        name: "exit-after-cut",
        claim: "When something in flight was cut the exit code is not 0.",
        requirement: &EXIT_CODE,
        requires: &[],
        observe: |launcher| Box::pin(exit_after_cut(launcher)),
    },
    Case {
        name: "deadline",
        claim: "A request without end does not hold the process beyond its deadline.",
        requirement: &DEADLINE,
        requires: &[],
        observe: |launcher| Box::pin(deadline(launcher)),
    },
    Case {
        name: "exits-early",
        claim: "With no connection open the process exits soon after its lame duck.",
        requirement: &PROMPT_EXIT,
        requires: &[],
        observe: |launcher| Box::pin(leaves_early(launcher)),
    },
];

/// After the lame duck.
const SOON: Duration = Duration::from_secs(3);

async fn exit_0(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let in_flight = server.begin_request().await?;
    server.terminate();
    sleep_until(server.after_lame_duck()).await;
    server.finishes_and_exits(in_flight).await
}

async fn exit_after_cut(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let _without_end = server.begin_endless_request().await?;
    server.terminate();
    let status = server.exits().await?;
    expect(!status.success(), || {
        format!("{}, though a request was cut", words(status))
    })
}

async fn deadline(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let _without_end = server.begin_endless_request().await?;
    server.terminate();
    server.exits().await?;
    Ok(())
}

async fn leaves_early(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    server.request().await.observing("before the signal")?;
    server.terminate();
    server
        .exits_within(launcher.subject.lame_duck + SOON)
        .await?;
    Ok(())
}
