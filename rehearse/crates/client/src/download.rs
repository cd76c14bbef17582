//! A long `GET`, read fast or slowly. Of our own services every byte of it is known.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::exchange::{Exchange, send_head};
use super::failure::{FailureKind, Fault};
use super::headers::Headers;
use super::log::Answer;
use super::pattern;
use super::response::expect_success;
use super::schedule::Pace;
use super::{Content, Plan};

/// A slow reader's kernel buffer. With the usual megabytes, the server would not feel it.
const SLOW_BUFFER: u32 = 32 << 10;

#[derive(Clone)]
pub(super) struct Download {
    target: Arc<str>,
    headers: Headers,
    pace: Pace,
    content: Content,
    /// How many there are, each of them known.
    bytes: Option<u64>,
    rate: Option<u64>,
}

impl Download {
    pub(super) fn new(plan: &Plan, every: Duration, bytes: u64, rate: Option<u64>) -> Self {
        let target = plan.target.as_str();
        let (target, bytes) = match plan.content {
            Content::Known => {
                let separator = if target.contains('?') { '&' } else { '?' };
                (format!("{target}{separator}bytes={bytes}"), Some(bytes))
            }
            Content::Unknown => (target.to_owned(), None),
        };
        Self {
            target: target.into(),
            headers: plan.headers.clone(),
            pace: Pace::every(every),
            content: plan.content,
            bytes,
            rate,
        }
    }

    /// Waits until a reader of this rate would have got so far.
    async fn keep_to_rate(&self, connection: &Connection, begun: Instant) -> Result<(), Fault> {
        if let Some(rate) = self.rate {
            let due = Duration::from_secs_f64(connection.received as f64 / rate.max(1) as f64);
            sleep_until(connection.deadline.min(begun + due)).await;
            connection.check_deadline()?;
        }
        Ok(())
    }
}

impl Exchange for Download {
    async fn run(&mut self, connection: &mut Connection) -> Result<Answer, Fault> {
        let wrong = |detail| Err(Fault::new(FailureKind::WrongBody, detail));
        let head = self
            .headers
            .request("GET", &self.target, connection.peer, "");
        send_head(connection, &head).await?;
        expect_success(&connection.head().await?, self.content)?;
        let until_fin = connection.is_unjudged();
        let (begun, mut offset) = (Instant::now(), 0);
        while let Some(piece) = connection.piece().await? {
            if self.bytes.is_some()
                && let Some(place) = pattern::first_wrong(offset, piece)
            {
                return wrong(format!("byte {place} is wrong"));
            }
            offset += piece.len() as u64;
            self.keep_to_rate(connection, begun).await?;
        }
        match self.bytes {
            Some(bytes) if offset != bytes => wrong(format!("{offset} bytes, not {bytes}")),
            None if until_fin => Ok(Answer::Unjudged(Instant::now())),
            _ => Ok(Answer::Complete(Instant::now())),
        }
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn receive_buffer(&self) -> Option<u32> {
        self.rate.map(|_| SLOW_BUFFER)
    }
}
