//! `Connection: close` in responses, and FIN behind them.

use std::time::Duration;

use tokio::time::sleep;

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::connection::Connection;
use crate::feature::Feature;
use crate::http1::{self, MISSING_PATH, get, post};
use crate::launcher::Launcher;
use crate::requirement::{CLOSE_ANNOUNCED, NO_RESET};
use crate::server::Server;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "close-announced-kept",
        claim: "A kept connection's next response says Connection: close, and FIN follows.",
        requirement: &CLOSE_ANNOUNCED,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(kept(launcher)),
    },
    Case {
        name: "close-announced-in-flight",
        claim: "The response to a request in flight says Connection: close, and FIN follows.",
        requirement: &CLOSE_ANNOUNCED,
        requires: &[Feature::Slow],
        observe: |launcher| Box::pin(in_flight(launcher)),
    },
    Case {
        name: "close-announced-404",
        claim: "A response of 404 says Connection: close, too.",
        requirement: &CLOSE_ANNOUNCED,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(error(launcher)),
    },
    Case {
        name: "close-announced-head",
        claim: "A response to HEAD says Connection: close, too.",
        requirement: &CLOSE_ANNOUNCED,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(head(launcher)),
    },
    Case {
        name: "close-announced-post",
        claim: "A response to POST says Connection: close, too.",
        requirement: &CLOSE_ANNOUNCED,
        requires: &[Feature::LameDuck, Feature::Upload],
        observe: |launcher| Box::pin(upload(launcher)),
    },
    Case {
        name: "close-announced-http10",
        claim: "A client of HTTP/1.0 that asks to be kept is not.",
        requirement: &CLOSE_ANNOUNCED,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(http10(launcher)),
    },
    Case {
        name: "late-request-no-reset",
        claim: "A client that sends again after Connection: close meets FIN and no RST.",
        requirement: &NO_RESET,
        requires: &[],
        observe: |launcher| Box::pin(late_request(launcher)),
    },
];

/// A kept connection in the middle of the lame duck.
async fn kept_in_lame_duck(server: &mut Server<'_>) -> Result<Connection, Stop> {
    let mut connection = server.idle_connection().await?;
    server.terminate();
    let then = server.in_lame_duck(0.3);
    connection
        .quiet_until(then)
        .await
        .observing("an idle connection in the lame duck")?;
    Ok(connection)
}

/// Sends a request, and expects `Connection: close` and FIN; the status.
async fn expect_close(connection: &mut Connection, request: &str) -> Result<u16, Stop> {
    connection.send(request).await.observing("the request")?;
    let response = connection.response().await.observing("its response")?;
    let seen = || format!("a response of {} did not say close", response.status);
    expect(response.close, seen)?;
    connection
        .fin()
        .await
        .observing("after the response that says close")?;
    Ok(response.status)
}

async fn kept(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = kept_in_lame_duck(&mut server).await?;
    expect_close(&mut connection, &server.plain_request()).await?;
    Ok(())
}

async fn in_flight(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut request = server.begin_request().await?;
    server.terminate();
    let response = request.finish().await.observing("its response")?;
    expect(response.close, || {
        "the response did not say close".to_owned()
    })?;
    request
        .connection
        .fin()
        .await
        .observing("after the response that says close")
}

async fn error(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = kept_in_lame_duck(&mut server).await?;
    match expect_close(&mut connection, &get(MISSING_PATH)).await? {
        400..=499 => Ok(()),
        status => Err(Stop::not_applicable(format!(
            "a path that is not there (got {status})"
        ))),
    }
}

async fn head(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = kept_in_lame_duck(&mut server).await?;
    let request = http1::head(&launcher.subject.routes.plain);
    connection.send(request).await.observing("the request")?;
    let head = connection.head().await.observing("its response")?;
    expect(head.close, || "the response did not say close".to_owned())?;
    connection
        .fin()
        .await
        .observing("after the response that says close")
}

async fn upload(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = kept_in_lame_duck(&mut server).await?;
    let request = format!("{}0123456789", post(server.upload()?, 10));
    match expect_close(&mut connection, &request).await? {
        200..=299 => Ok(()),
        status => Err(Stop::failed(format!("status {status}"))),
    }
}

async fn http10(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let path = &launcher.subject.routes.plain;
    let request = format!("GET {path} HTTP/1.0\r\nhost: conform\r\nconnection: keep-alive\r\n\r\n");
    let mut connection = server.connect().await.observing("before the signal")?;
    connection
        .send(&request)
        .await
        .observing("before the signal")?;
    let first = connection.head().await.observing("before the signal")?;
    // A response of unknown length is ended by its connection's end: HTTP/1.0 has no chunks.
    if !first.keep_alive {
        return Err(Stop::not_applicable(
            "a server that keeps connections of HTTP/1.0",
        ));
    }
    connection.body().await.observing("before the signal")?;
    server.terminate();
    let then = server.in_lame_duck(0.3);
    connection
        .quiet_until(then)
        .await
        .observing("an idle connection in the lame duck")?;
    let response = connection
        .exchange(&request)
        .await
        .observing("its response")?;
    let kept = response.keep_alive;
    expect(!kept, || {
        "the response said Connection: keep-alive".to_owned()
    })?;
    connection.fin().await.observing("after the response")
}

async fn late_request(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = match launcher.subject.routes.slow {
        Some(_) => {
            let connection = server.begin_request().await?.connection;
            server.terminate();
            connection
        }
        None => {
            let mut connection = kept_in_lame_duck(&mut server).await?;
            connection
                .send(server.plain_request())
                .await
                .observing("the request")?;
            connection
        }
    };
    let response = connection.success().await.observing("its response")?;
    let answered = server.since_termination();
    connection.fin().await.observing("after the response")?;
    expect(response.close, || {
        "the response did not say close".to_owned()
    })?;
    // The first acknowledges what has come, too: a server that waits for no more closes by then.
    let mut again = Ok(());
    for _ in 0..2 {
        again = again.and(connection.send(server.plain_request()).await);
        sleep(Duration::from_millis(25)).await;
    }
    let reset = again.is_err() || connection.is_reset();
    // A program need not listen to a client for ever that does not close its side.
    server.not_later_than(answered + Duration::from_millis(150))?;
    expect(!reset, || {
        "what was sent after it was answered by RST".to_owned()
    })
}
