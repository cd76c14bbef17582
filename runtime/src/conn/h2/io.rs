use std::{
    cell::RefCell,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use crate::conn::buffered_io::BufferedIo;

/// What is read in one turn, more or less one read. `h2` takes in all that there is before it lets
/// anybody have it, in room that it does not give back: a megabyte in frames of a byte takes hundreds.
const A_TURN: usize = 16 * 1024;

/// A connection's io while HTTP/2 uses it.
#[derive(Debug)]
pub(super) struct FramedIo<'l> {
    pub(super) io: &'l mut BufferedIo,
    pub(super) frames: Frames,
    /// The kernel takes no more at present, and something is to be written.
    pub(super) blocked: bool,
    /// So much may still be read in this turn.
    pub(super) readable: usize,
}

/// The io as `h2` sees it. `h2` gives nothing back, and the end of a connection is ours: so this
/// is a view, and its shutdown sends no FIN.
#[derive(Clone, Copy, Debug)]
pub(super) struct H2Io<'w, 'l>(pub(super) &'w RefCell<FramedIo<'l>>);

impl<'l> FramedIo<'l> {
    pub(super) fn new(io: &'l mut BufferedIo) -> Self {
        Self {
            io,
            frames: Frames::new(),
            blocked: false,
            readable: A_TURN,
        }
    }

    /// A new turn: as much may be read again.
    pub(super) fn begin_turn(&mut self) {
        self.readable = A_TURN;
    }

    fn written(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.blocked = written.is_pending();
        if let Poll::Ready(Ok(count)) = written {
            self.io.written = self.io.written.wrapping_add(count);
        }
        written
    }
}

impl AsyncRead for H2Io<'_, '_> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let FramedIo {
            io,
            frames,
            readable,
            ..
        } = &mut *self.0.borrow_mut();
        if *readable == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        if io.read.is_empty() {
            ready!(Pin::new(&mut io.transport).poll_read(cx, buffer))?;
            io.eof = buffer.filled().len() == before;
        } else {
            // What was read to choose the protocol comes first.
            let count = io.read.len().min(buffer.remaining());
            buffer.put_slice(&io.read[..count]);
            io.read.advance(count);
            if io.read.is_empty() {
                io.read = BytesMut::new();
            }
        }
        let read = &buffer.filled()[before..];
        frames.follow(read);
        *readable = readable.saturating_sub(read.len());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for H2Io<'_, '_> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.0.borrow_mut();
        let written = Pin::new(&mut wire.io.transport).poll_write(cx, bytes);
        wire.written(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.0.borrow_mut();
        let written = Pin::new(&mut wire.io.transport).poll_write_vectored(cx, slices);
        wire.written(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.borrow().io.transport.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut wire = self.0.borrow_mut();
        // A socket keeps nothing back; a session of TLS may.
        let flushed = Pin::new(&mut wire.io.transport).poll_flush(cx);
        wire.blocked = flushed.is_pending();
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
