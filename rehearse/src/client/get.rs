//! `GET`: on a kept connection with think time, or on a new connection each time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Plan;
use super::connection::{Connection, Fate};
use super::exchange::{Exchange, request_head, send_head};
use super::failure::{FailureKind, Fault};
use super::schedule::Pace;

pub(super) struct Get {
    target: Arc<str>,
    expect: Option<Arc<str>>,
    pace: Pace,
    keep: bool,
    /// The request as it was last sent: it changes with the peer only.
    request: Option<(SocketAddr, Vec<u8>)>,
}

impl Get {
    pub(super) fn keep_alive(plan: &Plan, think: Duration) -> Self {
        Self::new(plan, Pace::Think(think), true)
    }

    pub(super) fn one_shot(plan: &Plan, every: Duration) -> Self {
        Self::new(plan, Pace::every(every), false)
    }

    fn new(plan: &Plan, pace: Pace, keep: bool) -> Self {
        Self {
            target: plan.target.as_str().into(),
            expect: plan.expect.as_deref().map(Into::into),
            pace,
            keep,
            request: None,
        }
    }

    fn request(&mut self, peer: SocketAddr) -> &[u8] {
        self.request
            .take_if(|(rendered_for, _)| *rendered_for != peer);
        let headers = if self.keep {
            ""
        } else {
            "connection: close\r\n"
        };
        let render = || (peer, request_head("GET", &self.target, peer, headers));
        &self.request.get_or_insert_with(render).1
    }
}

impl Exchange for Get {
    async fn run(&mut self, connection: &mut Connection) -> Result<Instant, Fault> {
        if !self.keep {
            connection.fate = Fate::Dismissed;
        }
        send_head(connection, self.request(connection.peer)).await?;
        connection.head().await?.expect_ok()?;
        let expected = self.expect.as_deref().map(str::as_bytes);
        let (mut seen, mut right) = (0, true);
        while let Some(piece) = connection.piece().await? {
            let range = seen..seen + piece.len();
            right &= expected.is_none_or(|expected| expected.get(range) == Some(piece));
            seen += piece.len();
        }
        match expected {
            Some(expected) if !right || seen != expected.len() => {
                let detail = format!("not the expected body of {} bytes", expected.len());
                Err(Fault::new(
                    FailureKind::WrongBody,
                    format!("{seen} bytes, {detail}"),
                ))
            }
            _ => Ok(Instant::now()),
        }
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}
