//! Whether the workers' event loops go round.
//!
//! Nobody polls: a worker is asked when a probe, `/status`, a scrape or the fence asks, and answers from
//! its event loop, which a handler that blocks holds up. So a silence is known from the first question
//! that stays unanswered on, and not from the last answer.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde::{Serialize, Serializer};
use tokio::{sync::watch, time::timeout};

use crate::clock;

/// A worker that has not answered for so long is blocked. Far less than a probe waits.
const BLOCKED: Duration = Duration::from_millis(250);

/// One worker's event loop. By default it has answered.
#[derive(Debug, Default)]
pub(crate) struct Pulse(watch::Sender<Beat>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Beat {
    #[default]
    Answered,
    /// Asked at this moment, and not answered since.
    Asked(Instant),
}

impl Pulse {
    /// Answers whoever asks, on the event loop that this runs on.
    pub(crate) async fn answer(&self) {
        let mut beat = self.0.subscribe();
        // It cannot be closed, since `self` is the sender.
        while beat.wait_for(|beat| *beat != Beat::Answered).await.is_ok() {
            self.0.send_replace(Beat::Answered);
        }
    }

    /// Asks, and waits for the answer a while.
    async fn ask(&self) {
        self.0.send_if_modified(|beat| {
            let is_new = *beat == Beat::Answered;
            if is_new {
                *beat = Beat::Asked(clock::now());
            }
            is_new
        });
        let mut beat = self.0.subscribe();
        let answered = beat.wait_for(|beat| *beat == Beat::Answered);
        // Whether it came shows in `silent`.
        let _ = timeout(BLOCKED, answered).await;
    }

    /// Whether it has left the last question unanswered.
    pub(crate) fn is_blocked(&self) -> bool {
        self.silent().is_some()
    }

    /// How long it has been silent, if it is blocked.
    fn silent(&self) -> Option<Duration> {
        match *self.0.borrow() {
            Beat::Answered => None,
            Beat::Asked(at) => Some(at.elapsed()).filter(|silent| *silent >= BLOCKED),
        }
    }
}

/// What the workers have answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Workers {
    pub(crate) count: usize,
    /// Those that do not answer.
    pub(crate) blocked: usize,
    /// How long none of them has answered.
    #[serde(rename = "silent_ms", serialize_with = "millis")]
    pub(crate) silent: Duration,
}

impl Workers {
    /// What is known of them, without asking anew.
    pub(super) fn known<'a>(pulses: impl Iterator<Item = &'a Pulse>) -> Self {
        let silences: Vec<_> = pulses.map(Pulse::silent).collect();
        let shortest = silences
            .iter()
            .map(|silent| silent.unwrap_or_default())
            .min();
        Self {
            count: silences.len(),
            blocked: silences.iter().flatten().count(),
            silent: shortest.unwrap_or_default(),
        }
    }

    /// Asks them all at once.
    pub(crate) async fn ask<'a>(pulses: impl Iterator<Item = &'a Pulse> + Clone) -> Self {
        join_all(pulses.clone().map(Pulse::ask)).await;
        Self::known(pulses)
    }
}

fn millis<S: Serializer>(duration: &Duration, sink: S) -> Result<S::Ok, S::Error> {
    sink.serialize_u64(crate::report::millis(*duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(pulses: &[Pulse]) -> Workers {
        Workers::ask(pulses.iter()).await
    }

    #[tokio::test]
    async fn a_worker_that_does_not_answer_is_blocked_from_the_first_question_on() {
        let pulses = [Pulse::default(), Pulse::default()];
        assert_eq!(Workers::known(pulses.iter()).blocked, 0, "nobody has asked");
        let asked = Instant::now();
        let workers = tokio::select! {
            biased;
            () = pulses[0].answer() => unreachable!(),
            workers = ask(&pulses) => workers,
        };
        assert_eq!((workers.count, workers.blocked), (2, 1));
        assert_eq!(workers.silent, Duration::ZERO, "one answers");
        // Nobody answers now: the one that was silent has been so since it was asked first.
        let workers = ask(&pulses).await;
        assert_eq!(workers.blocked, 2);
        assert!(workers.silent >= BLOCKED && workers.silent < asked.elapsed());
        let longest = pulses[1].silent().unwrap();
        assert!(longest >= 2 * BLOCKED, "{longest:?}");
        tokio::select! {
            biased;
            () = pulses[1].answer() => unreachable!(),
            workers = ask(&pulses) => assert_eq!((workers.blocked, workers.silent), (1, Duration::ZERO)),
        }
    }

    #[tokio::test]
    async fn without_workers_nobody_is_silent() {
        assert_eq!(ask(&[]).await, Workers::default());
    }
}
