//! The server's side of HTTP/2, in frames.

use std::io;

use super::super::peer::Peer;
use rehearse_wire::http2::frame::{
    self, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PREFACE, SETTINGS,
};

/// `:status 200`.
pub(super) const OK: &[u8] = &[0x88];

/// Every stream that may ever be: the first of two steps.
pub(super) const ANY: u32 = (1 << 31) - 1;

/// A frame as it was received.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Peer {
    /// Reads what a client says first, and answers it.
    pub(super) async fn greet(&mut self, settings: &[u8]) -> io::Result<()> {
        assert_eq!(self.take(PREFACE.len()).await?, PREFACE);
        self.frame(SETTINGS, 0, 0, settings).await
    }

    pub(super) async fn frame(
        &mut self,
        kind: u8,
        flags: u8,
        stream: u32,
        payload: &[u8],
    ) -> io::Result<()> {
        let mut out = Vec::new();
        frame::put(&mut out, kind, flags, stream, payload);
        self.send(&out).await
    }

    /// The next frame of this kind.
    pub(super) async fn next(&mut self, kind: u8) -> io::Result<Received> {
        loop {
            let received = self.any().await?;
            if received.kind == kind {
                return Ok(received);
            }
        }
    }

    pub(super) async fn any(&mut self) -> io::Result<Received> {
        let mut bytes = self.take(9).await?;
        let length = usize::from(bytes[1]) << 8 | usize::from(bytes[2]);
        bytes.extend(self.take(length).await?);
        let frame = Frame::parse(&bytes).unwrap().unwrap();
        Ok(Received {
            kind: frame.kind,
            stream: frame.stream,
            payload: frame.payload.to_vec(),
        })
    }

    /// The next request's stream.
    pub(super) async fn request(&mut self) -> io::Result<u32> {
        Ok(self.next(HEADERS).await?.stream)
    }

    pub(super) async fn headers(&mut self, stream: u32, block: &[u8]) -> io::Result<()> {
        self.frame(HEADERS, END_HEADERS, stream, block).await
    }

    /// A whole answer.
    pub(super) async fn answer(&mut self, stream: u32) -> io::Result<()> {
        self.headers(stream, OK).await?;
        self.frame(DATA, END_STREAM, stream, b"ok").await
    }

    pub(super) async fn go_away(&mut self, last: u32, code: u32) -> io::Result<()> {
        let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
        self.frame(GOAWAY, 0, 0, &payload).await
    }

    /// Answers whatever comes, to the end.
    pub(super) async fn serve(mut self) -> io::Result<Self> {
        loop {
            let stream = self.request().await?;
            self.answer(stream).await?;
        }
    }
}
