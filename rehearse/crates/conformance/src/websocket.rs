//! A WebSocket on a [`Connection`], by the strict client's own frames.

use super::connection::{Connection, Target, Unexpected};
use super::http1::{get, with_fields};
use rehearse_wire::websocket::{self, CLOSE, Frame, HANDSHAKE};

/// Any will do: it is there to keep what is sent from being taken for something else on its way.
const MASK: [u8; 4] = [0x5a, 0xa5, 0x3c, 0xc3];

/// A WebSocket.
#[derive(Debug)]
pub(super) struct WebSocket {
    pub(super) connection: Connection,
}

impl WebSocket {
    pub(super) async fn open(to: impl Into<Target>, path: &str) -> Result<Self, Unexpected> {
        let mut connection = Connection::connect(to).await?;
        connection.send(with_fields(&get(path), HANDSHAKE)).await?;
        let head = connection.head().await?;
        match (head.status, head.websocket) {
            (101, true) => Ok(Self { connection }),
            (101, false) => Err(Unexpected::Other("101 without the key's answer".to_owned())),
            (status, _) => Err(Unexpected::Other(format!(
                "status {status} in place of 101"
            ))),
        }
    }

    /// Sends a whole message, or a control frame, of at most 125 bytes.
    pub(super) async fn send(&mut self, opcode: u8, payload: &[u8]) -> Result<(), Unexpected> {
        let mut out = Vec::new();
        websocket::put(&mut out, opcode, payload, MASK);
        self.connection.send(out).await
    }

    /// The payload of the server's next frame of that kind.
    pub(super) async fn next(&mut self, kind: u8) -> Result<Vec<u8>, Unexpected> {
        loop {
            let (opcode, payload) = self.frame().await?;
            match opcode {
                _ if opcode == kind => return Ok(payload),
                CLOSE => {
                    let code = websocket::close_code(&payload);
                    return Err(Unexpected::Other(format!("Close {}", words(code))));
                }
                _ => {}
            }
        }
    }

    async fn frame(&mut self) -> Result<(u8, Vec<u8>), Unexpected> {
        let bad = |why: &str| Unexpected::Other(why.to_owned());
        loop {
            if let Some(frame) = Frame::parse(&self.connection.buffer).map_err(bad)? {
                let (opcode, payload) = (frame.opcode, frame.payload.to_vec());
                let size = frame.size;
                self.connection.buffer.drain(..size);
                return Ok((opcode, payload));
            }
            self.connection.fill().await?;
        }
    }
}

/// A Close's code, as people say it.
pub(super) fn words(code: Option<u16>) -> String {
    code.map_or_else(|| "without a code".to_owned(), |code| code.to_string())
}
