//! What a client of HTTP/1.1 reads.

use std::time::{Duration, Instant};

use futures_util::future::poll_immediate;
use tokio::{io::AsyncReadExt as _, time::sleep};

use super::{
    client::{Client, Manner},
    wire::Wire,
};
use crate::kernel::Waiting;

/// A connection, as its client sees it.
pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) read: Vec<u8>,
    pub(super) idle_since: Instant,
}

impl Connection {
    /// A reset may take what has not been read.
    pub(super) async fn take_what_is_there(&mut self) {
        while self.wire.waiting() == Waiting::Bytes {
            let mut bytes = [0; 4096];
            match poll_immediate(self.wire.read(&mut bytes)).await {
                Some(Ok(count)) => self.read.extend_from_slice(&bytes[..count]),
                _ => return,
            }
        }
    }
}

/// A response's head and body.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) closes: bool,
    pub(super) body: Vec<u8>,
}

/// How reading a response failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Before its first byte.
    Nothing,
    Half,
    Never,
    Nonsense,
}

impl Client {
    pub(super) async fn response(&self, connection: &mut Connection) -> Result<Response, Failure> {
        let head = loop {
            if let Some(end) = find(&connection.read, b"\r\n\r\n") {
                break connection.read.drain(..end + 4).collect::<Vec<_>>();
            }
            self.read(connection).await?;
        };
        let head = String::from_utf8(head).map_err(|_| Failure::Nonsense)?;
        let head = head.to_ascii_lowercase();
        let status = head.get(9..12).and_then(|status| status.parse().ok());
        let field = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find_map(|(field, value)| (field == name).then(|| value.to_owned()))
        };
        let body = match field("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| Failure::Nonsense)?;
                self.exactly(connection, length).await?
            }
            None => self.chunks(connection).await?,
        };
        let body = match self.manner {
            Manner::Follows => b"last"
                .iter()
                .copied()
                .filter(|_| body.ends_with(b"last"))
                .collect(),
            _ => body,
        };
        Ok(Response {
            status: status.ok_or(Failure::Nonsense)?,
            closes: field("connection").as_deref() == Some("close"),
            body,
        })
    }

    async fn exactly(
        &self,
        connection: &mut Connection,
        length: usize,
    ) -> Result<Vec<u8>, Failure> {
        while connection.read.len() < length {
            self.read(connection).await.map_err(|_| Failure::Half)?;
        }
        Ok(connection.read.drain(..length).collect())
    }

    async fn chunks(&self, connection: &mut Connection) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match find(&connection.read, b"\r\n") {
                    Some(end) => break end,
                    None => self.read(connection).await.map_err(|_| Failure::Half)?,
                }
            };
            let line = String::from_utf8_lossy(&connection.read[..end]).into_owned();
            let length = usize::from_str_radix(&line, 16).map_err(|_| Failure::Nonsense)?;
            connection.read.drain(..end + 2);
            let mut chunk = self.exactly(connection, length + 2).await?;
            chunk.truncate(length);
            if length == 0 {
                return Ok(body);
            }
            body.append(&mut chunk);
        }
    }

    async fn read(&self, connection: &mut Connection) -> Result<(), Failure> {
        if self.manner == Manner::ReadsSlowly {
            sleep(Duration::from_millis(self.random.below(300))).await;
        }
        let mut bytes = [0; 4096];
        let nothing_yet = connection.read.is_empty();
        match connection.wire.read(&mut bytes).await {
            Ok(0) | Err(_) if nothing_yet => Err(Failure::Nothing),
            Ok(0) | Err(_) => Err(Failure::Half),
            Ok(count) => {
                connection.read.extend_from_slice(&bytes[..count]);
                Ok(())
            }
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
