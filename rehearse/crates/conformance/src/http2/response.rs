//! What comes of a request.

use super::{Http2, Unexpected};
use crate::case::{Observing, Stop};
use rehearse_client::Http2Event as Event;

/// What has come of a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// Its head has come, with this status.
    pub(crate) status: Option<u16>,
    pub(crate) bytes: usize,
    pub(super) ended: bool,
    /// It never will be complete.
    pub(super) broken: Option<String>,
}

impl Answer {
    pub(super) fn note(&mut self, event: Event) {
        match event {
            Event::Head(head) => self.status = head.status,
            Event::Data(data) => self.bytes += data.len(),
            Event::End => self.ended = true,
            Event::Broken(fault) => {
                self.broken = Some(format!("{}: {}", fault.kind, fault.detail));
            }
        }
    }

    fn is_success(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

impl Http2 {
    pub(crate) fn answer(&self, stream: u32) -> Answer {
        let known = self.streams.get(&stream);
        known.map(|(_, answer)| answer.clone()).unwrap_or_default()
    }

    /// The response of a stream, complete, and a success.
    pub(crate) async fn answered(&mut self, stream: u32) -> Result<Answer, Stop> {
        loop {
            let answer = self.answer(stream);
            match &answer.broken {
                _ if answer.ended && answer.is_success() => return Ok(answer),
                _ if answer.ended => {
                    let status = answer.status.unwrap_or_default();
                    return Err(Stop::failed(format!("stream {stream}: status {status}")));
                }
                Some(how) => return Err(Stop::failed(format!("stream {stream}: {how}"))),
                None => {}
            }
            self.step().await.observing(format!("stream {stream}"))?;
        }
    }

    /// The response of a stream, which is none, or no success.
    pub(crate) async fn refused(&mut self, stream: u32) -> Result<(), Stop> {
        loop {
            let answer = self.answer(stream);
            if answer.is_success() {
                return Err(Stop::failed("it was served"));
            }
            if answer.broken.is_some() || answer.status.is_some() {
                return Ok(());
            }
            match self.step().await {
                Ok(()) => {}
                // The whole connection is ended, which is more than it takes.
                Err(Unexpected::Fin | Unexpected::Reset) => return Ok(()),
                Err(other) => return Err(other).observing(format!("stream {stream}")),
            }
        }
    }

    /// A request and its response.
    pub(crate) async fn exchange(&mut self, path: &str) -> Result<Answer, Stop> {
        let stream = self.get(path).await.observing("the request")?;
        self.answered(stream).await
    }
}
