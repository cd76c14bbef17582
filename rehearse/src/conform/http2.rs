//! HTTP/2 by hand, as little of it as it takes: frames, static header fields, no flow control.

mod frame;
mod request;
mod response;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use self::frame::{
    ACK, DATA, END_STREAM, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, frame, is_success, number,
};
use super::connection::{Connection, Unexpected};

pub(super) use self::frame::ANY_STREAM;
pub(super) use self::response::Answer;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The windows are so large that they never close.
const WINDOW: u32 = 0x3fff_ffff;

/// What a server says before it closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GoAway {
    pub(super) last_stream: u32,
    pub(super) error: u32,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Http2 {
    connection: Connection,
    next_stream: u32,
    pub(super) goaways: Vec<GoAway>,
    answers: BTreeMap<u32, Answer>,
    /// The answers to PINGs that are held back.
    held: Option<Vec<[u8; 8]>>,
}

impl Http2 {
    /// A connection whose settings have been exchanged.
    pub(super) async fn connect(to: SocketAddr) -> Result<Self, Unexpected> {
        Self::over(Connection::connect(to).await?).await
    }

    /// The same by a client whose kernel takes only a few thousand bytes ahead.
    pub(super) async fn connect_with_small_window(to: SocketAddr) -> Result<Self, Unexpected> {
        Self::over(Connection::connect_with_small_window(to).await?).await
    }

    async fn over(mut connection: Connection) -> Result<Self, Unexpected> {
        let window = [
            &INITIAL_WINDOW_SIZE.to_be_bytes()[..],
            &WINDOW.to_be_bytes(),
        ]
        .concat();
        let hello = [
            PREFACE,
            &frame(SETTINGS, 0, 0, &window),
            &frame(WINDOW_UPDATE, 0, 0, &WINDOW.to_be_bytes()),
        ];
        connection.send(hello.concat()).await?;
        let mut connection = Self {
            connection,
            next_stream: 1,
            goaways: Vec::new(),
            answers: BTreeMap::new(),
            held: None,
        };
        while connection.step().await? != SETTINGS {}
        Ok(connection)
    }

    /// Answers no PING from now on until [`Self::answer_pings`].
    pub(super) fn hold_pings(&mut self) {
        self.held = Some(Vec::new());
    }

    pub(super) async fn answer_pings(&mut self) -> Result<(), Unexpected> {
        for ping in self.held.take().unwrap_or_default() {
            self.connection.send(frame(PING, ACK, 0, &ping)).await?;
        }
        Ok(())
    }

    /// Takes frames until `seen` is so.
    pub(super) async fn until(&mut self, seen: impl Fn(&Self) -> bool) -> Result<(), Unexpected> {
        while !seen(self) {
            self.step().await?;
        }
        Ok(())
    }

    /// Takes frames until the server's FIN.
    pub(super) async fn fin(&mut self) -> Result<(), Unexpected> {
        loop {
            match self.step().await {
                Ok(_) => {}
                Err(Unexpected::Fin) => return Ok(()),
                Err(other) => return Err(other),
            }
        }
    }

    /// Takes one frame; its type.
    async fn step(&mut self) -> Result<u8, Unexpected> {
        let frame = self.frame().await?;
        match frame.kind {
            SETTINGS if frame.flags & ACK == 0 => self.reply(SETTINGS, &[]).await,
            PING if frame.flags & ACK == 0 => self.ping(&frame.payload).await,
            GOAWAY if frame.payload.len() >= 8 => self.goaways.push(GoAway {
                last_stream: number(&frame.payload[..4]) & ANY_STREAM,
                error: number(&frame.payload[4..8]),
            }),
            _ => self.note(&frame),
        }
        Ok(frame.kind)
    }

    /// What belongs to a stream.
    fn note(&mut self, frame: &Frame) {
        let Some(answer) = self.answers.get_mut(&frame.stream) else {
            return;
        };
        match frame.kind {
            HEADERS => {
                answer.begun = true;
                answer.success = is_success(frame);
            }
            DATA => answer.bytes += frame.payload.len(),
            RST_STREAM if frame.payload.len() == 4 => answer.reset = Some(number(&frame.payload)),
            _ => {}
        }
        answer.ended |= matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0;
    }

    async fn ping(&mut self, payload: &[u8]) {
        let Ok(ping) = payload.try_into() else { return };
        match &mut self.held {
            Some(held) => held.push(ping),
            None => self.reply(PING, &ping).await,
        }
    }

    /// Acknowledges. A server that has closed meanwhile needs none.
    async fn reply(&mut self, kind: u8, payload: &[u8]) {
        let _closed = self.connection.send(frame(kind, ACK, 0, payload)).await;
    }

    /// The next frame. Cancel-safe: it is taken only once it is there wholly.
    async fn frame(&mut self) -> Result<Frame, Unexpected> {
        let length = loop {
            let buffer = &self.connection.buffer;
            if buffer.starts_with(b"HTTP/1") {
                return Err(Unexpected::Other("the answer was HTTP/1".to_owned()));
            }
            match buffer.get(..3).map(|length| 9 + number(length) as usize) {
                Some(length) if buffer.len() >= length => break length,
                _ => self.connection.fill().await?,
            }
        };
        let bytes: Vec<u8> = self.connection.buffer.drain(..length).collect();
        Ok(Frame::of(&bytes))
    }
}
