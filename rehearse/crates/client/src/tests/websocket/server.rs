//! The server's side of WebSocket, in frames.

use std::io;

use super::super::peer::Peer;

pub(super) const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\
                      upgrade: websocket\r\n\
                      sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

pub(super) const TEXT: u8 = 1;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

impl Peer {
    pub(super) async fn switch(&mut self) -> io::Result<()> {
        let head = self.head().await?;
        assert!(head.contains("upgrade: websocket\r\n"), "{head}");
        self.send(SWITCH.as_bytes()).await
    }

    /// A client's frame, unmasked.
    pub(super) async fn hear(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let head = self.take(2).await?;
        assert_eq!(head[1] & 0x80, 0x80, "a client's frame must be masked");
        let mask = self.take(4).await?;
        let payload = self.take(usize::from(head[1] & 0x7f)).await?;
        let payload = payload.iter().zip(mask.iter().cycle());
        Ok((
            head[0] & 0x0f,
            payload.map(|(byte, mask)| byte ^ mask).collect(),
        ))
    }

    pub(super) async fn say(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let head = [0x80 | opcode, payload.len() as u8];
        self.send(&[&head, payload].concat()).await
    }

    pub(super) async fn echo(&mut self) -> io::Result<()> {
        let (opcode, payload) = self.hear().await?;
        match opcode {
            TEXT => self.say(TEXT, &payload).await,
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    pub(super) async fn close(&mut self, code: u16) -> io::Result<()> {
        self.say(CLOSE, &code.to_be_bytes()).await
    }

    /// Echoes all there is, until the client says Close.
    pub(super) async fn echoes(mut self) -> io::Result<Self> {
        loop {
            self.echo().await?;
        }
    }
}
