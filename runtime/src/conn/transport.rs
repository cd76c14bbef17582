//! What carries a connection: reading, writing, closing, and what a drain must know besides.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use actix_http::Request;

use super::socket::Socket;
#[cfg(feature = "tls")]
use super::tls::Session;
use crate::kernel::{Peer, Waiting};

/// An enum and not a type parameter: everything that serves a connection would have to carry it.
///
/// Whatever is added must be able to answer two questions: *does anything wait to be read*, if only
/// half a record; and *has the peer acknowledged everything*, what has not been sent yet included.
#[derive(Debug)]
pub(crate) enum Transport {
    Plain(Socket),
    #[cfg(feature = "tls")]
    Tls(Box<Session>),
}

/// Calls the same method on whatever it is.
macro_rules! delegate {
    ($transport:expr, $io:ident => $call:expr) => {
        match $transport {
            Transport::Plain($io) => $call,
            #[cfg(feature = "tls")]
            Transport::Tls($io) => $call,
        }
    };
}

impl Transport {
    /// Pending when nothing waits, as far as the event loop knows.
    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => io.poll_read_ready(cx))
    }

    /// What waits to be read at this very moment. The task is woken if it will not hear of that by the
    /// event loop.
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "it will"))]
    pub(super) fn waiting(&mut self, cx: &mut Context<'_>) -> Waiting {
        match self {
            Self::Plain(socket) => socket.waiting(),
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.waiting(cx),
        }
    }

    /// Whether a request waits to be read, or a part of one: not line ends alone.
    pub(super) fn request_waits(&mut self) -> bool {
        delegate!(self, io => io.request_waits())
    }

    /// Since when something has been arriving that cannot be read before the rest of it is here.
    #[inline]
    pub(super) fn half_since(&self) -> Option<Instant> {
        match self {
            Self::Plain(_) => None,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.half_since(),
        }
    }

    /// Gives a request what is known of its client by the transport.
    #[inline]
    #[cfg_attr(not(feature = "tls"), expect(unused_variables, reason = "nothing is"))]
    pub(super) fn introduce(&self, request: &Request) {
        match self {
            Self::Plain(_) => {}
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.introduce(request),
        }
    }

    /// Bytes, our FIN among them, that the peer has not acknowledged; `None` where nobody can say.
    pub(super) fn unacknowledged(&self) -> Option<usize> {
        delegate!(self, io => io.unacknowledged())
    }

    /// Whether it has taken something that the kernel has not.
    #[inline]
    pub(super) fn has_unsent(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            #[cfg(feature = "tls")]
            Self::Tls(session) => session.has_unsent(),
        }
    }

    /// Whether what was written lies with the peer already: see [`Socket::is_delivered_at_once`].
    pub(super) fn is_delivered_at_once(&self) -> bool {
        delegate!(self, io => io.is_delivered_at_once())
    }

    /// What is known of the other end: as if it were alive and near where nobody can say.
    pub(super) fn peer(&self) -> Peer {
        delegate!(self, io => io.peer())
    }

    /// Has the connection end by RST when it is dropped: see [`Socket::abandon`].
    pub(super) fn abandon(&self) {
        delegate!(self, io => io.abandon());
    }

    /// Writes what the kernel takes at once. `WouldBlock` where the event loop has to be asked.
    #[inline]
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.try_write(bytes),
            #[cfg(feature = "tls")]
            Self::Tls(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), io => Pin::new(io).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        delegate!(self.get_mut(), io => Pin::new(io).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self.get_mut(), io => Pin::new(io).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        delegate!(self, io => io.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), io => Pin::new(io).poll_flush(cx))
    }

    /// Says that nothing follows, and sends FIN.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), io => Pin::new(io).poll_shutdown(cx))
    }
}
