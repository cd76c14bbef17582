//! Readiness, liveness and health checks, and the admin port, during termination.

use std::time::Duration;

use tokio::time::{sleep_until, timeout};

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::connection::{Connection, Unexpected};
use crate::feature::Feature;
use crate::http1::{get, head};
use crate::launcher::Launcher;
use crate::requirement::{ADMIN_PORT, HEAD_LIKE_GET, HEALTH_CHECK, LIVENESS, READINESS};
use crate::server::Server;
use rehearse_wire::http1::Head;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "liveness-until-exit",
        claim: "Liveness passes through the lame duck and the drain.",
        requirement: &LIVENESS,
        requires: &[Feature::Liveness],
        observe: |launcher| Box::pin(liveness(launcher)),
    },
    Case {
        name: "readiness-in-lame-duck",
        claim: "Readiness passes as long as new connections are served.",
        requirement: &READINESS,
        requires: &[Feature::LameDuck, Feature::Readiness],
        observe: |launcher| Box::pin(readiness_in_lame_duck(launcher)),
    },
    Case {
        name: "readiness-while-draining",
        claim: "Readiness fails once new connections are refused.",
        requirement: &READINESS,
        requires: &[Feature::Readiness],
        observe: |launcher| Box::pin(readiness_in_drain(launcher)),
    },
    Case {
        name: "health-check-fails",
        claim: "The check for load balancers that poll fails from the signal on.",
        requirement: &HEALTH_CHECK,
        requires: &[Feature::LameDuck, Feature::Health],
        observe: |launcher| Box::pin(health(launcher)),
    },
    Case {
        name: "admin-outlives-public",
        claim: "The admin port answers as long as something is in flight on the public one.",
        requirement: &ADMIN_PORT,
        requires: &[Feature::Admin],
        observe: |launcher| Box::pin(admin(launcher)),
    },
    Case {
        name: "probes-by-head",
        claim: "Probes answer HEAD as they answer GET, without a body.",
        requirement: &HEAD_LIKE_GET,
        requires: &[Feature::Readiness],
        observe: |launcher| Box::pin(by_head(launcher)),
    },
    Case {
        name: "admin-full",
        claim: "With 200 silent connections to the admin port its probe is answered within 1 s.",
        requirement: &ADMIN_PORT,
        requires: &[Feature::Admin],
        observe: |launcher| Box::pin(full(launcher)),
    },
];

/// Connections that are held to the admin port, and for how long a probe may wait: kubelet's own
/// limit by default.
const HELD: usize = 200;
const PROBE: Duration = Duration::from_secs(1);

/// Asks a probe, whatever it answers.
async fn probe(server: &Server<'_>, path: Option<&String>) -> Result<Head, Unexpected> {
    let path = path.map(String::as_str).unwrap_or_default();
    let mut connection =
        Connection::connect(server.subject.probes.address(&server.address)).await?;
    connection.send(get(path)).await?;
    connection.response().await
}

async fn expect_pass(server: &Server<'_>, path: Option<&String>, when: &str) -> Outcome {
    let status = probe(server, path).await.observing(when)?.status;
    expect((200..400).contains(&status), || {
        format!("{when}: status {status}")
    })
}

async fn liveness(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let path = launcher.subject.probes.liveness.as_ref();
    let _in_flight = server.begin_request().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.5)).await;
    expect_pass(&server, path, "after the signal").await?;
    server.until_draining().await?;
    expect_pass(&server, path, "in the drain").await
}

async fn readiness_in_lame_duck(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let path = launcher.subject.probes.readiness.as_ref();
    let _in_flight = server.begin_request().await?;
    server.terminate();
    for part in [0.2, 0.5, 0.8] {
        sleep_until(server.in_lame_duck(part)).await;
        expect_pass(&server, path, "in the lame duck").await?;
    }
    Ok(())
}

async fn readiness_in_drain(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let _in_flight = server.begin_request().await?;
    server.terminate();
    server.until_draining().await?;
    match probe(&server, launcher.subject.probes.readiness.as_ref()).await {
        Ok(head) => expect(head.status >= 400, || format!("status {}", head.status)),
        Err(_no_answer) => Ok(()),
    }
}

async fn health(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let path = launcher.subject.probes.health.as_ref();
    expect_pass(&server, path, "before the signal").await?;
    let _in_flight = server.begin_request().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.3)).await;
    let status = probe(&server, path)
        .await
        .observing("after the signal")?
        .status;
    expect(status >= 400, || {
        format!("status {status} after the signal")
    })
}

async fn admin(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let _in_flight = server.begin_request().await?;
    server.terminate();
    server.until_draining().await?;
    let answer = probe(&server, launcher.subject.probes.readiness.as_ref()).await;
    answer.observing("the admin port in the drain")?;
    Ok(())
}

async fn by_head(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let probes = &launcher.subject.probes;
    let paths = [&probes.readiness, &probes.liveness, &probes.health];
    for path in paths.into_iter().flatten() {
        let by_get = probe(&server, Some(path)).await.observing(path)?.status;
        let mut connection = Connection::connect(probes.address(&server.address))
            .await
            .observing(path)?;
        connection.send(head(path)).await.observing(path)?;
        let status = connection.head().await.observing(path)?.status;
        expect(status == by_get, || {
            format!("HEAD {path}: status {status}; GET: {by_get}")
        })?;
        let next = connection.exchange(&get(path)).await;
        next.observing(format!("GET behind HEAD {path}"))?;
    }
    Ok(())
}

async fn full(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let probes = &launcher.subject.probes;
    let path = probes.liveness.as_ref().or(probes.readiness.as_ref());
    let mut held = Vec::new();
    for _ in 0..HELD {
        let silent = Connection::connect(probes.address(&server.address)).await;
        held.push(silent.observing("one of 200 connections")?);
    }
    let passes = expect_pass(&server, path, "behind 200 connections");
    let late = |_| Stop::failed(format!("the probe was not answered within {PROBE:?}"));
    timeout(PROBE, passes).await.map_err(late)?
}
