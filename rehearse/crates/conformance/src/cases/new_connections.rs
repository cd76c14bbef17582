//! New connections during the lame duck.

use tokio::time::sleep_until;

use crate::case::{Case, Observing, Outcome, expect};
use crate::feature::Feature;
use crate::http1::get;
use crate::launcher::Launcher;
use crate::requirement::{CLOSE_ANNOUNCED, LAME_DUCK};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "new-connection-served",
        claim: "Who connects during the lame duck is served.",
        requirement: &LAME_DUCK,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(served(launcher)),
    },
    Case {
        name: "close-announced-new",
        claim: "The response to who connects during the lame duck says Connection: close.",
        requirement: &CLOSE_ANNOUNCED,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(close_announced(launcher)),
    },
    Case {
        name: "new-request-finished",
        claim: "A slow request that comes late in the lame duck is finished after it.",
        requirement: &LAME_DUCK,
        requires: &[Feature::LameDuck, Feature::Slow],
        observe: |launcher| Box::pin(slow(launcher)),
    },
];

async fn served(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    server.terminate();
    for part in [0.1, 0.3, 0.5, 0.7] {
        sleep_until(server.in_lame_duck(part)).await;
        let when = format!(
            "a new connection {:.1?} after the signal",
            server.since_termination()
        );
        server.request().await.observing(when)?;
    }
    Ok(())
}

async fn close_announced(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.3)).await;
    let mut connection = server.connect().await.observing("a new connection")?;
    let response = connection
        .exchange(&server.plain_request())
        .await
        .observing("a new connection")?;
    expect(response.close, || {
        "the response did not say close".to_owned()
    })?;
    connection
        .fin()
        .await
        .observing("after the response that says close")
}

async fn slow(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.7)).await;
    let mut connection = server.connect().await.observing("a new connection")?;
    let target = get(&server.slow()?.target());
    connection
        .exchange(&target)
        .await
        .observing("its response")?;
    Ok(())
}
