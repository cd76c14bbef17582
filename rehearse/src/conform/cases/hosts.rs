//! Whom a request is for.

use crate::conform::case::{Case, Observing, Outcome};
use crate::conform::http2::Http2;
use crate::conform::need::Need;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "host-invalid",
        claim: "A Host that is no host is answered by 400, and the connection ends.",
        rule: Rule::Host,
        needs: &[],
        observe: |stand| Box::pin(invalid(stand)),
    },
    Case {
        name: "h2-host-differs",
        claim: "HTTP/2: a Host that differs from :authority is refused.",
        rule: Rule::Host,
        needs: &[Need::Http2],
        observe: |stand| Box::pin(differs(stand)),
    },
];

/// Two words, user information, a path, two hosts in one.
const INVALID: [&str; 4] = ["a b", "u@a", "a/b", "a, b"];

async fn invalid(stand: &Stand<'_>) -> Outcome {
    let pod = stand.start().await?;
    for host in INVALID {
        let request = pod
            .plain()
            .replace("host: conform", &format!("host: {host}"));
        let mut wire = pod.connect().await.observing("connecting")?;
        wire.send(request).await.observing("the request")?;
        let refused = wire.refused_with(400).await;
        refused.observing(format!("Host: {host}"))?;
    }
    Ok(())
}

async fn differs(stand: &Stand<'_>) -> Outcome {
    let pod = stand.start().await?;
    let connected = Http2::connect(pod.address.http).await;
    let mut connection = connected.observing("connecting")?;
    let stream = connection
        .get_for(&stand.subject.routes.plain, "another")
        .await;
    let stream = stream.observing("the request")?;
    connection.refused(stream).await
}
