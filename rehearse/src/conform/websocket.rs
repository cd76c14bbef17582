//! WebSocket by hand (RFC 6455): a client's frames, and a server's.

use std::net::SocketAddr;

use super::connection::{Connection, Unexpected};

/// The bits of a frame's first byte that are no kind (RFC 6455, 5.2): its message's end, and one
/// that is reserved.
pub(super) const FIN: u8 = 0x80;
pub(super) const RSV1: u8 = 0x40;

pub(super) const TEXT: u8 = 1;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// A WebSocket.
#[derive(Debug)]
pub(super) struct WebSocket {
    pub(super) connection: Connection,
}

/// What the server sends.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The code of a Close frame; 1005 is none (RFC 6455, 7.4.1).
    pub(super) fn close_code(&self) -> u16 {
        match self.payload[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        }
    }
}

impl WebSocket {
    pub(super) async fn open(to: SocketAddr, path: &str) -> Result<Self, Unexpected> {
        let mut connection = Connection::connect(to).await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: conform\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        connection.send(request).await?;
        match connection.head().await?.status {
            101 => Ok(Self { connection }),
            status => Err(Unexpected::Other(format!(
                "status {status} in place of 101"
            ))),
        }
    }

    /// Sends a whole message, or what is none, in one frame of at most 125 bytes.
    pub(super) async fn send(&mut self, kind: u8, payload: &[u8]) -> Result<(), Unexpected> {
        self.send_frame(FIN | kind, payload).await
    }

    /// Sends a frame by its first byte, of at most 125 bytes, masked as a client's must be.
    pub(super) async fn send_frame(&mut self, first: u8, payload: &[u8]) -> Result<(), Unexpected> {
        const MASK: [u8; 4] = [0x5a, 0xa5, 0x3c, 0xc3];
        let masked = payload.iter().zip(MASK.iter().cycle());
        let masked: Vec<u8> = masked.map(|(byte, mask)| byte ^ mask).collect();
        let head = [first, 0x80 | payload.len() as u8];
        self.connection
            .send([&head[..], &MASK, &masked].concat())
            .await
    }

    /// The server's next frame.
    pub(super) async fn frame(&mut self) -> Result<Frame, Unexpected> {
        let head = self.connection.take(2).await?;
        let length = match head[1] & 0x7f {
            126 => self.number(2).await?,
            127 => self.number(8).await?,
            length => usize::from(length),
        };
        Ok(Frame {
            kind: head[0] & 0x0f,
            payload: self.connection.take(length).await?,
        })
    }

    /// The server's next frame of that kind.
    pub(super) async fn next(&mut self, kind: u8) -> Result<Frame, Unexpected> {
        loop {
            let frame = self.frame().await?;
            match frame.kind {
                _ if frame.kind == kind => return Ok(frame),
                CLOSE => return Err(Unexpected::Other(format!("Close {}", frame.close_code()))),
                _ => {}
            }
        }
    }

    async fn number(&mut self, bytes: usize) -> Result<usize, Unexpected> {
        let bytes = self.connection.take(bytes).await?;
        Ok(bytes
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }
}
