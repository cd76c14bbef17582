//! TLS: how connections end. `close_notify` comes before FIN, or nobody can know that nothing was cut.

use std::time::Duration;

use tokio::time::sleep_until;

use crate::case::{Case, Observing, Outcome, expect};
use crate::feature::Feature;
use crate::http1::{get, with_fields};
use crate::http2::Http2;
use crate::launcher::Launcher;
use crate::requirement::CLOSE_NOTIFY;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "tls-close-idle",
        claim: "TLS: an idle connection that ends in the drain ends by close_notify and FIN.",
        requirement: &CLOSE_NOTIFY,
        requires: &[Feature::Tls],
        observe: |launcher| Box::pin(idle(launcher)),
    },
    Case {
        name: "tls-close-announced",
        claim: "TLS: behind a response that says close come close_notify and FIN.",
        requirement: &CLOSE_NOTIFY,
        requires: &[Feature::Tls, Feature::LameDuck],
        observe: |launcher| Box::pin(announced(launcher)),
    },
    Case {
        name: "tls-close-asked",
        claim: "TLS: behind the response to a request that says close come close_notify and FIN.",
        requirement: &CLOSE_NOTIFY,
        requires: &[Feature::Tls],
        observe: |launcher| Box::pin(asked(launcher)),
    },
    Case {
        name: "tls-close-keep-alive",
        claim: "TLS: an idle connection whose time is over ends by close_notify and FIN.",
        requirement: &CLOSE_NOTIFY,
        requires: &[Feature::Tls, Feature::ShortKeepAlive],
        observe: |launcher| Box::pin(keep_alive(launcher)),
    },
    Case {
        name: "tls-close-refused",
        claim: "TLS: behind a 400 come close_notify and FIN.",
        requirement: &CLOSE_NOTIFY,
        requires: &[Feature::Tls],
        observe: |launcher| Box::pin(refused(launcher)),
    },
    Case {
        name: "tls-close-half",
        claim: "TLS: a client that says close_notify and FIN first is told the same.",
        requirement: &CLOSE_NOTIFY,
        requires: &[Feature::Tls],
        observe: |launcher| Box::pin(half(launcher)),
    },
    Case {
        name: "tls-close-h2",
        claim: "TLS, HTTP/2: a connection that ends in the drain ends by close_notify and FIN.",
        requirement: &CLOSE_NOTIFY,
        requires: &[Feature::Tls, Feature::Http2],
        observe: |launcher| Box::pin(http2(launcher)),
    },
];

/// What a server that ends idle connections after a second or two may take.
const SHORT: Duration = Duration::from_secs(10);

async fn idle(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    server.terminate();
    let end = connection.fin_within(launcher.subject.deadline).await;
    end.observing("the idle connection")
}

async fn announced(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.3)).await;
    let response = connection.exchange(&server.plain_request()).await;
    let response = response.observing("in the lame duck")?;
    expect(response.close, || {
        "the response did not say close".to_owned()
    })?;
    connection.fin().await.observing("behind the response")
}

async fn asked(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.connect().await.observing("connecting")?;
    let request = with_fields(&server.plain_request(), "connection: close\r\n");
    let response = connection.exchange(&request).await;
    response.observing("the response")?;
    connection.fin().await.observing("behind the response")
}

async fn keep_alive(launcher: &Launcher<'_>) -> Outcome {
    let short = launcher.subject.short_keep_alive.iter();
    let short: Vec<(&str, &str)> = short.map(|(name, value)| (&**name, &**value)).collect();
    let server = launcher.start_with(&short).await?;
    let mut connection = server.idle_connection().await?;
    let end = connection.fin_within(SHORT).await;
    end.observing("the idle connection")
}

async fn refused(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.connect().await.observing("connecting")?;
    let bad = get(&launcher.subject.routes.plain).replacen("host:", "host\u{1}:", 1);
    connection.send(bad).await.observing("a bad request")?;
    connection.refused_with(400).await.observing("its answer")
}

async fn half(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.idle_connection().await?;
    connection.shut_down().await.observing("the client's end")?;
    connection.fin().await.observing("the server's end")
}

async fn http2(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    let connected = Http2::connect(server.http2()).await;
    let mut connection = connected.observing("before the signal")?;
    let stream = connection.get(&launcher.subject.routes.plain).await;
    let stream = stream.observing("before the signal")?;
    connection.answered(stream).await?;
    server.terminate();
    connection.fin().await.observing("its end in the drain")?;
    Ok(())
}
