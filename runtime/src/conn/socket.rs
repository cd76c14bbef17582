//! A connected socket: reading, writing, closing, and what its kernel can tell.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

use super::PeerAddress;
#[cfg(test)]
use super::simulation;
use crate::kernel::{self, Peer, Waiting};

/// An enum and not a type parameter: everything that serves a connection would have to carry it.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// One side of a connection in a network that a test makes up.
    #[cfg(test)]
    Simulated(simulation::Socket),
}

/// Calls the same method on whatever it is.
macro_rules! delegate {
    ($socket:expr, $io:ident => $call:expr) => {
        match $socket {
            Socket::Tcp($io) => $call,
            Socket::Unix($io) => $call,
            #[cfg(test)]
            Socket::Simulated($io) => $call,
        }
    };
}

impl Socket {
    /// Puts one that was accepted on the current event loop.
    ///
    /// # Errors
    /// When the event loop cannot take it.
    pub(super) fn register(socket: socket2::Socket, peer: PeerAddress) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        match peer {
            PeerAddress::Tcp(_) => TcpStream::from_std(socket.into()).map(Self::Tcp),
            PeerAddress::Unix { .. } => UnixStream::from_std(socket.into()).map(Self::Unix),
        }
    }

    /// Pending when nothing waits, as far as the event loop knows.
    pub(super) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, io => io.poll_read_ready(cx))
    }

    /// What waits to be read at this very moment.
    pub(super) fn waiting(&self) -> Waiting {
        match self {
            Self::Tcp(socket) => kernel::waiting(socket),
            Self::Unix(socket) => kernel::waiting(socket),
            #[cfg(test)]
            Self::Simulated(socket) => socket.waiting(),
        }
    }

    /// Reads what has come at this very moment, whatever the event loop knows of it.
    ///
    /// # Errors
    /// The system's; `WouldBlock` if there is nothing.
    #[cfg(feature = "tls")]
    pub(super) fn read_now(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => kernel::read_now(socket, bytes),
            Self::Unix(socket) => kernel::read_now(socket, bytes),
            #[cfg(test)]
            Self::Simulated(socket) => socket.read_now(bytes),
        }
    }

    /// Whether a request waits to be read, or a part of one: not line ends alone.
    pub(super) fn request_waits(&self) -> bool {
        match self {
            Self::Tcp(socket) => kernel::request_waits(socket),
            Self::Unix(socket) => kernel::request_waits(socket),
            #[cfg(test)]
            Self::Simulated(socket) => socket.request_waits(),
        }
    }

    /// Bytes, our FIN among them, that the peer has not acknowledged; `None` where nobody can say. Of a Unix
    /// socket: that it has not read.
    pub(super) fn unacknowledged(&self) -> Option<usize> {
        match self {
            Self::Tcp(socket) => kernel::unacknowledged(socket).ok(),
            Self::Unix(socket) => kernel::unread(socket).ok(),
            #[cfg(test)]
            Self::Simulated(socket) => Some(socket.unacknowledged()),
        }
    }

    /// Whether what was written lies with the peer already, and stays there when this process has gone.
    pub(super) fn is_delivered_at_once(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    /// What is known of the other end: as if it were alive and near where nobody can say.
    pub(super) fn peer(&self) -> Peer {
        match self {
            Self::Tcp(socket) => kernel::peer(socket).unwrap_or_default(),
            // If its process ended, so would the connection.
            Self::Unix(_) => Peer::default(),
            #[cfg(test)]
            Self::Simulated(socket) => socket.peer(),
        }
    }

    /// Has the connection end by RST when it is dropped, and the kernel forget what it still holds
    /// for a peer that takes nothing: after a FIN it would go on trying for minutes.
    pub(super) fn abandon(&self) {
        match self {
            // A socket that cannot be told is closed in the ordinary way.
            Self::Tcp(socket) => {
                let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
            }
            // There is no RST: a body that has failed, and that only the end of its connection
            // delimits, looks whole.
            Self::Unix(_) => {}
            #[cfg(test)]
            Self::Simulated(socket) => socket.abandon(),
        }
    }
}

impl Socket {
    /// Writes what the kernel takes at once. `WouldBlock` where the event loop has to be asked.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.try_write(bytes),
            Self::Unix(socket) => socket.try_write(bytes),
            #[cfg(test)]
            Self::Simulated(_) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), io => Pin::new(io).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
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
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self.get_mut(), io => Pin::new(io).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        delegate!(self, io => io.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), io => Pin::new(io).poll_flush(cx))
    }

    /// Sends FIN.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self.get_mut(), io => Pin::new(io).poll_shutdown(cx))
    }
}
