//! A request's body on its way from the connection to the handler.

use std::{
    cell::RefCell,
    collections::VecDeque,
    mem::size_of,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};

use actix_http::error::PayloadError;
use bytes::Bytes;
use futures_core::Stream;

use crate::body_limits::BodyLimits;

/// Bytes held for a handler that does not read; beyond it, the connection stops reading too, and
/// TCP's own flow control reaches the client.
const HIGH_WATER: usize = 32 * 1024;

/// What a chunk holds in memory: a client may send its body in chunks of one byte.
fn weight(chunk: &Bytes) -> usize {
    size_of::<Bytes>() + chunk.len()
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Bytes>,
    weight: usize,
    end: Option<Result<(), PayloadError>>,
    /// The handler has asked for the body.
    asked: bool,
    /// How slowly its route lets it come.
    limits: BodyLimits,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The connection's end. Dropped before the body's end, it makes the handler's read fail.
#[derive(Debug)]
pub(super) struct Sender(Weak<RefCell<Queue>>);

/// The handler's end: the stream inside of `web::Payload`.
#[derive(Debug)]
pub(super) struct Receiver(Rc<RefCell<Queue>>);

/// A body of which nothing has arrived yet.
pub(super) fn channel() -> (Sender, Receiver) {
    let queue = Rc::new(RefCell::new(Queue::default()));
    (Sender(Rc::downgrade(&queue)), Receiver(queue))
}

impl Sender {
    /// Whether more is wanted; if not, the task is woken when it is. A handler that has dropped
    /// the body wants it all, to be discarded.
    pub(super) fn wants(&self, cx: &mut Context<'_>) -> bool {
        let Some(queue) = self.0.upgrade() else {
            return true;
        };
        let mut queue = queue.borrow_mut();
        let wants = queue.weight < HIGH_WATER;
        if !wants {
            queue.writer = Some(cx.waker().clone());
        }
        wants
    }

    /// Whether the handler has taken all that was pushed; if not, the task is woken when it takes
    /// something.
    pub(super) fn is_drained(&self, cx: &mut Context<'_>) -> bool {
        let Some(queue) = self.0.upgrade() else {
            return true;
        };
        let mut queue = queue.borrow_mut();
        let drained = queue.chunks.is_empty();
        if !drained {
            queue.writer = Some(cx.waker().clone());
        }
        drained
    }

    /// Whether the handler waits for more; if not, the task is woken when it does.
    pub(super) fn is_awaited(&self, cx: &mut Context<'_>) -> bool {
        let Some(queue) = self.0.upgrade() else {
            return false;
        };
        let mut queue = queue.borrow_mut();
        let awaited = queue.reader.is_some();
        if !awaited {
            queue.writer = Some(cx.waker().clone());
        }
        awaited
    }

    /// How slowly the body may come for which the handler waits.
    pub(super) fn limits(&self, general: BodyLimits) -> BodyLimits {
        let queue = self.0.upgrade();
        queue.map_or(general, |queue| queue.borrow().limits.or(general))
    }

    /// Whether the handler has asked for the body: that is the moment for `100 Continue`. If it
    /// asks later, it begins to wait, of which [`Sender::is_awaited`] tells.
    pub(super) fn is_asked(&self) -> bool {
        let queue = self.0.upgrade();
        queue.is_some_and(|queue| queue.borrow().asked)
    }

    /// Whether anybody can ask for the body still.
    pub(super) fn is_held(&self) -> bool {
        self.0.strong_count() > 0
    }

    pub(super) fn push(&self, chunk: Bytes) {
        let Some(queue) = self.0.upgrade() else {
            return;
        };
        let mut queue = queue.borrow_mut();
        queue.weight += weight(&chunk);
        queue.chunks.push_back(chunk);
        queue.wake_reader();
    }

    /// Ends the body, well or with an error.
    pub(super) fn end(self, end: Result<(), PayloadError>) {
        let Some(queue) = self.0.upgrade() else {
            return;
        };
        let mut queue = queue.borrow_mut();
        queue.end = Some(end);
        queue.wake_reader();
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let Some(queue) = self.0.upgrade() else {
            return;
        };
        let mut queue = queue.borrow_mut();
        if queue.end.is_none() {
            queue.end = Some(Err(PayloadError::Incomplete(None)));
            queue.wake_reader();
        }
    }
}

impl Queue {
    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}

impl Stream for Receiver {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut queue = self.0.borrow_mut();
        queue.asked = true;
        if let Some(chunk) = queue.chunks.pop_front() {
            queue.weight -= weight(&chunk);
            queue.wake_writer();
            return Poll::Ready(Some(Ok(chunk)));
        }
        match queue.end.take() {
            Some(Err(error)) => {
                queue.end = Some(Ok(()));
                Poll::Ready(Some(Err(error)))
            }
            Some(Ok(())) => {
                queue.end = Some(Ok(()));
                Poll::Ready(None)
            }
            None => {
                queue.reader = Some(cx.waker().clone());
                queue.limits = BodyLimits::at_hand();
                // From now on the client is waited for, and not the handler.
                queue.wake_writer();
                Poll::Pending
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // What is left of the body may be discarded now.
        self.0.borrow_mut().wake_writer();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, future::poll_fn, poll};

    use super::*;

    #[tokio::test]
    async fn chunks_arrive_in_order_and_the_end_stays_the_end() {
        let (sender, mut receiver) = channel();
        sender.push(Bytes::from_static(b"a"));
        sender.push(Bytes::from_static(b"b"));
        sender.end(Ok(()));
        assert_eq!(receiver.next().await.unwrap().unwrap(), "a");
        assert_eq!(receiver.next().await.unwrap().unwrap(), "b");
        assert!(receiver.next().await.is_none());
        assert!(receiver.next().await.is_none());
    }

    #[tokio::test]
    async fn a_connection_that_goes_leaves_the_body_incomplete() {
        let (sender, mut receiver) = channel();
        assert!(poll!(receiver.next()).is_pending());
        drop(sender);
        assert!(matches!(
            receiver.next().await,
            Some(Err(PayloadError::Incomplete(_)))
        ));
    }

    #[test]
    fn a_body_in_tiny_chunks_weighs_what_it_holds_in_memory() {
        let (sender, _receiver) = channel();
        let mut chunks = 0;
        while sender.wants(&mut Context::from_waker(Waker::noop())) {
            sender.push(Bytes::from_static(b"a"));
            chunks += 1;
        }
        assert!(chunks <= HIGH_WATER / size_of::<Bytes>(), "{chunks}");
    }

    #[tokio::test]
    async fn the_connection_is_told_when_the_handler_begins_to_wait() {
        let (sender, mut receiver) = channel();
        let waits = poll_fn(|cx| match sender.is_awaited(cx) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        });
        let (mut waits, mut next) = (Box::pin(waits), Box::pin(receiver.next()));
        assert!(poll!(&mut waits).is_pending());
        assert!(poll!(&mut next).is_pending());
        waits.await;
        sender.push(Bytes::from_static(b"a"));
        let awaited = poll_fn(|cx| Poll::Ready(sender.is_awaited(cx))).await;
        assert!(!awaited, "it has something to do");
    }

    #[tokio::test]
    async fn a_handler_that_does_not_read_stops_the_connection_from_reading() {
        let (sender, mut receiver) = channel();
        sender.push(Bytes::from(vec![0; HIGH_WATER]));
        assert!(!poll_fn(|cx| Poll::Ready(sender.wants(cx))).await);
        receiver.next().await.unwrap().unwrap();
        assert!(poll_fn(|cx| Poll::Ready(sender.wants(cx))).await);
        drop(receiver);
        assert!(
            poll_fn(|cx| Poll::Ready(sender.wants(cx))).await,
            "to be discarded"
        );
    }
}
