//! What a client of HTTP/1.1 sends.

use std::{io, time::Duration};

use tokio::{io::AsyncWriteExt as _, time::sleep};

use super::{
    app::LARGE,
    client::{Client, Manner},
    responses::Connection,
};

/// The longest request of all.
pub(super) const LONGEST: Duration = Duration::from_millis(2_048);

impl Client {
    /// A request, and the body of its response; empty if it is not known.
    pub(super) fn request(&self) -> (Vec<u8>, Vec<u8>) {
        let get = |path: String| format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").into_bytes();
        match self.manner {
            Manner::Quick
            | Manner::Pipelines
            | Manner::HalfCloses
            | Manner::ConnectsEarly
            | Manner::Http2 => (get("/quick".to_owned()), b"quick".to_vec()),
            Manner::Slow => {
                let millis = LONGEST.as_millis() >> self.random.below(12);
                (get(format!("/slow/{millis}")), b"slow".to_vec())
            }
            Manner::ReadsSlowly => (get("/large".to_owned()), vec![b'l'; LARGE]),
            Manner::Pieces => {
                let count = self.random.below(20);
                (
                    get(format!("/pieces/{count}")),
                    b"piece".repeat(count as usize),
                )
            }
            Manner::Follows => (get("/events".to_owned()), b"last".to_vec()),
            Manner::Refused => {
                let body = vec![b'b'; 100 + self.random.below(40_000) as usize];
                let head = format!(
                    "POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                ([head.as_bytes(), &body].concat(), Vec::new())
            }
            Manner::Posts => self.post(),
        }
    }

    fn post(&self) -> (Vec<u8>, Vec<u8>) {
        let body = vec![b'b'; 1 + self.random.below(3_000) as usize];
        let mut request = b"POST /echo HTTP/1.1\r\nhost: a\r\n".to_vec();
        if self.random.percent(50) {
            request.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
            request.extend_from_slice(&body);
            return (request, body);
        }
        request.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
        for chunk in body.chunks(1 + self.random.below(1_000) as usize) {
            request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.extend_from_slice(chunk);
            request.extend_from_slice(b"\r\n");
        }
        // Old clients put a line end behind a body.
        request.extend_from_slice(b"0\r\n\r\n\r\n");
        (request, body)
    }

    /// In one piece, or in a few, with a pause in between.
    pub(super) async fn send(
        &self,
        connection: &mut Connection,
        mut bytes: &[u8],
    ) -> io::Result<()> {
        while self.random.percent(30) && bytes.len() > 1 {
            let (piece, rest) =
                bytes.split_at(1 + self.random.below(bytes.len() as u64 - 1) as usize);
            connection.wire.write_all(piece).await?;
            connection.wire.flush().await?;
            sleep(Duration::from_millis(self.random.below(200))).await;
            connection.take_what_is_there().await;
            bytes = rest;
        }
        connection.wire.write_all(bytes).await?;
        connection.wire.flush().await?;
        if self.manner == Manner::HalfCloses {
            connection.wire.shutdown().await?;
        }
        Ok(())
    }
}
