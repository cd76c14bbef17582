//! TLS between the socket and HTTP: rustls's session, and what a drain must know of it.
//!
//! The kernel sees records and no requests, and rustls takes in whatever has come: so what waits to be read may lie
//! in the session, in a record of which a part has come, or in the kernel. Before a connection ends, all three
//! are looked at.

mod handshake;
mod records;

use std::{
    io::{self, BufRead as _, Write as _},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use actix_http::{HttpMessage as _, Request};
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) use self::handshake::handshake;
use self::records::{Now, Polled, Records};
use super::socket::Socket;
use crate::{
    kernel::{Peer, Waiting},
    tls::PeerCertificates,
};

/// More line ends than this are taken for a request, since one may be behind them: as in the kernel.
const LINE_ENDS: usize = 16;

/// A socket with a session over it.
#[derive(Debug)]
pub(crate) struct Session {
    tls: ServerConnection,
    records: Records,
    close_notify: CloseNotify,
    client: Option<PeerCertificates>,
}

/// The end of what we send, which TLS has for itself, so that nobody can cut a stream short unseen
/// (RFC 8446, 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CloseNotify {
    Unsaid,
    Said,
}

impl Session {
    /// Before its handshake.
    ///
    /// # Errors
    /// rustls's, of which none is known.
    fn new(socket: Socket, config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        Ok(Self {
            tls: ServerConnection::new(config)?,
            records: Records::new(socket),
            close_notify: CloseNotify::Unsaid,
            client: None,
        })
    }

    fn socket(&self) -> &Socket {
        &self.records.socket
    }

    /// Gives a request its client's certificates, if the client has shown some.
    pub(super) fn introduce(&self, request: &Request) {
        if let Some(client) = &self.client {
            request.extensions_mut().insert(client.clone());
        }
    }

    /// Pending when nothing waits, as far as the event loop knows.
    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.tls.wants_read() {
            true => self.socket().poll_read_ready(cx),
            // It has something already, or heard the client's end.
            false => Poll::Ready(Ok(())),
        }
    }

    /// Since when a record has been arriving that is not complete: whether it is the beginning of a
    /// request, nobody can know.
    pub(super) fn half_since(&self) -> Option<Instant> {
        self.records.half_since()
    }

    /// What waits at this very moment. What has come is taken in for that, and the event loop will not
    /// tell of it again, so the task is woken.
    pub(super) fn waiting(&mut self, cx: &mut Context<'_>) -> Waiting {
        let waiting = self.take_in();
        if waiting != Waiting::Nothing {
            cx.waker().wake_by_ref();
        }
        waiting
    }

    /// Whether a request waits to be read, or a part of one: not line ends alone.
    pub(super) fn request_waits(&mut self) -> bool {
        if self.take_in() != Waiting::Bytes {
            return false;
        }
        let Ok(bytes) = self.tls.reader().into_first_chunk() else {
            return self.half_since().is_some();
        };
        bytes.len() >= LINE_ENDS || bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    /// Takes in what the kernel has, until something is to be read or nothing is left.
    fn take_in(&mut self) -> Waiting {
        loop {
            if let Ok(bytes) = self.tls.reader().into_first_chunk() {
                return match bytes {
                    [] => Waiting::End,
                    _ => Waiting::Bytes,
                };
            }
            match self.tls.read_tls(&mut Now(&mut self.records)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return match self.half_since() {
                        Some(_) => Waiting::Bytes,
                        None => Waiting::Nothing,
                    };
                }
                Ok(0) | Err(_) => return Waiting::End,
                // What is wrong shows when it is read.
                Ok(_) if self.tls.process_new_packets().is_err() => return Waiting::End,
                Ok(_) => {}
            }
        }
    }

    /// Bytes that the peer has not acknowledged, with those that the kernel has not taken.
    pub(super) fn unacknowledged(&self) -> Option<usize> {
        Some(self.socket().unacknowledged()? + usize::from(self.has_unsent()))
    }

    /// Whether the kernel had no room for a part of what was written.
    pub(super) fn has_unsent(&self) -> bool {
        self.tls.wants_write()
    }

    /// See [`Socket::is_delivered_at_once`].
    pub(super) fn is_delivered_at_once(&self) -> bool {
        self.socket().is_delivered_at_once() && !self.has_unsent()
    }

    pub(super) fn peer(&self) -> Peer {
        self.socket().peer()
    }

    /// See [`Socket::abandon`].
    pub(super) fn abandon(&self) {
        self.socket().abandon();
    }

    /// Reads until the session has something for its reader; `false` is the end of the stream.
    fn poll_take_in(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let records = &mut self.records;
        let read = self.tls.read_tls(&mut Polled { records, cx });
        let count = ready!(or_pending(read))?;
        if let Err(error) = self.tls.process_new_packets() {
            // The alert says why, if the kernel has room for it.
            let _ = self.poll_send(cx)?;
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
        }
        Poll::Ready(Ok(count > 0))
    }

    /// Hands to the kernel what the session has to send.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.tls.wants_write() {
            let records = &mut self.records;
            let written = self.tls.write_tls(&mut Polled { records, cx });
            if ready!(or_pending(written))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Hands on what was written, as far as the kernel has room: the rest goes with a flush.
    fn written(
        &mut self,
        written: io::Result<usize>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let _ = self.poll_send(cx)?;
        Poll::Ready(written)
    }
}

fn or_pending<T>(result: io::Result<T>) -> Poll<io::Result<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

impl AsyncRead for Session {
    /// Nothing is the peer's end, whether it has said so by TLS or by its FIN alone: a request's own framing tells
    /// whether it is whole.
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.tls.wants_read() {
            if !ready!(this.poll_take_in(cx))? {
                break;
            }
        }
        let mut reader = this.tls.reader();
        let bytes = match reader.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => &[],
            Err(error) => return Poll::Ready(Err(error)),
        };
        let count = bytes.len().min(buffer.remaining());
        buffer.put_slice(&bytes[..count]);
        reader.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Session {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        let written = this.tls.writer().write(bytes);
        this.written(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        let written = this.tls.writer().write_vectored(slices);
        this.written(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(cx)
    }

    /// Sends `close_notify`, and FIN behind it.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.close_notify == CloseNotify::Unsaid {
            this.tls.send_close_notify();
            this.close_notify = CloseNotify::Said;
        }
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.records.socket).poll_shutdown(cx)
    }
}
