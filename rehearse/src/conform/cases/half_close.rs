//! Clients that have sent their FIN.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::streams::follow;
use crate::conform::case::{Case, Observing, Outcome, Stop, expect};
use crate::conform::need::Need;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;

pub(super) const CASES: &[Case] = &[
    Case {
        name: "half-close",
        claim: "A client that sends FIN behind its request still gets its answer.",
        rule: Rule::HalfClose,
        needs: &[Need::Slow],
        observe: |stand| Box::pin(answered(stand)),
    },
    Case {
        name: "events-left",
        claim: "A client that sends FIN on Server-Sent Events has left: they end.",
        rule: Rule::HalfClose,
        needs: &[Need::Events],
        observe: |stand| Box::pin(left(stand)),
    },
];

async fn answered(stand: &Stand<'_>) -> Outcome {
    let pod = stand.start().await?;
    let slow = pod.slow()?;
    let begun = Instant::now();
    let mut wire = pod.begin().await?.wire;
    wire.shut_down().await.observing("its FIN")?;
    let response = wire.success().await;
    response.observing("the response to who has sent FIN")?;
    // A handler that has been given up may still end well, with nothing.
    let took = begun.elapsed();
    expect(took > slow.takes / 2, || {
        format!(
            "the answer came after {took:.1?} in place of {:?}",
            slow.takes
        )
    })?;
    wire.fin().await.observing("behind the response")
}

/// Until the stream of a client that has left has ended.
const SOON: Duration = Duration::from_secs(2);

async fn left(stand: &Stand<'_>) -> Outcome {
    let pod = stand.start().await?;
    let mut wire = follow(&pod).await?;
    wire.shut_down().await.observing("its FIN")?;
    let ended = timeout(SOON, async { while wire.fill().await.is_ok() {} });
    let still = |_| Stop::failed(format!("they still came {SOON:?} after their client's FIN"));
    ended.await.map_err(still)
}
