//! The Host header and `:authority`.

use crate::case::{Case, Observing, Outcome};
use crate::feature::Feature;
use crate::http2::Http2;
use crate::launcher::Launcher;
use crate::requirement::{HTTP2_HOST, VALID_HOST};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "host-invalid",
        claim: "A Host that is no host is answered by 400, and the connection ends.",
        requirement: &VALID_HOST,
        requires: &[],
        observe: |launcher| Box::pin(invalid(launcher)),
    },
    Case {
        name: "h2-host-differs",
        claim: "HTTP/2: a Host that differs from :authority is refused.",
        requirement: &HTTP2_HOST,
        requires: &[Feature::Http2],
        observe: |launcher| Box::pin(differs(launcher)),
    },
];

/// Two words, user information, a path, two hosts in one.
const INVALID: [&str; 4] = ["a b", "u@a", "a/b", "a, b"];

async fn invalid(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    for host in INVALID {
        let request = server
            .plain_request()
            .replace("host: conform", &format!("host: {host}"));
        let mut connection = server.connect().await.observing("connecting")?;
        connection.send(request).await.observing("the request")?;
        let refused = connection.refused_with(400).await;
        refused.observing(format!("Host: {host}"))?;
    }
    Ok(())
}

async fn differs(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let connected = Http2::connect(server.http2()).await;
    let mut connection = connected.observing("connecting")?;
    let stream = connection
        .get_for(&launcher.subject.routes.plain, "another")
        .await;
    let stream = stream.observing("the request")?;
    connection.refused(stream).await
}
