//! Half-closed connections: clients that have sent FIN and still read.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::event_streams::follow;
use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::feature::Feature;
use crate::launcher::Launcher;
use crate::requirement::{EVENT_STREAMS, HALF_CLOSE};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "half-close",
        claim: "A client that sends FIN behind its request still gets its answer.",
        requirement: &HALF_CLOSE,
        requires: &[Feature::Slow],
        observe: |launcher| Box::pin(answered(launcher)),
    },
    Case {
        name: "events-half-close",
        claim: "A client that sends FIN on Server-Sent Events has left: they end.",
        requirement: &EVENT_STREAMS,
        requires: &[Feature::Events],
        observe: |launcher| Box::pin(left(launcher)),
    },
];

async fn answered(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let slow = server.slow()?;
    let begun = Instant::now();
    let mut connection = server.begin_request().await?.connection;
    connection.shut_down().await.observing("its FIN")?;
    let response = connection.success().await;
    response.observing("the response to who has sent FIN")?;
    // A handler that has been given up may still end well, with nothing.
    let took = begun.elapsed();
    expect(took > slow.takes / 2, || {
        format!(
            "the answer came after {took:.1?} in place of {:?}",
            slow.takes
        )
    })?;
    connection.fin().await.observing("behind the response")
}

/// Until the stream of a client that has left has ended.
const SOON: Duration = Duration::from_secs(2);

async fn left(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = follow(&server).await?;
    connection.shut_down().await.observing("its FIN")?;
    let ended = timeout(SOON, async { while connection.fill().await.is_ok() {} });
    let still = |_| Stop::failed(format!("they still came {SOON:?} after their client's FIN"));
    ended.await.map_err(still)
}
