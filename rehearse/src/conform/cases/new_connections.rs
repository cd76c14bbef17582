//! Whoever still comes after the signal.

use tokio::time::sleep_until;

use crate::conform::case::{Case, Observing, Outcome, expect};
use crate::conform::feature::Feature;
use crate::conform::http1::get;
use crate::conform::launcher::Launcher;
use crate::conform::requirement::Rule;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "newcomer-served",
        claim: "Who connects during the lame duck is served.",
        rule: Rule::LameDuck,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(served(launcher)),
    },
    Case {
        name: "newcomer-told",
        claim: "The response to who connects during the lame duck says Connection: close.",
        rule: Rule::Goodbye,
        requires: &[Feature::LameDuck],
        observe: |launcher| Box::pin(told(launcher)),
    },
    Case {
        name: "newcomer-slow",
        claim: "A slow request that comes late in the lame duck is finished after it.",
        rule: Rule::InFlight,
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
            "a newcomer {:.1?} after the signal",
            server.since_termination()
        );
        server.request().await.observing(when)?;
    }
    Ok(())
}

async fn told(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.3)).await;
    let mut connection = server.connect().await.observing("a newcomer")?;
    let response = connection
        .exchange(&server.plain_request())
        .await
        .observing("a newcomer")?;
    expect(response.head.announces_close(), || {
        "the response did not say it".to_owned()
    })?;
    connection
        .fin()
        .await
        .observing("after the response that says it")
}

async fn slow(launcher: &Launcher<'_>) -> Outcome {
    let mut server = launcher.start().await?;
    server.terminate();
    sleep_until(server.in_lame_duck(0.7)).await;
    let mut connection = server.connect().await.observing("a newcomer")?;
    let target = get(&server.slow()?.target());
    connection
        .exchange(&target)
        .await
        .observing("its response")?;
    Ok(())
}
