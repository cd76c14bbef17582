//! The last to connect, who take their time to speak.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::sleep;

use crate::conform::case::{Case, Observing, Outcome, Stop};
use crate::conform::need::Need;
use crate::conform::pod::Pod;
use crate::conform::rule::Rule;
use crate::conform::stand::Stand;
use crate::conform::wire::{Break, Wire};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "silent-newcomer",
        claim: "Who connected just before the end and speaks 0.4 s later is served.",
        rule: Rule::Fence,
        needs: &[],
        observe: |stand| Box::pin(silent(stand)),
    },
    Case {
        name: "late-newcomer",
        claim: "Who connected just before the end and speaks 1.5 s later, as after a loss, is served.",
        rule: Rule::Fence,
        needs: &[Need::LameDuck],
        observe: |stand| Box::pin(late(stand)),
    },
];

/// From one newcomer to the next, and how many of the last are looked at.
const APART: Duration = Duration::from_millis(20);
const LAST: usize = 4;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

async fn silent(stand: &Stand<'_>) -> Outcome {
    // From a second on a connection that has not spoken may be taken for idle.
    the_last_speak(stand, ms(400), ms(850)).await
}

async fn late(stand: &Stand<'_>) -> Outcome {
    the_last_speak(stand, ms(1500), ms(1900)).await
}

/// The last to connect speak so long after the listener has gone, and so long after their handshakes
/// at most.
async fn the_last_speak(stand: &Stand<'_>, pause: Duration, at_most: Duration) -> Outcome {
    let mut pod = stand.start().await?;
    let first = pod.connect().await.observing("before the signal")?;
    pod.tell();
    let mut last = the_last(&pod, first).await?;
    sleep(pause).await;
    let oldest = last.front().map(|wire| wire.since.elapsed());
    let oldest = oldest.unwrap_or_default();
    if oldest > at_most {
        return Err(Stop::Late(format!("{oldest:.1?} after connecting")));
    }
    for wire in &mut last {
        let response = wire.ask(&pod.plain()).await;
        response.observing("one of the last to connect")?;
    }
    Ok(())
}

/// The last to connect before newcomers are refused. They have not spoken.
async fn the_last(pod: &Pod<'_>, first: Wire) -> Result<VecDeque<Wire>, Stop> {
    let mut last = VecDeque::from([first]);
    while pod.since_told() < pod.subject.deadline {
        match pod.connect_at_fence().await {
            Ok(wire) => last.push_back(wire),
            Err(Break::Refused) => break,
            Err(other) => return Err(other).observing("a newcomer"),
        }
        if last.len() > LAST {
            last.pop_front();
        }
        sleep(APART).await;
    }
    Ok(last)
}
