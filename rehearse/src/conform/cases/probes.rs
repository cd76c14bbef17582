//! What watches the process while it leaves.

use std::time::Duration;

use tokio::time::{sleep_until, timeout};

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::http::{Response, get, head};
use crate::conform::need::Need;
use crate::conform::pod::Pod;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::{Break, Wire};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "liveness",
        claim: "Liveness passes through the lame duck and the drain.",
        rule: Rule::Probes,
        needs: &[Need::Liveness],
        observe: |stand| Box::pin(liveness(stand)),
    },
    Case {
        name: "readiness-in-lame-duck",
        claim: "Readiness passes as long as newcomers are served.",
        rule: Rule::Probes,
        needs: &[Need::LameDuck, Need::Readiness],
        observe: |stand| Box::pin(readiness_in_lame_duck(stand)),
    },
    Case {
        name: "readiness-in-drain",
        claim: "Readiness fails once newcomers are refused.",
        rule: Rule::Probes,
        needs: &[Need::Readiness],
        observe: |stand| Box::pin(readiness_in_drain(stand)),
    },
    Case {
        name: "health",
        claim: "The check for load balancers that poll fails from the signal on.",
        rule: Rule::Probes,
        needs: &[Need::LameDuck, Need::Health],
        observe: |stand| Box::pin(health(stand)),
    },
    Case {
        name: "admin-outlives-public",
        claim: "The admin port answers as long as something is in flight on the public one.",
        rule: Rule::Admin,
        needs: &[Need::Admin],
        observe: |stand| Box::pin(admin(stand)),
    },
    Case {
        name: "probes-by-head",
        claim: "Probes answer HEAD as they answer GET, without a body.",
        rule: Rule::Probes,
        needs: &[Need::Readiness],
        observe: |stand| Box::pin(by_head(stand)),
    },
    Case {
        name: "admin-full",
        claim: "With 200 silent connections to the admin port its probe is answered within 1 s.",
        rule: Rule::Admin,
        needs: &[Need::Admin],
        observe: |stand| Box::pin(full(stand)),
    },
];

/// Connections that are held to the admin port, and for how long a probe may wait: kubelet's own
/// limit by default.
const HELD: usize = 200;
const PROBE: Duration = Duration::from_secs(1);

/// Asks a probe, whatever it answers.
async fn ask(pod: &Pod<'_>, path: Option<&String>) -> Result<Response, Break> {
    let path = path.map(String::as_str).unwrap_or_default();
    let mut wire = Wire::connect(pod.subject.probes.address(&pod.address)).await?;
    wire.send(get(path)).await?;
    wire.response().await
}

async fn expect_pass(pod: &Pod<'_>, path: Option<&String>, when: &str) -> Outcome {
    let status = ask(pod, path).await.observing(when)?.head.status;
    expect((200..400).contains(&status), || {
        format!("{when}: status {status}")
    })
}

async fn liveness(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let path = stand.subject.probes.liveness.as_ref();
    let _in_flight = pod.begin().await?;
    pod.tell();
    sleep_until(pod.in_lame_duck(0.5)).await;
    expect_pass(&pod, path, "after the signal").await?;
    pod.drained().await?;
    expect_pass(&pod, path, "in the drain").await
}

async fn readiness_in_lame_duck(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let path = stand.subject.probes.readiness.as_ref();
    let _in_flight = pod.begin().await?;
    pod.tell();
    for part in [0.2, 0.5, 0.8] {
        sleep_until(pod.in_lame_duck(part)).await;
        expect_pass(&pod, path, "in the lame duck").await?;
    }
    Ok(())
}

async fn readiness_in_drain(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let _in_flight = pod.begin().await?;
    pod.tell();
    pod.drained().await?;
    match ask(&pod, stand.subject.probes.readiness.as_ref()).await {
        Ok(Response { head, .. }) => {
            expect(head.status >= 400, || format!("status {}", head.status))
        }
        Err(_no_answer) => Ok(()),
    }
}

async fn health(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let path = stand.subject.probes.health.as_ref();
    expect_pass(&pod, path, "before the signal").await?;
    let _in_flight = pod.begin().await?;
    pod.tell();
    sleep_until(pod.in_lame_duck(0.3)).await;
    let status = ask(&pod, path)
        .await
        .observing("after the signal")?
        .head
        .status;
    expect(status >= 400, || {
        format!("status {status} after the signal")
    })
}

async fn admin(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let _in_flight = pod.begin().await?;
    pod.tell();
    pod.drained().await?;
    let answer = ask(&pod, stand.subject.probes.readiness.as_ref()).await;
    answer.observing("the admin port in the drain")?;
    Ok(())
}

async fn by_head(stand: &Stand<'_>) -> Outcome {
    let pod = stand.start().await?;
    let probes = &stand.subject.probes;
    let paths = [&probes.readiness, &probes.liveness, &probes.health];
    for path in paths.into_iter().flatten() {
        let by_get = ask(&pod, Some(path)).await.observing(path)?.head.status;
        let mut wire = Wire::connect(probes.address(&pod.address))
            .await
            .observing(path)?;
        wire.send(head(path)).await.observing(path)?;
        let status = wire.head().await.observing(path)?.status;
        expect(status == by_get, || {
            format!("HEAD {path}: status {status}; GET: {by_get}")
        })?;
        let next = wire.ask(&get(path)).await;
        next.observing(format!("GET behind HEAD {path}"))?;
    }
    Ok(())
}

async fn full(stand: &Stand<'_>) -> Outcome {
    let pod = stand.start().await?;
    let probes = &stand.subject.probes;
    let path = probes.liveness.as_ref().or(probes.readiness.as_ref());
    let mut held = Vec::new();
    for _ in 0..HELD {
        let silent = Wire::connect(probes.address(&pod.address)).await;
        held.push(silent.observing("one of 200 connections")?);
    }
    let passes = expect_pass(&pod, path, "behind 200 connections");
    let late = |_| Stop::failed(format!("the probe was not answered within {PROBE:?}"));
    timeout(PROBE, passes).await.map_err(late)?
}
