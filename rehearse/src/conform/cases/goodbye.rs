//! How clients are told to leave.

use std::time::Duration;

use tokio::time::sleep;

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::http::{self, NOWHERE, get, post};
use crate::conform::need::Need;
use crate::conform::pod::Pod;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::Wire;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "goodbye-kept",
        claim: "A kept connection's next response says Connection: close, and FIN follows.",
        rule: Rule::Goodbye,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(kept(stand)),
    },
    Case {
        name: "goodbye-in-flight",
        claim: "The response to a request in flight says Connection: close, and FIN follows.",
        rule: Rule::Goodbye,
        needs: &[Need::Slow],
        observe: |stand| Box::pin(in_flight(stand)),
    },
    Case {
        name: "goodbye-on-error",
        claim: "A response of 404 says Connection: close, too.",
        rule: Rule::Goodbye,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(error(stand)),
    },
    Case {
        name: "goodbye-to-head",
        claim: "A response to HEAD says Connection: close, too.",
        rule: Rule::Goodbye,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(head(stand)),
    },
    Case {
        name: "goodbye-to-post",
        claim: "A response to POST says Connection: close, too.",
        rule: Rule::Goodbye,
        needs: &[Need::LameDuck, Need::Upload],
        observe: |stand| Box::pin(upload(stand)),
    },
    Case {
        name: "goodbye-http10",
        claim: "A client of HTTP/1.0 that asks to be kept is not.",
        rule: Rule::Goodbye,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(http10(stand)),
    },
    Case {
        name: "late-request-no-reset",
        claim: "A client that sends again after the goodbye meets FIN and no RST.",
        rule: Rule::NoReset,
        needs: &[],
        observe: |stand| Box::pin(late_request(stand)),
    },
];

/// A kept connection in the middle of the lame duck.
async fn kept_in_lame_duck(pod: &mut Pod<'_>) -> Result<Wire, Stop> {
    let mut wire = pod.idle().await?;
    pod.tell();
    let then = pod.in_lame_duck(0.3);
    wire.quiet_until(then)
        .await
        .observing("an idle connection in the lame duck")?;
    Ok(wire)
}

/// Asks, and expects to be told to leave; the status.
async fn told(wire: &mut Wire, request: &str) -> Result<u16, Stop> {
    wire.send(request).await.observing("the request")?;
    let response = wire.response().await.observing("its response")?;
    let seen = || format!("a response of {} did not say it", response.head.status);
    expect(response.head.says_goodbye(), seen)?;
    wire.fin()
        .await
        .observing("after the response that says it")?;
    Ok(response.head.status)
}

async fn kept(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = kept_in_lame_duck(&mut pod).await?;
    told(&mut wire, &pod.plain()).await?;
    Ok(())
}

async fn in_flight(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut request = pod.begin().await?;
    pod.tell();
    let response = request.finish().await.observing("its response")?;
    expect(response.head.says_goodbye(), || {
        "the response did not say it".to_owned()
    })?;
    request
        .wire
        .fin()
        .await
        .observing("after the response that says it")
}

async fn error(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = kept_in_lame_duck(&mut pod).await?;
    match told(&mut wire, &get(NOWHERE)).await? {
        400..=499 => Ok(()),
        status => Err(Stop::not_applicable(format!(
            "a path that is not there (got {status})"
        ))),
    }
}

async fn head(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = kept_in_lame_duck(&mut pod).await?;
    let request = http::head(&stand.subject.routes.plain);
    wire.send(request).await.observing("the request")?;
    let head = wire.head().await.observing("its response")?;
    expect(head.says_goodbye(), || {
        "the response did not say it".to_owned()
    })?;
    wire.fin()
        .await
        .observing("after the response that says it")
}

async fn upload(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = kept_in_lame_duck(&mut pod).await?;
    let request = format!("{}0123456789", post(pod.upload()?, 10));
    match told(&mut wire, &request).await? {
        200..=299 => Ok(()),
        status => Err(Stop::failed(format!("status {status}"))),
    }
}

async fn http10(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let path = &stand.subject.routes.plain;
    let request = format!("GET {path} HTTP/1.0\r\nhost: conform\r\nconnection: keep-alive\r\n\r\n");
    let mut wire = pod.connect().await.observing("before the signal")?;
    wire.send(&request).await.observing("before the signal")?;
    let first = wire.head().await.observing("before the signal")?;
    // A response of unknown length is ended by its connection's end: HTTP/1.0 has no chunks.
    if !first.connection("keep-alive") {
        return Err(Stop::not_applicable(
            "a server that keeps connections of HTTP/1.0",
        ));
    }
    wire.body(&first).await.observing("before the signal")?;
    pod.tell();
    let then = pod.in_lame_duck(0.3);
    wire.quiet_until(then)
        .await
        .observing("an idle connection in the lame duck")?;
    let response = wire.ask(&request).await.observing("its response")?;
    let kept = response.head.connection("keep-alive");
    expect(!kept, || {
        "the response said Connection: keep-alive".to_owned()
    })?;
    wire.fin().await.observing("after the response")
}

async fn late_request(stand: &Stand<'_>) -> Outcome {
    let mut pod = stand.start().await?;
    let mut wire = match stand.subject.routes.slow {
        Some(_) => {
            let wire = pod.begin().await?.wire;
            pod.tell();
            wire
        }
        None => {
            let mut wire = kept_in_lame_duck(&mut pod).await?;
            wire.send(pod.plain()).await.observing("the request")?;
            wire
        }
    };
    let response = wire.success().await.observing("its response")?;
    let answered = pod.since_told();
    wire.fin().await.observing("after the response")?;
    expect(response.head.says_goodbye(), || {
        "the response did not say it".to_owned()
    })?;
    // The first acknowledges what has come, too: a server that waits for no more closes by then.
    let mut again = Ok(());
    for _ in 0..2 {
        again = again.and(wire.send(pod.plain()).await);
        sleep(Duration::from_millis(25)).await;
    }
    let reset = again.is_err() || wire.is_reset();
    // A program need not listen to a client for ever that does not close its side.
    pod.not_later_than(answered + Duration::from_millis(150))?;
    expect(!reset, || {
        "what was sent after it was answered by RST".to_owned()
    })
}
