use std::{
    io,
    mem::take,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncRead as _, AsyncWrite as _, ReadBuf},
    task::coop,
};
use tokio_util::io::poll_read_buf;

use super::{spare, transport::Transport};

/// What one read asks for.
const READ: usize = 8 * 1024;

/// A read buffer that has grown beyond this is not used again.
const LARGE_READ: usize = 2 * READ;

/// A write buffer that has grown beyond this is not used again.
const LARGE_WRITE: usize = 128 * 1024;

/// A socket with its two buffers, which it has only while there is something in them.
#[derive(Debug)]
pub(super) struct BufferedIo {
    pub(super) transport: Transport,
    /// Read, and not yet taken by a request.
    pub(super) read: BytesMut,
    /// Part of a response, and not yet taken by the kernel. Written to by [`BufferedIo::write`].
    pub(super) write: BytesMut,
    /// The buffers have grown too large to be used again. Their capacity alone does not tell: what
    /// is taken from their front counts no more, and is not given back either.
    large_read: bool,
    large_write: bool,
    /// Bytes that the kernel has taken.
    pub(super) written: usize,
    /// The peer will send no more.
    pub(super) eof: bool,
}

impl BufferedIo {
    pub(super) fn new(transport: Transport) -> Self {
        Self {
            transport,
            read: BytesMut::new(),
            write: BytesMut::new(),
            large_read: false,
            large_write: false,
            written: 0,
            eof: false,
        }
    }

    /// Reads once; 0 is the peer's FIN, noted in `eof`.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.read.capacity() == 0 {
            self.read = spare::READ.with(spare::Spare::take);
        } else if self.read.is_empty() && self.transport.poll_read_ready(cx).is_pending() {
            // Mostly so once all that had come is taken.
            self.give_read_buffer();
            return Poll::Pending;
        }
        if self.read.capacity() - self.read.len() < READ / 8 {
            self.read.reserve(READ);
            self.large_read |= self.read.capacity() > LARGE_READ;
        }
        let read = poll_read_buf(Pin::new(&mut self.transport), cx, &mut self.read);
        if self.read.is_empty() {
            self.give_read_buffer();
        }
        let read = ready!(read)?;
        self.eof = read == 0;
        Poll::Ready(Ok(read))
    }

    fn give_read_buffer(&mut self) {
        let buffer = take(&mut self.read);
        if !take(&mut self.large_read) {
            spare::READ.with(|spare| spare.give(buffer));
        }
    }

    /// Reads, shows what was read, and throws it away; 0 is the peer's FIN.
    pub(super) fn poll_discard(
        &mut self,
        cx: &mut Context<'_>,
        show: impl FnOnce(&[u8]),
    ) -> Poll<io::Result<usize>> {
        let mut bytes = [0; 4096];
        let mut buffer = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut buffer))?;
        show(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Where to write what is to be sent.
    #[inline]
    pub(super) fn write(&mut self) -> &mut BytesMut {
        if self.write.capacity() == 0 {
            self.write = spare::WRITE.with(spare::Spare::take);
        }
        &mut self.write
    }

    /// Whether the kernel has taken all that was written.
    #[inline]
    pub(super) fn is_flushed(&self) -> bool {
        self.write.is_empty() && !self.transport.has_unsent()
    }

    /// Hands the whole write buffer to the kernel.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.large_write |= self.write.capacity() > LARGE_WRITE;
        while !self.write.is_empty() {
            let written = ready!(self.poll_write(cx))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written = self.written.wrapping_add(written);
            if written == self.write.len() {
                self.write.clear();
            } else {
                self.write.advance(written);
            }
        }
        // A session of TLS may have taken what the kernel has not.
        ready!(Pin::new(&mut self.transport).poll_flush(cx))?;
        if self.write.capacity() > 0 {
            let buffer = take(&mut self.write);
            if !take(&mut self.large_write) {
                spare::WRITE.with(|spare| spare.give(buffer));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes once. Mostly there is room, and the event loop need not be asked; but its budget counts, so
    /// that a client that reads quickly does not keep a worker from all others.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let turn = ready!(coop::poll_proceed(cx));
        let written = self.transport.try_write(&self.write);
        if !matches!(&written, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            turn.made_progress();
            return Poll::Ready(written);
        }
        drop(turn);
        Pin::new(&mut self.transport).poll_write(cx, &self.write)
    }

    /// Says that nothing follows, and sends FIN.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::conn::socket::Socket;

    #[tokio::test]
    async fn who_always_has_something_to_write_gives_the_other_connections_their_turn() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = tokio::join!(client, listener.accept());
        let (_client, server) = (client.unwrap(), server.unwrap().0);
        let mut io = BufferedIo::new(Transport::Plain(Socket::Tcp(server)));
        // The kernel has room for all of these bytes.
        let flushed = poll_fn(|cx| {
            for flushed in 0..1_000 {
                io.write().extend_from_slice(b"x");
                match io.poll_flush(cx) {
                    Poll::Ready(written) => written.unwrap(),
                    Poll::Pending => return Poll::Ready(flushed),
                }
            }
            Poll::Ready(1_000)
        });
        assert!(flushed.await < 1_000);
    }
}
