//! Early responses: uploads that are refused before their body has come.

use std::time::Duration;

use tokio::time::sleep;

use crate::case::{Case, Observing, Outcome, Stop, expect};
use crate::http1::{EXPECT, MISSING_PATH, post, with_fields};
use crate::launcher::Launcher;
use crate::requirement::{EARLY_REFUSAL, NO_RESET};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "early-response-no-reset",
        claim: "An upload refused early, whose client pauses and sends on, gets its answer, no RST.",
        requirement: &NO_RESET,
        requires: &[],
        observe: |launcher| Box::pin(upload(launcher)),
    },
    Case {
        name: "early-response-no-continue",
        claim: "An upload that waits for 100 Continue, and is refused, is not asked for its body.",
        requirement: &EARLY_REFUSAL,
        requires: &[],
        observe: |launcher| Box::pin(unasked(launcher)),
    },
];

/// More than a refused client sends here.
const ANNOUNCED: usize = 10_000_000;

/// What it sends at a time, and how long it pauses: longer than programs linger that do so by
/// habit, shorter than any client's patience.
const PART: usize = 50_000;
const PAUSE: Duration = Duration::from_millis(400);

/// Until an RST would be here.
const ROUND_TRIP: Duration = Duration::from_millis(50);

fn refusal(status: u16) -> Outcome {
    match status {
        400..=499 => Ok(()),
        _ => Err(Stop::not_applicable(format!(
            "a path that is not there (got {status})"
        ))),
    }
}

async fn upload(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.connect().await.observing("connecting")?;
    let part = vec![b'x'; PART];
    let begin = [post(MISSING_PATH, ANNOUNCED).as_bytes(), &part].concat();
    connection.send(begin).await.observing("the first part")?;
    // The first part after the pause is what meets a socket that was closed too early; the next
    // one would meet the RST.
    for _ in 0..2 {
        sleep(PAUSE).await;
        connection
            .send(&part)
            .await
            .observing("a part after a pause")?;
    }
    sleep(ROUND_TRIP).await;
    let reset = connection.is_reset();
    let head = connection.head().await.observing("the answer")?;
    refusal(head.status)?;
    expect(!reset, || {
        format!(
            "RST behind the answer of {}: most clients lose it",
            head.status
        )
    })
}

async fn unasked(launcher: &Launcher<'_>) -> Outcome {
    let server = launcher.start().await?;
    let mut connection = server.connect().await.observing("connecting")?;
    let asking = with_fields(&post(MISSING_PATH, ANNOUNCED), EXPECT);
    connection.send(asking).await.observing("the request")?;
    let head = connection.head().await.observing("the answer")?;
    expect(head.status != 100, || {
        "it was asked for its body (100 Continue)".to_owned()
    })?;
    refusal(head.status)
}
