//! Message framing in HTTP/1.1: where one message ends and the next begins.

use std::time::Duration;

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::feature::Feature;
use crate::http1::{self, post, post_chunked};
use crate::launcher::Launcher;
use crate::requirement::{
    EMPTY_LINES, HEAD_WITHOUT_CONTENT, IDLE_ENDED, LONG_TARGET, MALFORMED_CHUNKS,
};
use crate::server::Server;
use crate::subject::Download;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "line-ends-skipped",
        claim: "Line ends behind a body and before a request are part of neither: both are served.",
        requirement: &EMPTY_LINES,
        requires: &[],
        observe: |launcher| Box::pin(line_ends_skipped(launcher)),
    },
    Case {
        name: "line-ends-idle",
        claim: "Who has sent a line end behind its request is idle: FIN and no 408, holding nobody.",
        requirement: &IDLE_ENDED,
        requires: &[],
        observe: |launcher| Box::pin(line_ends_idle(launcher)),
    },
    Case {
        name: "chunk-size",
        claim: "A chunk whose size is malformed is answered by 400, and the connection ends.",
        requirement: &MALFORMED_CHUNKS,
        requires: &[Feature::Upload],
        observe: |launcher| Box::pin(all_are_refused(launcher, CHUNK_SIZES)),
    },
    Case {
        name: "chunk-end",
        claim: "Lines behind the last chunk that are no trailer: 400, and the connection ends.",
        requirement: &MALFORMED_CHUNKS,
        requires: &[Feature::Upload],
        observe: |launcher| Box::pin(all_are_refused(launcher, CHUNK_ENDS)),
    },
    Case {
        name: "head-only",
        claim: "The response to HEAD ends with its head, though the body has no end: the next comes.",
        requirement: &HEAD_WITHOUT_CONTENT,
        requires: &[Feature::Events],
        observe: |launcher| Box::pin(head_only(launcher)),
    },
    Case {
        name: "target-too-long",
        claim: "A target that is too long is answered by 414, and the connection ends by FIN.",
        requirement: &LONG_TARGET,
        requires: &[],
        observe: |launcher| Box::pin(target_too_long(launcher)),
    },
];

/// After the lame duck, as for any idle connection.
const SOON: Duration = Duration::from_secs(3);

/// A request and a line end behind it, as some old clients send behind a body.
fn with_line_end(server: &Server<'_>) -> String {
    match &server.subject.routes.upload {
        Some(path) => post(path, 5) + "hello\r\n",
        None => server.plain_request() + "\r\n",
    }
}

async fn line_ends_skipped(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    let first = connection.exchange(&with_line_end(&server)).await;
    first.observing("a request with a line end behind it")?;
    let next = connection.exchange(&server.plain_request()).await;
    next.observing("the request behind the line end")?;
    let more = connection
        .exchange(&format!("\r\n{}", server.plain_request()))
        .await;
    more.observing("a request behind another").map(drop)
}

async fn line_ends_idle(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    let response = connection.exchange(&with_line_end(&server)).await;
    response.observing("before the signal")?;
    server.terminate();
    let soon = launcher.subject.lame_duck + SOON;
    let ended = connection.fin_within(soon).await;
    ended.observing("the connection on which a line end was sent")?;
    drop(connection);
    server.exits_within(soon).await?;
    Ok(())
}

/// The first chunk, with whatever is wrong with its size, and what would follow it.
const CHUNK_SIZES: &[&str] = &[
    "5 \r\nhello\r\n0\r\n\r\n",
    "5;bad[=x\r\nhello\r\n0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
];

/// A chunk, and what is wrong behind the last one. The lone LF is not one that RFC 9112, 2.2, lets a
/// recipient take for the end of a field's line.
const CHUNK_ENDS: &[&str] = &[
    "5\r\nhello\r\n0\r\n\n",
    "5\r\nhello\r\n0\r\nno trailer\r\n\r\n",
    "5\r\nhello\r\n0\r\ntrailer: x\n\r\n",
];

/// Each is refused, and a request behind it is neither answered nor swallowed unseen.
async fn all_are_refused(launcher: &Launcher<'_>, bodies: &[&str]) -> Outcome {
    let server = launcher.start().await?;
    let head = post_chunked(server.upload()?);
    for body in bodies {
        let mut connection = server.connect().await.observing("connecting")?;
        let sent = connection
            .send(format!("{head}{body}{}", server.plain_request()))
            .await;
        sent.observing(format!("sending {body:?}"))?;
        let refused = connection.refused_with(400).await;
        refused.observing(format!("behind {body:?}"))?;
    }
    Ok(())
}

async fn head_only(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let routes = &launcher.subject.routes;
    let long = routes.download.as_ref().map(Download::target);
    for target in long.iter().chain(&routes.events) {
        head_is_all(&server, target).await?;
    }
    Ok(())
}

async fn head_is_all(server: &Server<'_>, target: &str) -> Outcome {
    let mut connection = server.idle_connection().await?;
    let sent = connection.send(http1::head(target)).await;
    sent.observing(format!("HEAD {target}"))?;
    let head = connection.head().await;
    let head = head.observing(format!("the response to HEAD {target}"))?;
    if matches!(head.status, 404 | 405 | 501) {
        return Err(Stop::not_applicable(format!(
            "HEAD {target} to be answered"
        )));
    }
    expect(head.is_success(), || format!("status {}", head.status))?;
    let next = connection.exchange(&server.plain_request()).await;
    next.observing(format!("the request behind HEAD {target}"))
        .map(drop)
}

/// Longer than any program takes that has a limit.
const TOO_LONG: usize = 200_000;

async fn target_too_long(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.connect().await.observing("connecting")?;
    let target = format!("/{}", "y".repeat(TOO_LONG));
    // A program that has seen enough need not take the rest.
    let _taken = connection.send(http1::get(&target)).await;
    let head = connection.head().await.observing("the response")?;
    match head.status {
        414 => connection
            .ends_behind(&head)
            .await
            .observing("behind the 414"),
        200..=299 | 404 => Err(Stop::not_applicable("a limit below 200,000 bytes")),
        status => Err(Stop::failed(format!("status {status} in place of 414"))),
    }
}
