//! A WebSocket by hand (RFC 6455), on a raw socket.

use std::io;

use crate::{harness::Service, wire::Wire};

/// Asks for one, of the routes of `streaming`.
pub(crate) const HANDSHAKE: &str = "GET /streaming/ws HTTP/1.1\r\nhost: e2e\r\n\
    connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Each frame here is a whole message: the first bit of its first byte.
const FIN: u8 = 0x80;
/// Each frame of a client is masked: the first bit of its second byte.
const MASKED: u8 = 0x80;
const MASK: [u8; 4] = [0x5A, 0xC3, 0x0F, 0x96];

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// With its code, if it has one.
    Close(Option<u16>),
}

/// A connection that has become a WebSocket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) wire: Wire,
}

impl Message {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The frame in which a client sends it.
    pub(crate) fn frame(&self) -> Vec<u8> {
        let (opcode, payload) = match self {
            Self::Text(text) => (0x1, text.clone().into_bytes()),
            Self::Binary(bytes) => (0x2, bytes.clone()),
            Self::Close(code) => (0x8, code.map_or(vec![], |code| code.to_be_bytes().into())),
            Self::Ping(bytes) => (0x9, bytes.clone()),
            Self::Pong(bytes) => (0xA, bytes.clone()),
        };
        let mut frame = vec![FIN | opcode];
        match u16::try_from(payload.len()).expect("a frame of at most 65,535 bytes") {
            length @ 0..126 => frame.push(MASKED | length as u8),
            length => {
                frame.push(MASKED | 126);
                frame.extend_from_slice(&length.to_be_bytes());
            }
        }
        frame.extend_from_slice(&MASK);
        let masks = MASK.iter().cycle();
        frame.extend(payload.iter().zip(masks).map(|(byte, mask)| byte ^ mask));
        frame
    }

    /// The tick that it is, if it is one.
    pub(crate) fn tick(&self) -> Option<u64> {
        match self {
            Self::Text(text) => text.strip_prefix("tick ")?.parse().ok(),
            _ => None,
        }
    }
}

impl Socket {
    #[track_caller]
    pub(crate) fn open(service: &Service) -> Self {
        let mut wire = service.connect();
        wire.send(HANDSHAKE);
        Self::opened(wire)
    }

    /// Takes the answer to the handshake: it opens something, and so never says goodbye.
    #[track_caller]
    pub(crate) fn opened(mut wire: Wire) -> Self {
        let head = wire.head();
        assert_eq!(head.status, 101);
        assert_eq!(head.header("connection"), Some("upgrade"));
        assert_eq!(head.header("upgrade"), Some("websocket"));
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        assert_eq!(head.header("sec-websocket-accept"), Some(accept));
        for unwanted in ["content-length", "transfer-encoding"] {
            assert_eq!(head.header(unwanted), None);
        }
        Self { wire }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, message: &Message) {
        self.wire.send(message.frame());
    }

    /// The next message, ticks included.
    pub(crate) fn try_next(&mut self) -> io::Result<Message> {
        let head = self.wire.take(2)?;
        let (first, length) = (head[0], head[1]);
        assert_eq!(length & MASKED, 0, "a server never masks");
        let length = match length {
            126 => {
                let bytes = self.wire.take(2)?;
                u16::from_be_bytes([bytes[0], bytes[1]]).into()
            }
            127 => panic!("longer than anything that was sent"),
            length => usize::from(length),
        };
        let payload = self.wire.take(length)?;
        assert_eq!(first & !0xF, FIN, "whole, and without extensions");
        Ok(match first & 0xF {
            0x1 => Message::Text(String::from_utf8(payload).unwrap()),
            0x2 => Message::Binary(payload),
            0x8 => Message::Close(payload.try_into().ok().map(u16::from_be_bytes)),
            0x9 => Message::Ping(payload),
            0xA => Message::Pong(payload),
            opcode => panic!("opcode {opcode}"),
        })
    }

    #[track_caller]
    pub(crate) fn next(&mut self) -> Message {
        self.try_next().unwrap()
    }

    /// The next message that is no tick.
    #[track_caller]
    pub(crate) fn next_but_ticks(&mut self) -> Message {
        loop {
            let message = self.next();
            if message.tick().is_none() {
                return message;
            }
        }
    }

    /// Sends a message, and takes its echo.
    #[track_caller]
    pub(crate) fn expect_echo(&mut self, text: &str) {
        let message = Message::text(text);
        self.send(&message);
        assert_eq!(self.next_but_ticks(), message);
    }

    #[track_caller]
    pub(crate) fn expect_close(&mut self, code: u16) {
        assert_eq!(self.next_but_ticks(), Message::Close(Some(code)));
    }

    /// Answers a Close with its code, and takes the server's FIN.
    #[track_caller]
    pub(crate) fn answer_close(&mut self, code: u16) {
        self.send(&Message::Close(Some(code)));
        self.wire.expect_fin();
    }
}
