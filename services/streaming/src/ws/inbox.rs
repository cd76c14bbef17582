//! What a WebSocket's client sends: whole messages, within bounds.
//!
//! The frames are actix-http's to parse. What they come to is put together here and not by
//! `actix-ws`, which takes in a frame of any length before it looks at that, keeps each fragment of a
//! message in a buffer of its own, and does not tell text that is none from a broken frame.

use actix_http::ws::{OpCode, Parser};
use actix_web::web::{self, BytesMut};
use actix_ws::{AggregatedMessage as Message, CloseCode, CloseReason};
use futures_util::{FutureExt, StreamExt};

/// The longest message, in one frame or in fragments. `actix-ws` queues 32 for a client that does
/// not read, and as many again are on their way to the socket: 4 MiB at most.
const LONGEST: usize = 64 << 10;

/// The longest payload of a control frame (RFC 6455, 5.5).
const LONGEST_CONTROL: u8 = 125;

/// How a client has broken the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// By the shape of its frames, or their order.
    Protocol,
    /// By a text that is no UTF-8.
    Text,
    /// By more than is taken.
    TooLong,
}

/// A message, a fault, or the end.
pub(super) type Received = Option<Result<Message, Fault>>;

/// The client's messages.
pub(super) struct Inbox {
    body: web::Payload,
    /// What has come of a frame.
    frame: BytesMut,
    /// What has come of a message in fragments.
    message: Option<Fragments>,
}

struct Fragments {
    is_text: bool,
    bytes: BytesMut,
    /// Fragments without a byte, which hold no memory, but must not go on for ever.
    empty: usize,
}

impl Inbox {
    pub(super) fn new(body: web::Payload) -> Self {
        Self {
            body,
            frame: BytesMut::new(),
            message: None,
        }
    }

    /// Waits for a message. It may be dropped, and called again.
    pub(super) async fn next(&mut self) -> Received {
        loop {
            if let Some(received) = self.take().transpose() {
                return Some(received);
            }
            // A body that fails is a connection that has gone.
            let chunk = self.body.next().await?.ok()?;
            self.frame.extend_from_slice(&chunk);
        }
    }

    /// What has been received by now, to the first fault. The connection is served by another
    /// task, so that nothing comes in meanwhile, and this ends.
    pub(super) fn here(&mut self) -> Vec<Result<Message, Fault>> {
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

    /// Takes a message from what has come, if one is whole.
    fn take(&mut self) -> Result<Option<Message>, Fault> {
        loop {
            check_head(&self.frame)?;
            let frame = Parser::parse(&mut self.frame, true, LONGEST);
            let Some((last, opcode, payload)) = frame.map_err(|_| Fault::Protocol)? else {
                return Ok(None);
            };
            let message = self.add(last, opcode, payload.unwrap_or_default())?;
            if message.is_some() {
                return Ok(message);
            }
        }
    }

    /// Adds a frame to what has come; a message, if it is whole by that.
    fn add(
        &mut self,
        last: bool,
        opcode: OpCode,
        payload: BytesMut,
    ) -> Result<Option<Message>, Fault> {
        let message = match (opcode, self.message.take()) {
            (OpCode::Text | OpCode::Binary, None) => Fragments {
                is_text: opcode == OpCode::Text,
                bytes: payload,
                empty: 0,
            },
            (OpCode::Continue, Some(begun)) => begun.and(&payload)?,
            // It may come between two fragments.
            (OpCode::Ping | OpCode::Pong | OpCode::Close, begun) if last => {
                self.message = begun;
                return control(opcode, payload).map(Some);
            }
            _ => return Err(Fault::Protocol),
        };
        if last {
            return message.whole().map(Some);
        }
        self.message = Some(message);
        Ok(None)
    }
}

impl Fragments {
    fn and(mut self, payload: &[u8]) -> Result<Self, Fault> {
        self.empty += usize::from(payload.is_empty());
        self.bytes.extend_from_slice(payload);
        match self.bytes.len().max(self.empty) {
            ..=LONGEST => Ok(self),
            _ => Err(Fault::TooLong),
        }
    }

    fn whole(self) -> Result<Message, Fault> {
        let bytes = self.bytes.freeze();
        match self.is_text {
            true => bytes.try_into().map(Message::Text).map_err(|_| Fault::Text),
            false => Ok(Message::Binary(bytes)),
        }
    }
}

/// Refuses a frame by its head, before its payload is waited for: a client could call any amount
/// of bytes one frame. What is left the parser sees at once.
fn check_head(frame: &[u8]) -> Result<(), Fault> {
    let &[first, second, ref rest @ ..] = frame else {
        return Ok(());
    };
    let (is_control, short) = (first & 0x08 != 0, second & 0x7F);
    let length = match short {
        126 => rest
            .first_chunk()
            .copied()
            .map(u16::from_be_bytes)
            .map(u64::from),
        127 => rest.first_chunk().copied().map(u64::from_be_bytes),
        short => Some(short.into()),
    };
    // RFC 6455, 5.2: 63 bits of length.
    let is_negative = length.is_some_and(|length| length >> 63 == 1);
    if (is_control && short > LONGEST_CONTROL) || is_negative {
        return Err(Fault::Protocol);
    }
    match length {
        Some(length) if length > LONGEST as u64 => Err(Fault::TooLong),
        _ => Ok(()),
    }
}

fn control(opcode: OpCode, payload: BytesMut) -> Result<Message, Fault> {
    Ok(match opcode {
        OpCode::Ping => Message::Ping(payload.freeze()),
        OpCode::Pong => Message::Pong(payload.freeze()),
        _ => {
            // The parser does not say whether the code or the text behind it is at fault.
            let code = &payload[..payload.len().min(2)];
            Parser::try_parse_close_payload(code).map_err(|_| Fault::Protocol)?;
            let reason = Parser::try_parse_close_payload(&payload);
            Message::Close(reason.map_err(|_| Fault::Text)?)
        }
    })
}

impl From<Fault> for CloseReason {
    /// What the client is told (RFC 6455, 7.4.1).
    fn from(fault: Fault) -> Self {
        let code = match fault {
            Fault::Protocol => CloseCode::Protocol,
            Fault::Text => CloseCode::Invalid,
            Fault::TooLong => CloseCode::Size,
        };
        code.into()
    }
}
