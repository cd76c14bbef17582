//! Requests in flight, from the first byte of their head on.

use tokio::time::{sleep, sleep_until};

use crate::case::{Case, Observing, Outcome, Stop};
use crate::connection::Connection;
use crate::feature::Feature;
use crate::launcher::Launcher;
use crate::requirement::REQUESTS_IN_FLIGHT;
use crate::server::{ARRIVAL, Server};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "in-flight",
        claim: "A request in flight is finished, and nothing cut.",
        requirement: &REQUESTS_IN_FLIGHT,
        requires: &[Feature::Slow],
        observe: |launcher| Box::pin(in_flight(launcher)),
    },
    Case {
        name: "half-head",
        claim: "Half a head that is completed after the lame duck is served.",
        requirement: &REQUESTS_IN_FLIGHT,
        requires: &[],
        observe: |launcher| Box::pin(half_head(launcher)),
    },
    Case {
        name: "half-head-kept",
        claim: "Half a head on a reused connection that is completed after the lame duck is served.",
        requirement: &REQUESTS_IN_FLIGHT,
        requires: &[],
        observe: |launcher| Box::pin(half_head_kept(launcher)),
    },
];

async fn in_flight(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let request = server.begin_request().await?;
    server.terminate();
    server.finishes_and_exits(request).await
}

async fn half_head(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let connection = server.connect().await.observing("before the signal")?;
    completed_after_lame_duck(&mut server, connection).await
}

async fn half_head_kept(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let connection = server.idle_connection().await?;
    completed_after_lame_duck(&mut server, connection).await
}

/// Sends the first half before the signal, and the second after the lame duck.
async fn completed_after_lame_duck(
    server: &mut Server<'_>,
    mut connection: Connection,
) -> Result<(), Stop> {
    let request = server.plain_request();
    let (first, second) = request.split_at(request.len() / 2);
    connection.send(first).await.observing("the first half")?;
    sleep(ARRIVAL).await;
    server.terminate();
    sleep_until(server.after_lame_duck()).await;
    connection.send(second).await.observing("the second half")?;
    connection.success().await.observing("its response")?;
    Ok(())
}
