use std::{
    io::ErrorKind,
    mem,
    task::{Context, Poll},
};

use actix_http::error::PayloadError;
use bytes::{Bytes, BytesMut};
use h2::RecvStream;

use crate::{
    body_limits::BodyLimits,
    clock,
    conn::{arrival::Arrival, payload::Sender, timer::Timer},
};

/// A request's body on its way from `h2` to the handler.
///
/// The handler has the other end of a channel, not the stream itself: so that the stream ends with
/// its response, whatever a handler has done with the body.
#[derive(Debug)]
pub(super) struct Incoming {
    stream: RecvStream,
    /// More may come from `h2`.
    comes: bool,
    /// What has come and the handler has yet to want, in one piece: a frame may bring a single byte,
    /// which costs `h2` a hundred, and keeps the whole of what was read with it.
    held: BytesMut,
    /// How the body ended, which its reader hears behind what is held.
    over: Option<Result<(), PayloadError>>,
    /// Gone with the body's end.
    sender: Option<Sender>,
    arrival: Arrival,
    timer: Timer,
    /// The client waits to be asked for it.
    pub(super) expects: bool,
}

impl Incoming {
    pub(super) fn new(stream: RecvStream, sender: Sender, expects: bool) -> Self {
        Self {
            stream,
            comes: true,
            held: BytesMut::new(),
            over: None,
            sender: Some(sender),
            arrival: Arrival::default(),
            timer: Timer::default(),
            expects,
        }
    }

    /// Whether the handler has asked for the body.
    pub(super) fn is_asked(&self) -> bool {
        self.sender.as_ref().is_some_and(Sender::is_asked)
    }

    /// Whether anybody can ask for the body still.
    pub(super) fn is_held(&self) -> bool {
        self.sender.as_ref().is_some_and(Sender::is_held)
    }

    /// Takes what has arrived, and moves it as far as the handler wants it. Only then is the client
    /// let send more: a handler that does not read is felt by its own client, and by nobody else.
    pub(super) fn feed(&mut self, cx: &mut Context<'_>) {
        while self.comes {
            match self.stream.poll_data(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.take(chunk, cx),
                Poll::Ready(Some(Err(_))) => self.finish(Err(PayloadError::Incomplete(None))),
                Poll::Ready(None) => {
                    // Nobody reads trailers, and they need not be kept until the stream's end.
                    let _ = self.stream.poll_trailers(cx);
                    self.finish(Ok(()));
                }
                Poll::Pending => break,
            }
        }
        self.hand_over(cx);
    }

    fn take(&mut self, chunk: Bytes, cx: &mut Context<'_>) {
        // A client that sends its body unasked need not be asked for it (RFC 9110, 10.1.1).
        self.expects = false;
        if !chunk.is_empty() {
            self.arrival.moved(clock::now);
            self.arrival.count(chunk.len());
        }
        match &self.sender {
            Some(sender) if self.held.is_empty() && sender.is_awaited(cx) => self.push(chunk),
            Some(sender) if self.held.is_empty() && sender.is_drained(cx) => {
                self.push(Bytes::copy_from_slice(&chunk));
            }
            Some(_) => self.held.extend_from_slice(&chunk),
            // It was given up.
            None => {}
        }
    }

    fn hand_over(&mut self, cx: &mut Context<'_>) {
        let Some(sender) = &self.sender else { return };
        if !self.held.is_empty() && sender.is_drained(cx) {
            let held = mem::take(&mut self.held);
            self.push(held.freeze());
        }
        if self.held.is_empty()
            && let Some(over) = self.over.take()
        {
            self.end(over);
        }
    }

    fn push(&mut self, chunk: Bytes) {
        // Fails only for more than was received.
        let _ = self.stream.flow_control().release_capacity(chunk.len());
        if let Some(sender) = &self.sender {
            sender.push(chunk);
        }
    }

    fn finish(&mut self, over: Result<(), PayloadError>) {
        self.comes = false;
        self.over = Some(over);
    }

    /// Ready when the body comes too slowly for a handler that waits for it.
    pub(super) fn poll_late(&mut self, general: BodyLimits, cx: &mut Context<'_>) -> Poll<()> {
        let Some(sender) = &self.sender else {
            return Poll::Pending;
        };
        if sender.is_awaited(cx) {
            let limits = sender.limits(general);
            return match self.arrival.deadline(limits, clock::now) {
                Some(deadline) => self.timer.poll(deadline, cx),
                None => Poll::Pending,
            };
        }
        if self.arrival.runs() {
            self.arrival.pause(clock::now());
        }
        Poll::Pending
    }

    /// Tells the body's reader that it came too slowly.
    pub(super) fn give_up(&mut self) {
        self.held = BytesMut::new();
        self.end(Err(PayloadError::Io(ErrorKind::TimedOut.into())));
    }

    fn end(&mut self, end: Result<(), PayloadError>) {
        if let Some(sender) = self.sender.take() {
            sender.end(end);
        }
    }
}
