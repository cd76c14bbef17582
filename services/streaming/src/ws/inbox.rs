//! What a WebSocket's client sends, within bounds.

use std::cell::Cell;
use std::io::ErrorKind;
use std::rc::Rc;

use actix_web::error::PayloadError;
use actix_web::{FromRequest, HttpRequest, Result, dev, web};
use actix_ws::{
    AggregatedMessage as Message, AggregatedMessageStream, CloseCode, CloseReason, MessageStream,
    ProtocolError,
};
use futures_util::{FutureExt, StreamExt};

/// The longest message, in one frame or in fragments. `actix-ws` queues 32 for a client that does
/// not read, and as many again are on their way to the socket: 4 MiB at most.
const LONGEST: usize = 64 << 10;

/// What a client may send without finishing a message: the longest one, the heads of its
/// fragments, and what has been read with it.
const UNFINISHED: usize = 4 * LONGEST;

/// A mask and a length: what a client's control frame has beside its payload.
const CONTROL_HEAD: usize = 6;

/// A message, an error, or the end.
pub(super) type Received = Option<Result<Message, ProtocolError>>;

/// The client's messages, whole.
pub(super) struct Inbox {
    messages: AggregatedMessageStream,
    /// Bytes received that are no part of a whole message yet.
    unfinished: Rc<Cell<usize>>,
}

/// A body that fails with more than [`UNFINISHED`] bytes of an unfinished message. The parser
/// compares a frame's length with its limit only when it has the whole frame: a client could have
/// it keep any amount by calling it one frame.
pub(super) async fn bound(
    request: &HttpRequest,
    body: web::Payload,
) -> Result<(web::Payload, Rc<Cell<usize>>)> {
    let unfinished = Rc::new(Cell::new(0));
    let count = Rc::clone(&unfinished);
    let body = body.map(move |chunk| {
        let chunk = chunk?;
        count.set(count.get() + chunk.len());
        match count.get() {
            ..=UNFINISHED => Ok(chunk),
            _ => Err(PayloadError::Overflow),
        }
    });
    let mut body: dev::Payload = dev::Payload::Stream {
        payload: Box::pin(body),
    };
    let body = web::Payload::from_request(request, &mut body).await?;
    Ok((body, unfinished))
}

impl Inbox {
    pub(super) fn new(messages: MessageStream, unfinished: Rc<Cell<usize>>) -> Self {
        Self {
            messages: messages
                .max_frame_size(LONGEST)
                .aggregate_continuations()
                .max_continuation_size(LONGEST),
            unfinished,
        }
    }

    /// Waits for a message. It may be dropped, and called again.
    pub(super) async fn next(&mut self) -> Received {
        let received = self.messages.recv().await;
        if let Some(Ok(message)) = &received {
            let unfinished = self.unfinished.get();
            self.unfinished.set(match message {
                Message::Text(_) | Message::Binary(_) | Message::Close(_) => 0,
                // One may come between two fragments, and is no progress of theirs.
                Message::Ping(payload) | Message::Pong(payload) => {
                    unfinished.saturating_sub(CONTROL_HEAD + payload.len())
                }
            });
        }
        received
    }

    /// What has been received by now, to the first error. The connection is served by another
    /// task, so that nothing comes in meanwhile, and this ends.
    pub(super) fn here(&mut self) -> Vec<Result<Message, ProtocolError>> {
        let mut here = Vec::new();
        while let Some(Some(received)) = self.next().now_or_never() {
            let is_last = received.is_err();
            here.push(received);
            if is_last {
                break;
            }
        }
        here
    }
}

/// What a client that breaks the protocol is told (RFC 6455, 7.4.1).
pub(super) fn fault(error: &ProtocolError) -> CloseReason {
    let code = match error {
        ProtocolError::Io(error) if error.kind() == ErrorKind::InvalidData => CloseCode::Invalid,
        // Too long in fragments, or beyond `UNFINISHED`.
        ProtocolError::Overflow | ProtocolError::Io(_) => CloseCode::Size,
        _ => CloseCode::Protocol,
    };
    code.into()
}
