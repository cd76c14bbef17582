//! Offers to go on in another protocol.

use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::http::{post, with};
use crate::conform::need::Need;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "offer-declined",
        claim: "An offer of h2c that is not taken gets a plain response, and costs no connection.",
        rule: Rule::Offers,
        needs: &[],
        observe: |stand| Box::pin(declined(stand)),
    },
    Case {
        name: "offer-with-body",
        claim: "Upgrade: websocket without Connection: upgrade takes no body from its request.",
        rule: Rule::Offers,
        needs: &[Need::Upload],
        observe: |stand| Box::pin(with_body(stand)),
    },
];

/// As curl and Java's client send it. The settings are a frame's without any (RFC 7540, 3.2.1).
const H2C: &str = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings:\r\n";

async fn declined(stand: &Stand<'_>) -> Outcome {
    let pod = stand.start().await?;
    let mut wire = pod.idle().await?;
    let asked = wire.send(with(&pod.plain(), H2C)).await;
    asked.observing("the offer")?;
    let head = wire.head().await.observing("the response to the offer")?;
    if head.status == 101 {
        return Err(Stop::not_applicable("a program that takes no offer of h2c"));
    }
    wire.body(&head).await.observing("the response's body")?;
    expect(head.is_success(), || format!("status {}", head.status))?;
    expect(!head.says_goodbye(), || {
        "the response to the offer says Connection: close".to_owned()
    })?;
    let next = wire.ask(&pod.plain()).await;
    next.observing("the request behind the offer").map(drop)
}

async fn with_body(stand: &Stand<'_>) -> Outcome {
    let pod = stand.start().await?;
    let mut wire = pod.idle().await?;
    let upload = with(&post(pod.upload()?, 10), "upgrade: websocket\r\n") + "0123456789";
    let response = wire.ask(&upload).await;
    response.observing("the upload with an offer")?;
    let next = wire.ask(&pod.plain()).await;
    next.observing("the request behind the body").map(drop)
}
