//! One WebSocket: its handshake, and what the server says on it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::super::connection::{Connection, Idle};
use super::super::exchange::send_head;
use super::super::failure::{FailureKind, Fault};
use super::super::stage::Stage;
use super::super::{Content, Plan};
use rehearse_tls::Received;
use rehearse_wire::websocket::{self, Frame};

/// What the drain of a server may say: going away (RFC 6455, 7.4.1), or service restart (1012).
const PROPER: [u16; 2] = [1001, 1012];

/// Longer messages are none of ours.
const LONGEST: usize = 64 << 10;

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Echo,
    Tick,
    /// A part of a message, or a control frame, which is answered already.
    Nothing,
    /// A proper Close, which is answered already, and when it came.
    Close(Instant),
}

/// What the server owes.
#[derive(Debug)]
enum Due {
    Nothing,
    /// This message, back.
    Echo(Vec<u8>),
    /// Any message.
    Answer,
}

pub(super) struct Session {
    pub(super) connection: Connection,
    /// What the kernel would not take yet.
    out: Vec<u8>,
    /// What is due.
    due: Due,
    content: Content,
    /// A message of which not all has come.
    part: Option<Vec<u8>>,
    last_tick: u64,
    rtt: Duration,
    /// A Close that the client does not see yet: when it came, and what it says.
    unseen: Option<(Instant, Vec<u8>)>,
    /// Both have said Close.
    pub(super) closed: bool,
}

impl Session {
    /// Asks for the protocol.
    pub(super) async fn open(mut connection: Connection, plan: &Plan) -> Result<Self, Fault> {
        let peer = connection.peer;
        match connection.idle() {
            Idle::Quiet => {}
            Idle::Stray => return Err(Fault::bad("bytes before the first request")),
            Idle::Ended(fault) => return Err(fault),
        }
        let own = websocket::HANDSHAKE;
        let head = plan.headers.request("GET", &plan.target, peer, own);
        send_head(&mut connection, &head).await?;
        let head = connection.head().await?;
        match (head.status, head.websocket) {
            (101, true) => {}
            (101, false) => return Err(Fault::bad("101 without the key's answer")),
            (status, _) => {
                let status = status.to_string();
                return Err(Fault::new(FailureKind::WrongStatus, status));
            }
        }
        connection.stage = Stage::Nothing;
        Ok(Self {
            connection,
            out: Vec::new(),
            due: Due::Nothing,
            content: plan.content,
            part: None,
            last_tick: 0,
            rtt: plan.rtt,
            unseen: None,
            closed: false,
        })
    }

    /// Whether there is something to hear before anything is said: the kernel is asked.
    pub(super) fn has_more(&mut self) -> bool {
        match &self.unseen {
            Some((came, _)) => came.elapsed() >= self.rtt,
            None => !matches!(self.connection.idle(), Idle::Quiet),
        }
    }

    /// Sends a message, whose echo is then due.
    pub(super) fn say(&mut self, text: String) {
        self.put(websocket::TEXT, text.as_bytes());
        self.due = Due::Echo(text.into_bytes());
        self.flush();
    }

    /// Sends a message that any other one answers.
    pub(super) fn ask(&mut self, text: &str) {
        self.put(websocket::TEXT, text.as_bytes());
        self.due = Due::Answer;
        self.flush();
    }

    /// Ends the session from this side, as far as that goes without waiting.
    pub(super) fn bid_farewell(&mut self) {
        self.put(websocket::CLOSE, &1000_u16.to_be_bytes());
        self.flush();
    }

    /// Waits for the server to say something. Cancel-safe.
    pub(super) async fn hear(&mut self) -> Result<Heard, Fault> {
        loop {
            if let Some((came, _)) = self.unseen {
                // Nothing may stand behind a Close, so that this holds up nothing else.
                sleep_until(came + self.rtt).await;
                return self.see_close();
            }
            if let Some(heard) = self.next()? {
                return Ok(heard);
            }
            self.flush();
            match self.connection.fill().await {
                Ok(Received::End(end)) => {
                    return Err(Fault::new(FailureKind::NoCloseFrame, end.to_string()));
                }
                Ok(Received::Bytes(_)) => {}
                Err(fault) => return Err(without_close(fault)),
            }
        }
    }

    /// Waits until the server has ended the connection. After its Close it may say nothing more.
    pub(super) async fn see_off(&mut self, deadline: Instant) -> Result<(), Fault> {
        self.connection.deadline = deadline;
        loop {
            if !self.connection.buffer.unread().is_empty() {
                return Err(Fault::bad("a server that goes on after its Close"));
            }
            // However it ends, and whether it ends: the goodbye is said, and nothing is due.
            if !matches!(self.connection.fill().await, Ok(Received::Bytes(_))) {
                return Ok(());
            }
        }
    }

    fn put(&mut self, opcode: u8, payload: &[u8]) {
        websocket::put(
            &mut self.out,
            opcode,
            payload,
            fastrand::u32(..).to_ne_bytes(),
        );
    }

    /// What cannot be sent is no fault yet: a Close may have come before, and is read first; and if
    /// none has, the end of the connection is met there, too.
    fn flush(&mut self) {
        if self.connection.send_some(&mut self.out).is_err() {
            self.out.clear();
        }
    }

    /// What the next frame says, if it is here.
    fn next(&mut self) -> Result<Option<Heard>, Fault> {
        let unread = self.connection.buffer.unread();
        let Some(frame) = Frame::parse(unread).map_err(Fault::bad)? else {
            return Ok(None);
        };
        let (opcode, last, size) = (frame.opcode, frame.last, frame.size);
        let payload = frame.payload.to_vec();
        self.connection.buffer.consume(size);
        let heard = match opcode {
            websocket::PING => {
                self.put(websocket::PONG, &payload);
                Heard::Nothing
            }
            websocket::PONG => Heard::Nothing,
            websocket::CLOSE => {
                self.unseen = Some((Instant::now(), payload));
                Heard::Nothing
            }
            opcode => self.message(opcode, last, payload)?,
        };
        Ok(Some(heard))
    }

    /// Answers the server's Close.
    fn see_close(&mut self) -> Result<Heard, Fault> {
        let Some((came, payload)) = self.unseen.take() else {
            return Ok(Heard::Nothing);
        };
        let code = websocket::close_code(&payload);
        self.put(websocket::CLOSE, &payload[..payload.len().min(2)]);
        self.flush();
        self.closed = true;
        match code {
            Some(code) if PROPER.contains(&code) => Ok(Heard::Close(came)),
            code => {
                let detail = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
                Err(Fault::new(FailureKind::WrongCloseCode, detail))
            }
        }
    }

    fn message(&mut self, opcode: u8, last: bool, part: Vec<u8>) -> Result<Heard, Fault> {
        let mut message = match (opcode, self.part.take()) {
            (websocket::CONTINUATION, Some(before)) => before,
            (websocket::TEXT | websocket::BINARY, None) => Vec::new(),
            _ => return Err(Fault::bad("parts of a message out of order")),
        };
        message.extend(part);
        if message.len() > LONGEST {
            return Err(Fault::bad("a message without end"));
        }
        if !last {
            self.part = Some(message);
            return Ok(Heard::Nothing);
        }
        let answered = match &self.due {
            Due::Nothing => false,
            Due::Echo(echo) => *echo == message,
            Due::Answer => true,
        };
        if answered {
            self.due = Due::Nothing;
            return Ok(Heard::Echo);
        }
        if self.content == Content::Unknown {
            return Ok(Heard::Tick);
        }
        let text = String::from_utf8_lossy(&message);
        let tick = text.strip_prefix("tick ").and_then(|n| n.parse().ok());
        match tick {
            Some(tick) if tick > self.last_tick => {
                self.last_tick = tick;
                Ok(Heard::Tick)
            }
            Some(tick) => {
                let detail = format!("tick {tick} after {}", self.last_tick);
                Err(Fault::new(FailureKind::EventsDoubled, detail))
            }
            None => {
                let shown: String = text.chars().take(60).collect();
                Err(Fault::new(
                    FailureKind::WrongBody,
                    format!("{shown:?} instead of an echo"),
                ))
            }
        }
    }
}

/// The end of the connection without the end of the session.
fn without_close(fault: Fault) -> Fault {
    match fault.kind {
        FailureKind::Timeout | FailureKind::BadResponse => fault,
        _ => Fault::new(FailureKind::NoCloseFrame, fault.detail),
    }
}
