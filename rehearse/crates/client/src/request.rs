//! A request in one piece, and its whole answer: on a kept connection with think time, or on a new
//! connection each time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::{Connection, Fate};
use super::exchange::{Exchange, send_head};
use super::failure::{FailureKind, Fault};
use super::headers::Headers;
use super::log::Answer;
use super::response::expect_success;
use super::schedule::Pace;
use super::{Content, Method, Plan, Think};

pub(super) struct Request {
    method: Method,
    target: Arc<str>,
    headers: Headers,
    body: Vec<u8>,
    expect: Option<Arc<str>>,
    content: Content,
    pace: Pace,
    keep: bool,
    /// The request as it was last sent: it changes with the peer only.
    rendered: Option<(SocketAddr, Vec<u8>)>,
}

impl Request {
    pub(super) fn keep_alive(plan: &Plan, think: Think, method: Method) -> Self {
        Self::new(plan, Pace::Think(think), true, method)
    }

    pub(super) fn one_shot(plan: &Plan, every: Duration) -> Self {
        Self::new(plan, Pace::every(every), false, Method::Get)
    }

    fn new(plan: &Plan, pace: Pace, keep: bool, method: Method) -> Self {
        Self {
            method,
            target: plan.target.as_str().into(),
            headers: plan.headers.clone(),
            body: plan.body.clone(),
            expect: plan.expect.as_deref().map(Into::into),
            content: plan.content,
            pace,
            keep,
            rendered: None,
        }
    }

    fn rendered(&mut self, peer: SocketAddr) -> &[u8] {
        self.rendered
            .take_if(|(rendered_for, _)| *rendered_for != peer);
        let render = || {
            let close = if self.keep {
                ""
            } else {
                "connection: close\r\n"
            };
            let request = match self.method {
                Method::Get => self.headers.request("GET", &self.target, peer, close),
                Method::Post => {
                    let own = format!("{close}content-length: {}\r\n", self.body.len());
                    let head = self.headers.request("POST", &self.target, peer, &own);
                    [head, self.body.clone()].concat()
                }
            };
            (peer, request)
        };
        &self.rendered.get_or_insert_with(render).1
    }
}

impl Exchange for Request {
    async fn run(&mut self, connection: &mut Connection) -> Result<Answer, Fault> {
        if !self.keep {
            connection.fate = Fate::Dismissed;
        }
        send_head(connection, self.rendered(connection.peer)).await?;
        expect_success(&connection.head().await?, self.content)?;
        let until_fin = connection.is_unjudged();
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
            // What only a FIN ends cannot be told from what was cut, unless it is known.
            None if until_fin => Ok(Answer::Unjudged(Instant::now())),
            _ => Ok(Answer::Complete(Instant::now())),
        }
    }

    fn pace(&self) -> Pace {
        self.pace
    }
}
