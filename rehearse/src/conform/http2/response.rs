//! What a client gets.

use super::{GoAway, Http2};
use crate::conform::case::{Observing, Stop};
use crate::conform::connection::Unexpected;

/// What has come of a response.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::conform) struct Answer {
    /// Its head has come, and says 200, 204 or 206.
    pub(super) success: bool,
    pub(in crate::conform) begun: bool,
    pub(in crate::conform) bytes: usize,
    pub(super) ended: bool,
    pub(super) reset: Option<u32>,
}

impl Http2 {
    pub(in crate::conform) fn answer(&self, stream: u32) -> Answer {
        self.answers.get(&stream).copied().unwrap_or_default()
    }

    /// The response of a stream, complete, and a success.
    pub(in crate::conform) async fn answered(&mut self, stream: u32) -> Result<Answer, Stop> {
        loop {
            let answer = self.answer(stream);
            let refused = self
                .goaways
                .iter()
                .find(|goaway| goaway.last_stream < stream);
            match (answer.reset, refused) {
                _ if answer.ended && answer.success => return Ok(answer),
                _ if answer.ended => return Err(Stop::failed("a response that is no success")),
                (Some(code), _) => {
                    return Err(Stop::failed(format!("stream {stream}: RST_STREAM {code}")));
                }
                (None, Some(GoAway { last_stream, .. })) => {
                    let seen = format!("stream {stream}: GOAWAY names {last_stream} as the last");
                    return Err(Stop::failed(seen));
                }
                (None, None) => {}
            }
            self.step().await.observing(format!("stream {stream}"))?;
        }
    }

    /// The response of a stream, which is none, or no success.
    pub(in crate::conform) async fn refused(&mut self, stream: u32) -> Result<(), Stop> {
        loop {
            let answer = self.answer(stream);
            if answer.reset.is_some() || answer.begun && !answer.success {
                return Ok(());
            }
            if answer.success {
                return Err(Stop::failed("it was served"));
            }
            match self.step().await {
                Ok(_) => {}
                // The whole connection is ended, which is more than it takes.
                Err(Unexpected::Fin | Unexpected::Reset) => return Ok(()),
                Err(other) => return Err(other).observing(format!("stream {stream}")),
            }
        }
    }

    /// A request and its response.
    pub(in crate::conform) async fn exchange(&mut self, path: &str) -> Result<Answer, Stop> {
        let stream = self.get(path).await.observing("the request")?;
        self.answered(stream).await
    }
}
