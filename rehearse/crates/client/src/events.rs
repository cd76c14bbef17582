//! Server-Sent Events with resume. Of our own services: no event lost, none doubled, over all
//! reconnects. Of others: each stream ends by the end of its body.

use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::{Connection, Fate};
use super::exchange::{Exchange, send_head};
use super::failure::{FailureKind, Fault};
use super::log::{Answer, Streamed};
use super::response::expect_success;
use super::schedule::Pace;
use super::shared::Shared;
use super::{Content, Plan};
use rehearse_wire::sse::{Event, Parser};

/// The wait before a reconnect, unless the server gives a hint.
const RETRY: Duration = Duration::from_millis(100);

/// No hint, however small or large, may make the client spin or sleep through the run.
const RETRY_BOUNDS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(10));

pub(super) struct Events {
    shared: Arc<Shared>,
    /// The id to resume from.
    last_id: Option<String>,
    /// The same, as a number that counts up.
    last: Option<u64>,
    /// What was left out, and may still come.
    gaps: Vec<RangeInclusive<u64>>,
    received: Streamed,
    retry: Duration,
}

impl Events {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            last_id: None,
            last: None,
            gaps: Vec::new(),
            received: Streamed {
                events: Some(0),
                ..Streamed::default()
            },
            retry: RETRY,
        }
    }

    async fn open(&self, connection: &mut Connection) -> Result<(), Fault> {
        let resume = self.last_id.as_ref().filter(|id| !id.is_empty());
        let resume = resume.map_or_else(String::new, |id| format!("last-event-id: {id}\r\n"));
        let own = format!("accept: text/event-stream\r\n{resume}");
        let Plan {
            target, headers, ..
        } = &self.shared.plan;
        send_head(
            connection,
            &headers.request("GET", target, connection.peer, &own),
        )
        .await?;
        let head = connection.head().await?;
        expect_success(&head, self.shared.plan.content)?;
        if !head.event_stream {
            return Err(Fault::new(FailureKind::WrongBody, "not text/event-stream"));
        }
        if connection.is_unjudged() && self.shared.plan.content == Content::Known {
            // What only a FIN ends cannot be told from what was cut.
            return Err(Fault::bad("an event stream without an end marker"));
        }
        Ok(())
    }

    /// Reads until the server ends the stream, the stop, or the first fault.
    async fn follow(&mut self, connection: &mut Connection) -> Result<(), Fault> {
        let (shared, mut parser) = (Arc::clone(&self.shared), Parser::default());
        let mut stopped = pin!(shared.stop.cancelled());
        loop {
            connection.deadline = Instant::now() + shared.plan.timeout;
            let mut bytes = tokio::select! {
                biased;
                () = &mut stopped => return Ok(()),
                piece = connection.piece() => match piece? {
                    Some(bytes) => bytes,
                    None => {
                        connection.fate = Fate::Ended;
                        return Ok(());
                    }
                },
            };
            while let Some((event, rest)) = parser.feed(bytes) {
                self.take(event)?;
                bytes = rest;
            }
            if let Some(hint) = parser.retry {
                self.retry = hint.clamp(RETRY_BOUNDS.0, RETRY_BOUNDS.1);
            }
        }
    }

    /// Checks one event against the one before it, if it is known what that means.
    fn take(&mut self, event: Event) -> Result<(), Fault> {
        if self.shared.plan.content == Content::Known {
            self.check(&event)?;
        }
        self.last_id = event.id.or(self.last_id.take());
        self.received.events = self.received.events.map(|events| events + 1);
        self.shared.progress.events.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn check(&mut self, event: &Event) -> Result<(), Fault> {
        let Some(id) = event.id.as_deref().and_then(|id| id.parse::<u64>().ok()) else {
            return Err(Fault::new(
                FailureKind::WrongBody,
                "an event without a number for its id",
            ));
        };
        if event.data != event.id {
            return Err(Fault::new(
                FailureKind::WrongBody,
                format!("event {id}: wrong data"),
            ));
        }
        match self.last {
            Some(last) if id <= last => return Err(self.again(id, last)),
            Some(last) if id > last + 1 => {
                self.resume_from(id);
                return Err(self.gap(id, last));
            }
            _ => self.resume_from(id),
        }
        Ok(())
    }

    fn resume_from(&mut self, id: u64) {
        (self.last, self.last_id) = (Some(id), Some(id.to_string()));
    }

    fn gap(&mut self, id: u64, last: u64) -> Fault {
        let missing = id - last - 1;
        self.gaps.push(last + 1..=id - 1);
        self.received.missing += missing;
        let detail = format!("{id} after {last}: {missing} missing");
        Fault::new(FailureKind::EventsLost, detail)
    }

    /// An event that is not new: sent twice, or missing until now.
    fn again(&mut self, id: u64, last: u64) -> Fault {
        let gap = self.gaps.iter().position(|gap| gap.contains(&id));
        let Some(gap) = gap.map(|gap| self.gaps.swap_remove(gap)) else {
            self.received.doubled += 1;
            return Fault::new(FailureKind::EventsDoubled, format!("{id} after {last}"));
        };
        let (before, behind) = (*gap.start()..=id - 1, id + 1..=*gap.end());
        let rest = [before, behind].into_iter().filter(|gap| !gap.is_empty());
        self.gaps.extend(rest);
        self.received.missing -= 1;
        self.received.misplaced += 1;
        Fault::new(FailureKind::EventsMisplaced, format!("{id} after {last}"))
    }
}

impl Exchange for Events {
    async fn run(&mut self, connection: &mut Connection) -> Result<Answer, Fault> {
        connection.fate = Fate::Dismissed;
        self.open(connection).await?;
        let (opened, until_fin) = (Instant::now(), connection.is_unjudged());
        if self.shared.plan.content == Content::Unknown {
            // There may be no event for long.
            self.shared.progress.events.fetch_add(1, Ordering::Relaxed);
        }
        self.follow(connection).await?;
        Ok(match until_fin && !self.shared.stop.is_cancelled() {
            true => Answer::Unjudged(opened),
            false => Answer::Complete(opened),
        })
    }

    fn pace(&self) -> Pace {
        Pace::steady(self.retry)
    }

    fn leave(&mut self) {
        self.shared.log().streams.push(self.received);
    }
}
