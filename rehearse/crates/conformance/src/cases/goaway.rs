//! GOAWAY: how a server ends connections of HTTP/2.

use std::time::Duration;

use tokio::time::{sleep, sleep_until, timeout};

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::feature::Feature;
use crate::http2::{ANY_STREAM, GoAway, Http2};
use crate::launcher::Launcher;
use crate::requirement::{GOAWAY, GOAWAY_FIRST, GOAWAY_SECOND, HTTP2_NEW_CONNECTIONS};
use crate::server::Server;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "h2-goaway",
        claim: "HTTP/2: GOAWAY comes before an idle connection is closed, and FIN closes it.",
        requirement: &GOAWAY,
        requires: &[Feature::Http2],
        observe: |launcher| Box::pin(before_the_end(launcher)),
    },
    Case {
        name: "h2-goaway-first",
        claim: "HTTP/2: the first GOAWAY allows every stream (2^31-1, NO_ERROR).",
        requirement: &GOAWAY_FIRST,
        requires: &[Feature::Http2],
        observe: |launcher| Box::pin(first(launcher)),
    },
    Case {
        name: "h2-goaway-second",
        claim: "HTTP/2: after a round trip a second GOAWAY names the last stream; then FIN.",
        requirement: &GOAWAY_SECOND,
        requires: &[Feature::Http2],
        observe: |launcher| Box::pin(second(launcher)),
    },
    Case {
        name: "h2-stream-after-goaway",
        claim: "HTTP/2: a stream that crosses the first GOAWAY is served.",
        requirement: &GOAWAY_FIRST,
        requires: &[Feature::Http2],
        observe: |launcher| Box::pin(crossing(launcher)),
    },
    Case {
        name: "h2-new-connection",
        claim: "HTTP/2: who connects during the lame duck is told after its first request, not before.",
        requirement: &HTTP2_NEW_CONNECTIONS,
        requires: &[Feature::LameDuck, Feature::Http2],
        observe: |launcher| Box::pin(new_connection(launcher)),
    },
];

/// A connection that has been used, and is kept.
async fn used(server: &Server<'_>) -> Result<Http2, Stop> {
    let connected = Http2::connect(server.http2()).await;
    let mut connection = connected.observing("HTTP/2 before the signal")?;
    connection.exchange(&server.subject.routes.plain).await?;
    Ok(connection)
}

/// The first GOAWAY after the signal.
async fn first_goaway(server: &mut Server<'_>, connection: &mut Http2) -> Result<GoAway, Stop> {
    server.terminate();
    let goaway = connection.until(|c| !c.goaways.is_empty()).await;
    goaway.observing("in place of GOAWAY")?;
    Ok(connection.goaways[0])
}

fn allows_every_stream(first: GoAway) -> Outcome {
    let GoAway { last_stream, error } = first;
    expect((last_stream, error) == (ANY_STREAM, 0), || {
        format!("the first GOAWAY named stream {last_stream}, error {error}")
    })
}

async fn before_the_end(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = used(&server).await?;
    server.terminate();
    let within = launcher.subject.deadline;
    let ended = timeout(within, connection.fin()).await;
    let ended = ended.map_err(|_| Stop::failed(format!("no FIN came for {within:?}")))?;
    ended.observing("the connection")?;
    expect(!connection.goaways.is_empty(), || {
        "FIN came without a GOAWAY".to_owned()
    })
}

async fn first(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = used(&server).await?;
    allows_every_stream(first_goaway(&mut server, &mut connection).await?)
}

async fn second(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = used(&server).await?;
    allows_every_stream(first_goaway(&mut server, &mut connection).await?)?;
    let goaway = connection.until(|c| c.goaways.len() > 1).await;
    goaway.observing("in place of the second GOAWAY")?;
    let GoAway { last_stream, error } = connection.goaways[1];
    expect((last_stream, error) == (1, 0), || {
        format!("the second GOAWAY named stream {last_stream}, error {error}; the last was 1")
    })?;
    connection.fin().await.observing("after the second GOAWAY")
}

async fn crossing(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = used(&server).await?;
    // The round trip is not over before its PING is answered: this stream is on its way.
    connection.hold_pings();
    first_goaway(&mut server, &mut connection).await?;
    sleep(Duration::from_millis(50)).await;
    let plain = &launcher.subject.routes.plain;
    let stream = connection
        .get(plain)
        .await
        .observing("a stream behind the GOAWAY")?;
    sleep(Duration::from_millis(50)).await;
    connection
        .answer_pings()
        .await
        .observing("the answer to PING")?;
    connection.answered(stream).await?;
    Ok(())
}

async fn new_connection(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.2)).await;
    let connected = Http2::connect(server.http2()).await;
    let mut connection = connected.observing("a new connection")?;
    // A client that has just connected takes a moment to ask.
    let goaway = connection.until(|c| !c.goaways.is_empty());
    if let Ok(goaway) = timeout(Duration::from_millis(200), goaway).await {
        goaway.observing("before its first request")?;
        return Err(Stop::failed("GOAWAY came before its first request"));
    }
    connection.exchange(&launcher.subject.routes.plain).await?;
    let goaway = connection.until(|c| !c.goaways.is_empty()).await;
    goaway.observing("after its response, in place of GOAWAY")
}
