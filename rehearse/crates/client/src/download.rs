//! A long `GET` whose every byte is known, read fast or slowly.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::exchange::{Exchange, request_head, send_head};
use super::failure::{FailureKind, Fault};
use super::log::Answer;
use super::pattern;
use super::response::expect_ok;
use super::schedule::Pace;

/// A slow reader's kernel buffer. With the usual megabytes, the server would not feel it.
const SLOW_BUFFER: u32 = 32 << 10;

#[derive(Clone)]
pub(super) struct Download {
    target: Arc<str>,
    pace: Pace,
    bytes: u64,
    rate: Option<u64>,
}

impl Download {
    pub(super) fn new(target: &str, every: Duration, bytes: u64, rate: Option<u64>) -> Self {
        let separator = if target.contains('?') { '&' } else { '?' };
        let target = format!("{target}{separator}bytes={bytes}").into();
        Self {
            target,
            pace: Pace::every(every),
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
        let head = request_head("GET", &self.target, connection.peer, "");
        send_head(connection, &head).await?;
        expect_ok(&connection.head().await?)?;
        let (begun, mut offset) = (Instant::now(), 0);
        while let Some(piece) = connection.piece().await? {
            if let Some(place) = pattern::first_wrong(offset, piece) {
                return wrong(format!("byte {place} is wrong"));
            }
            offset += piece.len() as u64;
            self.keep_to_rate(connection, begun).await?;
        }
        if offset != self.bytes {
            return wrong(format!("{offset} bytes, not {}", self.bytes));
        }
        Ok(Answer::Complete(Instant::now()))
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn receive_buffer(&self) -> Option<u32> {
        self.rate.map(|_| SLOW_BUFFER)
    }
}
