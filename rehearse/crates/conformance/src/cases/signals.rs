//! Repeated termination signals, and SIGINT, SIGHUP and SIGQUIT.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{sleep, sleep_until};

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::launcher::Launcher;
use crate::requirement::{OTHER_SIGNALS, REPEATED_SIGNALS};
use crate::server::words;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "signal-repeated",
        claim: "The same signal three times more changes nothing: what is in flight is finished.",
        requirement: &REPEATED_SIGNALS,
        requires: &[],
        observe: |launcher| Box::pin(repeated(launcher)),
    },
    Case {
        name: "sigint",
        claim: "SIGINT, too, lets what is in flight be finished; the exit code is 0.",
        requirement: &OTHER_SIGNALS,
        requires: &[],
        observe: |launcher| Box::pin(sigint(launcher)),
    },
    Case {
        name: "sigint-twice",
        claim: "A second SIGINT ends the process at once, and not with 0.",
        requirement: &OTHER_SIGNALS,
        requires: &[],
        observe: |launcher| Box::pin(sigint_twice(launcher)),
    },
    Case {
        name: "sigint-doubled",
        claim: "SIGINT twice within 50 ms is one: what is in flight is finished.",
        requirement: &OTHER_SIGNALS,
        requires: &[],
        observe: |launcher| Box::pin(sigint_doubled(launcher)),
    },
    Case {
        name: "sighup",
        claim: "SIGHUP, unless it is ignored, lets what is in flight be finished; exit code 0.",
        requirement: &OTHER_SIGNALS,
        requires: &[],
        observe: |launcher| Box::pin(sighup(launcher)),
    },
    Case {
        name: "sigquit",
        claim: "SIGQUIT is as SIGTERM: new connections are served, what is in flight finished.",
        requirement: &OTHER_SIGNALS,
        requires: &[],
        observe: |launcher| Box::pin(sigquit(launcher)),
    },
];

async fn repeated(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let in_flight = server.begin_request().await?;
    server.terminate();
    for pause in [100, 300, 700] {
        sleep_until(server.after(Duration::from_millis(pause))).await;
        server.signal(launcher.subject.signal);
    }
    sleep_until(server.after_lame_duck()).await;
    server.finishes_and_exits(in_flight).await
}

/// Told by these signals, one every 50 ms, it finishes what is in flight.
async fn finishes_when_told(launcher: &Launcher<'_>, signals: &[Signal]) -> Outcome {
    let mut server = launcher.start().await?;
    if signals.contains(&Signal::SIGHUP) && server.ignores_sighup() {
        return Err(Stop::not_applicable(
            "a start at which SIGHUP is not ignored",
        ));
    }
    let in_flight = server.begin_request().await?;
    server.mark_termination();
    for signal in signals {
        server.signal(*signal);
        sleep(Duration::from_millis(50)).await;
    }
    sleep(Duration::from_millis(300)).await;
    server.finishes_and_exits(in_flight).await
}

async fn sigint(launcher: &Launcher<'_>) -> Outcome {
    finishes_when_told(launcher, &[Signal::SIGINT]).await
}

async fn sigint_doubled(launcher: &Launcher<'_>) -> Outcome {
    finishes_when_told(launcher, &[Signal::SIGINT; 2]).await
}

async fn sighup(launcher: &Launcher<'_>) -> Outcome {
    finishes_when_told(launcher, &[Signal::SIGHUP]).await
}

async fn sigquit(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let in_flight = server.begin_request().await?;
    server.mark_termination();
    server.signal(Signal::SIGQUIT);
    if !launcher.subject.lame_duck.is_zero() {
        sleep_until(server.in_lame_duck(0.5)).await;
        let response = server.request().await;
        response.observing("a new connection after SIGQUIT")?;
    }
    sleep_until(server.after_lame_duck()).await;
    server.finishes_and_exits(in_flight).await
}

async fn sigint_twice(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let _without_end = server.begin_endless_request().await?;
    server.signal(Signal::SIGINT);
    // Not sooner: a terminal and a runner may both send the first.
    sleep(Duration::from_millis(700)).await;
    expect(server.is_alive().await, || {
        "the first SIGINT ended it at once".to_owned()
    })?;
    server.mark_termination();
    server.signal(Signal::SIGINT);
    let status = server.exits_within(Duration::from_secs(3)).await?;
    expect(!status.success(), || words(status))
}
