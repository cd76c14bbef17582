use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncRead as _, AsyncWrite as _, ReadBuf},
    net::TcpStream,
};
use tokio_util::io::poll_read_buf;

/// What one read asks for.
const READ: usize = 8 * 1024;

/// A write buffer that has grown beyond this is given back once it is empty.
const RETAINED: usize = 128 * 1024;

/// A socket with its two buffers.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) io: TcpStream,
    /// Read, and not yet taken by a request.
    pub(super) read: BytesMut,
    /// Part of a response, and not yet taken by the kernel.
    pub(super) write: BytesMut,
    /// The write buffer has grown beyond [`RETAINED`]. Its capacity alone does not tell: what is
    /// taken from its front counts no more, and is not given back either.
    large: bool,
    /// The peer will send no more.
    pub(super) eof: bool,
}

impl Link {
    pub(super) fn new(io: TcpStream) -> Self {
        Self {
            io,
            read: BytesMut::new(),
            write: BytesMut::new(),
            large: false,
            eof: false,
        }
    }

    /// Reads once; 0 is the peer's FIN, noted in `eof`.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.read.capacity() - self.read.len() < READ / 8 {
            self.read.reserve(READ);
        }
        let read = ready!(poll_read_buf(Pin::new(&mut self.io), cx, &mut self.read))?;
        self.eof = read == 0;
        Poll::Ready(Ok(read))
    }

    /// Reads and throws away; 0 is the peer's FIN.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; 4096];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Hands the whole write buffer to the kernel.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.large |= self.write.capacity() > RETAINED;
        while !self.write.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.write))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if written == self.write.len() {
                self.write.clear();
            } else {
                self.write.advance(written);
            }
        }
        if std::mem::take(&mut self.large) {
            self.write = BytesMut::new();
        }
        Poll::Ready(Ok(()))
    }

    /// Sends FIN.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
