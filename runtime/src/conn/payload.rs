//! A request's body on its way from the connection to the handler.

use std::{
    cell::RefCell,
    collections::VecDeque,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker},
};

use actix_http::error::PayloadError;
use bytes::Bytes;
use futures_core::Stream;

/// Bytes held for a handler that does not read; beyond it, the connection stops reading too, and
/// TCP's own flow control reaches the client.
const HIGH_WATER: usize = 32 * 1024;

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Bytes>,
    len: usize,
    end: Option<Result<(), PayloadError>>,
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
        let wants = queue.len < HIGH_WATER;
        if !wants {
            queue.writer = Some(cx.waker().clone());
        }
        wants
    }

    pub(super) fn push(&self, chunk: Bytes) {
        let Some(queue) = self.0.upgrade() else {
            return;
        };
        let mut queue = queue.borrow_mut();
        queue.len += chunk.len();
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
}

impl Stream for Receiver {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut queue = self.0.borrow_mut();
        if let Some(chunk) = queue.chunks.pop_front() {
            queue.len -= chunk.len();
            if let Some(writer) = queue.writer.take() {
                writer.wake();
            }
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
                Poll::Pending
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // What is left of the body may be discarded now.
        if let Some(writer) = self.0.borrow_mut().writer.take() {
            writer.wake();
        }
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
