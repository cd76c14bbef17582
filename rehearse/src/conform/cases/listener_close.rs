//! The moment at which the listener goes.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::connection::{Connection, Unexpected};
use crate::conform::feature::Feature;
use crate::conform::launcher::Launcher;
use crate::conform::requirement::Rule;
use crate::conform::server::Server;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "crowd-at-the-end",
        claim: "Of clients that come without pause until they are refused, none loses a request.",
        rule: Rule::NoReset,
        requires: &[],
        observe: |launcher| Box::pin(crowd(launcher)),
    },
    Case {
        name: "backlog-at-signal",
        claim: "Who waits in the kernel's accept queue when the signal comes is served.",
        rule: Rule::Fence,
        requires: &[],
        observe: |launcher| Box::pin(backlog_at_signal(launcher)),
    },
    Case {
        name: "backlog-at-fence",
        claim: "Who waits in the kernel's accept queue when the lame duck ends is served.",
        rule: Rule::Fence,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(backlog_at_fence(launcher)),
    },
    Case {
        name: "refused-cleanly",
        claim: "With a request still in flight newcomers are refused: none hangs or is let down.",
        rule: Rule::Fence,
        requires: &[],
        observe: |launcher| Box::pin(refused(launcher)),
    },
];

/// Clients that come again and again, at a time.
const CROWD: usize = 24;

/// Connections in the accept queue: more than a server accepts before it sees that its lame duck is
/// over, fewer than the queue holds (128 for a listener of Rust's standard library).
const QUEUE: usize = 100;

/// Where a process races with its clients it may win by luck: it is looked at so often.
const ROUNDS: usize = 3;

async fn crowd(launcher: &Launcher<'_>) -> Outcome {
    for _ in 0..ROUNDS {
        one_crowd(launcher).await?;
    }
    Ok(())
}

async fn one_crowd(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let until = Instant::now() + launcher.subject.deadline;
    let (signal, group) = (launcher.subject.signal, server.group());
    let tell = async {
        sleep(Duration::from_millis(200)).await;
        group.signal(signal);
    };
    let clients = (0..CROWD).map(|_| comes_again_and_again(&server, until));
    let (losses, ()) = tokio::join!(join_all(clients), tell);
    let lost: Vec<Unexpected> = losses.into_iter().flatten().collect();
    expect(lost.is_empty(), || {
        let asked = "of a crowd that came until it was refused";
        format!("{} {asked} lost a request: {}", lost.len(), lost[0])
    })?;
    server.mark_termination();
    server.exits().await?;
    Ok(())
}

/// One request a connection until it is refused; what was lost.
async fn comes_again_and_again(server: &Server<'_>, until: Instant) -> Option<Unexpected> {
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

async fn backlog_at_signal(launcher: &Launcher<'_>) -> Outcome {
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

async fn backlog_at_fence(launcher: &Launcher<'_>) -> Outcome {
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
            .send(server.plain_request())
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
        let newcomer = server.connect().await.map(drop);
        let seen = || format!("a newcomer met this: {newcomer:?}");
        expect(newcomer == Err(Unexpected::Refused), seen)?;
    }
    in_flight
        .finish()
        .await
        .observing("the request in flight")?;
    Ok(())
}
