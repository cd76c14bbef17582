use std::{
    io::ErrorKind,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use actix_http::error::PayloadError;
use h2::RecvStream;

use crate::conn::{arrival::Arrival, payload::Sender, timer::Timer};

/// A request's body on its way from `h2` to the handler.
///
/// The handler has the other end of a channel, not the stream itself: so that the stream ends with
/// its response, whatever a handler has done with the body.
#[derive(Debug)]
pub(super) struct Incoming {
    stream: RecvStream,
    /// Gone with the body's end. Trailers after it go with the stream.
    sender: Option<Sender>,
    arrival: Arrival,
    timer: Timer,
}

impl Incoming {
    pub(super) fn new(stream: RecvStream, sender: Sender) -> Self {
        Self {
            stream,
            sender: Some(sender),
            arrival: Arrival::default(),
            timer: Timer::default(),
        }
    }

    /// Moves what has arrived, as far as the handler wants it. Only then is the client let send
    /// more: a handler that does not read is felt by its own client, and by nobody else.
    pub(super) fn feed(&mut self, cx: &mut Context<'_>) {
        while let Some(sender) = &self.sender
            && sender.wants(cx)
        {
            match self.stream.poll_data(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    // Fails only for more than was received.
                    let _ = self.stream.flow_control().release_capacity(chunk.len());
                    self.arrival.pause(Instant::now());
                    self.arrival.count(chunk.len());
                    sender.push(chunk);
                }
                Poll::Ready(Some(Err(_))) => self.end(Err(PayloadError::Incomplete(None))),
                Poll::Ready(None) => self.end(Ok(())),
                Poll::Pending => return,
            }
        }
    }

    /// Ready when the body comes too slowly for a handler that waits for it.
    pub(super) fn poll_late(&mut self, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sender) = &self.sender else {
            return Poll::Pending;
        };
        if sender.is_awaited(cx) {
            let deadline = self.arrival.deadline(limit, Instant::now);
            return self.timer.poll(deadline, cx);
        }
        if self.arrival.runs() {
            self.arrival.pause(Instant::now());
        }
        Poll::Pending
    }

    /// Tells the body's reader that it came too slowly.
    pub(super) fn give_up(&mut self) {
        self.end(Err(PayloadError::Io(ErrorKind::TimedOut.into())));
    }

    fn end(&mut self, end: Result<(), PayloadError>) {
        if let Some(sender) = self.sender.take() {
            sender.end(end);
        }
    }
}
