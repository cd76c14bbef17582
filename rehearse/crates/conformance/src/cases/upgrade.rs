//! The Upgrade header: offers to go on in another protocol.

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::feature::Feature;
use crate::http1::{post, with_fields};
use crate::launcher::Launcher;
use crate::requirement::{REQUEST_BODY_DELIMITED, UPGRADE_OFFERS};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "h2c-offer",
        claim: "An offer of h2c that is not taken gets a plain response, and costs no connection.",
        requirement: &UPGRADE_OFFERS,
        requires: &[],
        observe: |launcher| Box::pin(declined(launcher)),
    },
    Case {
        name: "upgrade-with-body",
        claim: "Upgrade: websocket without Connection: upgrade takes no body from its request.",
        requirement: &REQUEST_BODY_DELIMITED,
        requires: &[Feature::Upload],
        observe: |launcher| Box::pin(with_body(launcher)),
    },
];

/// As curl and Java's client send it. The settings are a frame's without any (RFC 7540, 3.2.1).
const H2C: &str = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings:\r\n";

async fn declined(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    let sent = connection
        .send(with_fields(&server.plain_request(), H2C))
        .await;
    sent.observing("the offer")?;
    let head = connection
        .head()
        .await
        .observing("the response to the offer")?;
    if head.status == 101 {
        return Err(Stop::not_applicable("a program that takes no offer of h2c"));
    }
    connection.body().await.observing("the response's body")?;
    expect(head.is_success(), || format!("status {}", head.status))?;
    expect(!head.close, || {
        "the response to the offer says Connection: close".to_owned()
    })?;
    let next = connection.exchange(&server.plain_request()).await;
    next.observing("the request behind the offer").map(drop)
}

async fn with_body(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    let upload = with_fields(&post(server.upload()?, 10), "upgrade: websocket\r\n") + "0123456789";
    let response = connection.exchange(&upload).await;
    response.observing("the upload with an offer")?;
    let next = connection.exchange(&server.plain_request()).await;
    next.observing("the request behind the body").map(drop)
}
