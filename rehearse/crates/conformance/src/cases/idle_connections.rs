//! Idle kept-alive connections, and requests that arrive on them.

use std::time::Duration;

use futures_util::future::join_all;

use crate::case::{Case, Observing, Outcome, expect};
use crate::connection::{Connection, Unexpected};
use crate::feature::Feature;
use crate::launcher::Launcher;
use crate::requirement::{IDLE_ENDED, IDLE_KEPT, KEPT_CONNECTION_REQUESTS};
use crate::server::Server;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "idle-kept",
        claim: "An idle connection is not closed before the lame duck's end.",
        requirement: &IDLE_KEPT,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(kept(launcher)),
    },
    Case {
        name: "idle-ended",
        claim: "An idle connection ends by FIN soon after the lame duck, and holds nobody.",
        requirement: &IDLE_ENDED,
        requires: &[],
        observe: |launcher| Box::pin(ended(launcher)),
    },
    Case {
        name: "request-at-signal",
        claim: "A request that has arrived on a kept connection when the signal comes is served.",
        requirement: &KEPT_CONNECTION_REQUESTS,
        requires: &[],
        observe: |launcher| Box::pin(request_at_signal(launcher)),
    },
    Case {
        name: "request-at-close",
        claim: "A request that has arrived on a kept connection when the lame duck ends is served.",
        requirement: &KEPT_CONNECTION_REQUESTS,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(request_at_close(launcher)),
    },
    Case {
        name: "request-while-draining",
        claim: "A kept connection's request while another's is finished is served.",
        requirement: &IDLE_KEPT,
        requires: &[],
        observe: |launcher| Box::pin(request_while_draining(launcher)),
    },
];

/// Kept connections with a request at the same moment.
pub(super) const KEPT: usize = 64;

/// What an idle connection and the process may take after the lame duck.
const SOON: Duration = Duration::from_secs(3);

async fn kept(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    server.terminate();
    let end = server.in_lame_duck(0.9);
    let quiet = connection.quiet_until(end).await;
    quiet.observing(format!(
        "{:.1?} after the signal",
        server.since_termination()
    ))
}

async fn ended(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    server.terminate();
    let soon = launcher.subject.lame_duck + SOON;
    connection
        .fin_within(soon)
        .await
        .observing("the idle connection")?;
    drop(connection);
    server.exits_within(soon).await?;
    Ok(())
}

/// Sends a request on each, to a process that is suspended.
async fn send(server: &Server<'_>, connections: &mut [Connection]) -> Outcome {
    for connection in connections {
        connection
            .send(server.plain_request())
            .await
            .observing("a request on a kept connection")?;
    }
    Ok(())
}

async fn all_are_served(connections: &mut [Connection]) -> Outcome {
    let outcomes = join_all(connections.iter_mut().map(Connection::success)).await;
    let lost: Vec<Unexpected> = outcomes.into_iter().filter_map(Result::err).collect();
    expect(lost.is_empty(), || {
        format!("{} of {KEPT} were not served: {}", lost.len(), lost[0])
    })
}

async fn request_at_signal(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connections = server.idle_connections(KEPT).await?;
    server.suspend().await;
    send(&server, &mut connections).await?;
    server.terminate();
    server.resume();
    all_are_served(&mut connections).await
}

async fn request_at_close(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connections = server.idle_connections(KEPT).await?;
    server.terminate_and_suspend_before_close().await?;
    send(&server, &mut connections).await?;
    server.resume_after_close().await;
    all_are_served(&mut connections).await
}

async fn request_while_draining(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    let mut in_flight = server.begin_request().await?;
    server.terminate();
    server.until_draining().await?;
    connection
        .exchange(&server.plain_request())
        .await
        .observing("the kept connection")?;
    in_flight
        .finish()
        .await
        .observing("the request in flight")?;
    Ok(())
}
