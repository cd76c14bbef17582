//! Server-Sent Events: responses that never end by themselves.

use std::time::Duration;

use tokio::time::Instant;

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::connection::Connection;
use crate::feature::Feature;
use crate::http1::get;
use crate::launcher::Launcher;
use crate::requirement::EVENT_STREAMS;
use crate::server::Server;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "events-go-on",
        claim: "Server-Sent Events go on during the lame duck.",
        requirement: &EVENT_STREAMS,
        requires: &[Feature::LameDuck, Feature::Events],
        observe: |launcher| Box::pin(go_on(launcher)),
    },
    Case {
        name: "events-end",
        claim: "Server-Sent Events end in good order after the lame duck: last chunk, then FIN.",
        requirement: &EVENT_STREAMS,
        requires: &[Feature::Events],
        observe: |launcher| Box::pin(end(launcher)),
    },
    Case {
        name: "events-hold-nobody",
        claim: "Server-Sent Events do not hold the process to its deadline.",
        requirement: &EVENT_STREAMS,
        requires: &[Feature::Events],
        observe: |launcher| Box::pin(hold_nobody(launcher)),
    },
];

/// After the lame duck: time enough for streams that are told at different moments.
const SOON: Duration = Duration::from_secs(3);

/// Server-Sent Events that have begun.
pub(super) async fn follow(server: &Server<'_>) -> Result<Connection, Stop> {
    let path = server.subject.routes.events.as_deref().unwrap_or_default();
    let mut connection = server.connect().await.observing("before the signal")?;
    connection
        .send(get(path))
        .await
        .observing("before the signal")?;
    let head = connection.head().await.observing("before the signal")?;
    expect(head.is_success(), || format!("status {}", head.status))?;
    if !head.is_chunked() {
        return Err(Stop::not_applicable("an --events that is chunked"));
    }
    connection.piece().await.observing("before the signal")?;
    Ok(connection)
}

async fn go_on(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = follow(&server).await?;
    server.terminate();
    while Instant::now() < server.in_lame_duck(0.7) {
        let event = connection.piece().await.observing("an event")?;
        expect(event.is_some(), || {
            format!(
                "they ended {:.1?} after the signal",
                server.since_termination()
            )
        })?;
    }
    Ok(())
}

async fn end(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = follow(&server).await?;
    server.terminate();
    let latest = server.after(launcher.subject.lame_duck + SOON);
    while connection
        .piece()
        .await
        .observing("an event, or the last chunk")?
        .is_some()
    {
        let late = Instant::now() > latest;
        expect(!late, || {
            format!(
                "they still came {:.1?} after the signal",
                server.since_termination()
            )
        })?;
    }
    connection.fin().await.observing("after the last chunk")
}

async fn hold_nobody(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = follow(&server).await?;
    server.terminate();
    let soon = launcher.subject.lame_duck + SOON;
    let leaves = async {
        let left = server.exits_within(soon).await;
        left.map(drop)
    };
    // The client reads on, and leaves when it is told to.
    let reads = async {
        while let Ok(Some(_)) = connection.piece().await {}
        drop(connection);
        std::future::pending().await
    };
    tokio::select! {
        left = leaves => left,
        () = reads => Ok(()),
    }
}
