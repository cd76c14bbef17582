//! Connections whose first request comes late.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::sleep;

use crate::case::{Case, Observing, Outcome, Stop};
use crate::connection::{Connection, Unexpected};
use crate::feature::Feature;
use crate::launcher::Launcher;
use crate::requirement::FIRST_REQUEST;
use crate::server::Server;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "late-first-request",
        claim: "Who connected just before the end and asks 0.4 s later is served.",
        requirement: &FIRST_REQUEST,
        requires: &[],
        observe: |launcher| Box::pin(silent(launcher)),
    },
    Case {
        name: "later-first-request",
        claim: "Who connected just before the end and asks 1.5 s later, as after a loss, is served.",
        requirement: &FIRST_REQUEST,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(late(launcher)),
    },
];

/// From one new connection to the next, and how many of the last are looked at.
const APART: Duration = Duration::from_millis(20);
const LAST: usize = 4;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

async fn silent(launcher: &Launcher<'_>) -> Outcome {
    // From a second on a connection that has not spoken may be taken for idle.
    the_last_speak(launcher, ms(400), ms(850)).await
}

async fn late(launcher: &Launcher<'_>) -> Outcome {
    the_last_speak(launcher, ms(1500), ms(1900)).await
}

/// The last to connect speak so long after the listener has gone, and so long after their handshakes
/// at most.
async fn the_last_speak(launcher: &Launcher<'_>, pause: Duration, at_most: Duration) -> Outcome {
    let mut server = launcher.start().await?;
    let first = server.connect().await.observing("before the signal")?;
    server.terminate();
    let mut last = the_last(&server, first).await?;
    sleep(pause).await;
    let oldest = last.front().map(|connection| connection.since.elapsed());
    let oldest = oldest.unwrap_or_default();
    if oldest > at_most {
        return Err(Stop::Inconclusive(format!("{oldest:.1?} after connecting")));
    }
    for connection in &mut last {
        let response = connection.exchange(&server.plain_request()).await;
        response.observing("one of the last to connect")?;
    }
    Ok(())
}

/// The last to connect before new connections are refused. They have not spoken.
async fn the_last(server: &Server<'_>, first: Connection) -> Result<VecDeque<Connection>, Stop> {
    let mut last = VecDeque::from([first]);
    while server.since_termination() < server.subject.deadline {
        match server.connect_while_closing().await {
            Ok(connection) => last.push_back(connection),
            Err(Unexpected::Refused) => break,
            Err(other) => return Err(other).observing("a new connection"),
        }
        if last.len() > LAST {
            last.pop_front();
        }
        sleep(APART).await;
    }
    Ok(last)
}
