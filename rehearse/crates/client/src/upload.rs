//! `POST` with a slow body. The answer of our own services must show that every byte arrived.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::connection::{Connection, Sent};
use super::exchange::Exchange;
use super::failure::{FailureKind, Fault};
use super::headers::Headers;
use super::log::Answer;
use super::pattern;
use super::response::expect_success;
use super::schedule::Pace;
use super::{Content, Plan};

/// More than the answer takes, so that a wrong one can be shown.
const MAX_ANSWER: usize = 256;

#[derive(Clone)]
pub(super) struct Upload {
    target: Arc<str>,
    headers: Headers,
    content: Content,
    pace: Pace,
    bytes: u64,
    crc32: u32,
    parts: u32,
    over: Duration,
    chunked: bool,
}

#[derive(Deserialize)]
struct Receipt {
    bytes: u64,
    crc32: String,
}

impl Upload {
    pub(super) fn new(
        plan: &Plan,
        every: Duration,
        bytes: u64,
        parts: u32,
        over: Duration,
    ) -> Self {
        // An empty body has no part to wait for: its request is complete with the head.
        let parts = if bytes == 0 { 0 } else { parts.max(1) };
        let crc32 = pattern::crc32(bytes);
        Self {
            target: plan.target.as_str().into(),
            headers: plan.headers.clone(),
            content: plan.content,
            pace: Pace::every(every),
            bytes,
            crc32,
            parts,
            over,
            chunked: true,
        }
    }

    /// The head at once; part `k` of `n` when `k/n` of the time is over.
    async fn send(&self, connection: &mut Connection) -> Result<Sent, Fault> {
        let framing = match self.chunked {
            true => "transfer-encoding: chunked\r\n".to_owned(),
            false => format!("content-length: {}\r\n", self.bytes),
        };
        let head = self
            .headers
            .request("POST", &self.target, connection.peer, &framing);
        let (begun, mut sent) = (Instant::now(), connection.send(&head).await?);
        let bound = |part: u32| {
            let share = u128::from(self.bytes) * u128::from(part) / u128::from(self.parts);
            share as u64
        };
        for part in 1..=self.parts {
            if sent == Sent::Interrupted {
                return Ok(sent);
            }
            sent = match connection
                .pause(begun + self.over * part / self.parts)
                .await?
            {
                Sent::Whole => {
                    self.send_part(connection, bound(part - 1), bound(part))
                        .await?
                }
                Sent::Interrupted => Sent::Interrupted,
            };
        }
        match sent {
            Sent::Whole if self.chunked => connection.send(b"0\r\n\r\n").await,
            _ => Ok(sent),
        }
    }

    async fn send_part(
        &self,
        connection: &mut Connection,
        mut from: u64,
        to: u64,
    ) -> Result<Sent, Fault> {
        // A chunk of no bytes would be the end marker.
        let framed = self.chunked && from < to;
        if framed
            && connection
                .send(format!("{:x}\r\n", to - from).as_bytes())
                .await?
                != Sent::Whole
        {
            return Ok(Sent::Interrupted);
        }
        while from < to {
            let piece = pattern::at(from, to - from);
            if connection.send(piece).await? == Sent::Interrupted {
                return Ok(Sent::Interrupted);
            }
            from += piece.len() as u64;
        }
        if framed {
            connection.send(b"\r\n").await
        } else {
            Ok(Sent::Whole)
        }
    }

    fn judge(&self, answer: &[u8]) -> Result<(), Fault> {
        let right = serde_json::from_slice::<Receipt>(answer).is_ok_and(|receipt| {
            receipt.bytes == self.bytes && receipt.crc32 == format!("{:08x}", self.crc32)
        });
        if right {
            return Ok(());
        }
        let (answer, bytes, crc32) = (answer.escape_ascii(), self.bytes, self.crc32);
        let detail = format!("{answer}, not {bytes} bytes with the CRC-32 {crc32:08x}");
        Err(Fault::new(FailureKind::WrongBody, detail))
    }
}

impl Exchange for Upload {
    async fn run(&mut self, connection: &mut Connection) -> Result<Answer, Fault> {
        self.chunked = !self.chunked;
        match self.send(connection).await {
            Ok(Sent::Whole) => expect_success(&connection.head().await?, self.content)?,
            Ok(Sent::Interrupted) => {
                expect_success(&connection.head().await?, self.content)?;
                let detail = "answered before the request was complete";
                return Err(Fault::new(FailureKind::WrongBody, detail));
            }
            // A server that answers early and closes resets what is still coming; its answer says
            // more than the reset, if it got through.
            Err(fault) => {
                connection
                    .head()
                    .await
                    .map_or(Ok(()), |head| expect_success(&head, self.content))?;
                return Err(fault);
            }
        }
        let until_fin = connection.is_unjudged();
        let answer = connection.whole_body(MAX_ANSWER).await?;
        match self.content {
            Content::Known => self.judge(&answer)?,
            Content::Unknown if until_fin => return Ok(Answer::Unjudged(Instant::now())),
            Content::Unknown => {}
        }
        Ok(Answer::Complete(Instant::now()))
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}
