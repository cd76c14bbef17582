//! The closing of the listener: the accept queue, the last to connect, and refusal.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::connection::{Connection, Unexpected};
use crate::feature::Feature;
use crate::launcher::Launcher;
use crate::requirement::{ACCEPT_QUEUE, REFUSED_CLEANLY};
use crate::server::Server;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "connections-until-refused",
        claim: "Of clients that connect without pause until they are refused, none loses a request.",
        requirement: &ACCEPT_QUEUE,
        requires: &[],
        observe: |launcher| Box::pin(until_refused(launcher)),
    },
    Case {
        name: "accept-queue-at-signal",
        claim: "What waits in the kernel's accept queue when the signal comes is served.",
        requirement: &ACCEPT_QUEUE,
        requires: &[],
        observe: |launcher| Box::pin(accept_queue_at_signal(launcher)),
    },
    Case {
        name: "accept-queue-at-close",
        claim: "What waits in the kernel's accept queue when the lame duck ends is served.",
        requirement: &ACCEPT_QUEUE,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(accept_queue_at_close(launcher)),
    },
    Case {
        name: "refused-cleanly",
        claim: "With a request still in flight new connections are refused: none hangs or is dropped.",
        requirement: &REFUSED_CLEANLY,
        requires: &[],
        observe: |launcher| Box::pin(refused(launcher)),
    },
];

/// Clients that come again and again, at a time.
const CLIENTS: usize = 24;

/// Connections in the accept queue: more than a server accepts before it sees that its lame duck is
/// over, fewer than the queue holds (128 for a listener of Rust's standard library).
const QUEUE: usize = 100;

/// Where a process races with its clients it may win by luck: it is looked at so often.
const ROUNDS: usize = 3;

async fn until_refused(launcher: &Launcher<'_>) -> Outcome {
    for _ in 0..ROUNDS {
        one_until_refused(launcher).await?;
    }
    Ok(())
}

async fn one_until_refused(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let until = Instant::now() + launcher.subject.deadline;
    let termination = server.termination();
    let terminate = async {
        sleep(Duration::from_millis(200)).await;
        termination.await;
    };
    let clients = (0..CLIENTS).map(|_| connects_until_refused(&server, until));
    let (losses, ()) = tokio::join!(join_all(clients), terminate);
    let lost: Vec<Unexpected> = losses.into_iter().flatten().collect();
    expect(lost.is_empty(), || {
        let of = "of those that connected until they were refused";
        format!("{} {of} lost a request: {}", lost.len(), lost[0])
    })?;
    server.mark_termination();
    server.exits().await?;
    Ok(())
}

/// One request a connection until it is refused; what was lost.
async fn connects_until_refused(server: &Server<'_>, until: Instant) -> Option<Unexpected> {
    while Instant::now() < until {
        let mut connection = match server.connect_while_closing().await {
            Ok(connection) => connection,
            Err(Unexpected::Refused) => return None,
            Err(other) => return Some(other),
        };
        if let Err(lost) = connection.exchange(&server.plain_request()).await {
            return Some(lost);
        }
        sleep(Duration::from_millis(2)).await;
    }
    None
}

async fn accept_queue_at_signal(launcher: &Launcher<'_>) -> Outcome {
    for _ in 0..ROUNDS {
        let mut server = launcher.start().await?;
        server.suspend().await;
        let mut queue = queue(&server).await?;
        server.terminate();
        server.resume();
        all_are_served(&mut queue).await?;
    }
    Ok(())
}

async fn accept_queue_at_close(launcher: &Launcher<'_>) -> Outcome {
    for _ in 0..ROUNDS {
        let mut server = launcher.start().await?;
        server.terminate_and_suspend_before_close().await?;
        let mut queue = queue(&server).await?;
        server.resume_after_close().await;
        all_are_served(&mut queue).await?;
    }
    Ok(())
}

/// Connections that a suspended process has not accepted, each with a request sent.
async fn queue(server: &Server<'_>) -> Result<Vec<Connection>, Stop> {
    let mut queue = Vec::new();
    for _ in 0..QUEUE {
        let mut connection = server
            .connect()
            .await
            .observing("connecting to the accept queue")?;
        connection
            .send_ahead(server.plain_request())
            .await
            .observing("in the accept queue")?;
        queue.push(connection);
    }
    Ok(queue)
}

async fn all_are_served(queue: &mut [Connection]) -> Outcome {
    let all = queue.len();
    let outcomes = join_all(queue.iter_mut().map(Connection::success)).await;
    let lost: Vec<Unexpected> = outcomes.into_iter().filter_map(Result::err).collect();
    expect(lost.is_empty(), || {
        format!("{} of {all} were not served: {}", lost.len(), lost[0])
    })
}

async fn refused(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut in_flight = server.begin_request().await?;
    server.terminate();
    server.until_draining().await?;
    for _ in 0..10 {
        let refused = server.connect().await.map(drop);
        let seen = || format!("a new connection met this: {refused:?}");
        expect(refused == Err(Unexpected::Refused), seen)?;
    }
    in_flight
        .finish()
        .await
        .observing("the request in flight")?;
    Ok(())
}
