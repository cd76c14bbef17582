//! What lies between a socket and its reader: nothing, or TLS. The kernel is asked directly, and never
//! waited for.

use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read, Write};

use rustls::{ClientConnection, HandshakeKind};
use socket2::SockRef;
use tokio::net::TcpStream;

use super::trust::Protocol;

/// How a peer ended its side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By FIN, and there is no TLS.
    Fin,
    /// By `close_notify`: nothing was cut.
    CloseNotify,
    /// By FIN or RST without that: whether something was cut nobody can know.
    Truncated,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fin => "FIN",
            Self::CloseNotify => "close_notify",
            Self::Truncated => "FIN without close_notify",
        })
    }
}

/// What has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// So many bytes, at least one.
    Bytes(usize),
    /// The end.
    End(End),
}

/// What a handshake came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Secured {
    /// The CRC-32 of the certificate that the server showed, or had shown when the session began.
    pub certificate: u32,
    /// It took up an earlier session, and the server showed nothing.
    pub resumed: bool,
}

/// What lies between a socket and its reader.
#[derive(Debug, Default)]
pub enum Layer {
    /// Nothing.
    #[default]
    Plain,
    /// TLS.
    Tls(Box<Tls>),
}

/// TLS, from before its handshake on.
#[derive(Debug)]
pub struct Tls {
    pub(super) session: ClientConnection,
    pub(super) protocol: Protocol,
    /// How the peer ended it, once that is known.
    end: Option<End>,
}

impl Layer {
    /// What the handshake came to; `None` without TLS.
    pub fn secured(&self) -> Option<Secured> {
        match self {
            Self::Plain => None,
            Self::Tls(tls) => Some(tls.secured()),
        }
    }

    /// How the server ended it, as far as was read; `None` without TLS.
    pub fn end(&self) -> Option<End> {
        match self {
            Self::Plain => None,
            Self::Tls(tls) => tls.end,
        }
    }

    /// Takes what is there, or the error that nothing is. The room must not be empty.
    ///
    /// # Errors
    /// The socket's; and if what came is no TLS.
    pub fn read(&mut self, tcp: &TcpStream, room: &mut [u8]) -> io::Result<Received> {
        match self {
            Self::Plain => Ok(match (&*SockRef::from(tcp)).read(room)? {
                0 => Received::End(End::Fin),
                bytes => Received::Bytes(bytes),
            }),
            Self::Tls(tls) => tls.receive(tcp, |session| session.reader().read(room)),
        }
    }

    /// Looks what is there, and leaves it there.
    ///
    /// # Errors
    /// As of [`Self::read`].
    pub fn look(&mut self, tcp: &TcpStream) -> io::Result<Received> {
        match self {
            Self::Plain => {
                let socket = SockRef::from(tcp);
                Ok(match socket.peek(&mut [std::mem::MaybeUninit::uninit()])? {
                    0 => Received::End(End::Fin),
                    bytes => Received::Bytes(bytes),
                })
            }
            Self::Tls(tls) => {
                tls.receive(tcp, |session| session.reader().fill_buf().map(<[u8]>::len))
            }
        }
    }

    /// Whether bytes are here that the kernel has no longer.
    pub fn holds_bytes(&mut self) -> bool {
        match self {
            Self::Plain => false,
            Self::Tls(tls) => tls.session.reader().fill_buf().is_ok(),
        }
    }

    /// Sends as many bytes as are taken now. Of what was taken a part may still have to be flushed.
    ///
    /// # Errors
    /// The socket's, and that it takes nothing.
    pub fn write(&mut self, tcp: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain => (&*SockRef::from(tcp)).write(bytes),
            Self::Tls(tls) => {
                tls.flush(tcp)?;
                let taken = tls.session.writer().write(bytes)?;
                tls.flush_some(tcp)?;
                Ok(taken)
            }
        }
    }

    /// Takes bytes that go out with the next that is sent: before the end of the handshake, with that.
    /// Without TLS it takes none.
    ///
    /// # Errors
    /// If they are more than a few thousand.
    pub fn queue(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain => Err(ErrorKind::Unsupported.into()),
            Self::Tls(tls) => tls.session.writer().write_all(bytes),
        }
    }

    /// Whether its handshake is still to be had.
    pub fn is_handshaking(&self) -> bool {
        match self {
            Self::Plain => false,
            Self::Tls(tls) => tls.session.is_handshaking(),
        }
    }

    /// Whether what was taken is not with the kernel yet.
    pub fn must_flush(&self) -> bool {
        match self {
            Self::Plain => false,
            Self::Tls(tls) => tls.session.wants_write(),
        }
    }

    /// Gives the kernel what was taken.
    ///
    /// # Errors
    /// The socket's, and that it does not take all.
    pub fn flush(&mut self, tcp: &TcpStream) -> io::Result<()> {
        match self {
            Self::Plain => Ok(()),
            Self::Tls(tls) => tls.flush(tcp),
        }
    }

    /// What is to be sent, with these bytes in a record of their own behind it, as TLS sends it: that
    /// is left to the caller. The bytes as they are, without TLS.
    ///
    /// # Errors
    /// None that a server could bring about.
    pub fn seal(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let Self::Tls(tls) = self else {
            return Ok(bytes.to_vec());
        };
        let mut sealed = Vec::new();
        tls.session.writer().write_all(bytes)?;
        while tls.session.wants_write() {
            tls.session.write_tls(&mut sealed)?;
        }
        Ok(sealed)
    }

    /// Says `close_notify`, if that is to be said, as far as the kernel takes it now.
    pub fn say_close(&mut self, tcp: &TcpStream) {
        if let Self::Tls(tls) = self {
            tls.session.send_close_notify();
            // To a peer that has gone nothing needs to be said.
            let _gone = tls.flush(tcp);
        }
    }
}

impl Tls {
    pub(super) fn new(session: ClientConnection, protocol: Protocol) -> Self {
        Self {
            session,
            protocol,
            end: None,
        }
    }

    fn secured(&self) -> Secured {
        let shown = self.session.peer_certificates().unwrap_or_default();
        Secured {
            certificate: shown.first().map_or(0, |shown| crc32fast::hash(shown)),
            resumed: self.session.handshake_kind() == Some(HandshakeKind::Resumed),
        }
    }

    /// Takes records in until they hold something, or the end.
    fn receive(
        &mut self,
        tcp: &TcpStream,
        mut take: impl FnMut(&mut ClientConnection) -> io::Result<usize>,
    ) -> io::Result<Received> {
        loop {
            let end = match take(&mut self.session) {
                Ok(0) => End::CloseNotify,
                Ok(bytes) => return Ok(Received::Bytes(bytes)),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => End::Truncated,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.pull(tcp)?;
                    // What came may ask for an answer.
                    self.flush_some(tcp)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.end = Some(end);
            return Ok(Received::End(end));
        }
    }

    /// Takes in what the kernel has: so many bytes, none at its end.
    pub(super) fn pull(&mut self, tcp: &TcpStream) -> io::Result<usize> {
        let pulled = self.session.read_tls(&mut &*SockRef::from(tcp));
        let taken = pulled.and_then(|pulled| {
            let taken = self.session.process_new_packets();
            let broken = |error| io::Error::new(ErrorKind::InvalidData, error);
            taken.map(|_| pulled).map_err(broken)
        });
        taken.inspect_err(|error| {
            if error.kind() != ErrorKind::WouldBlock {
                self.end = Some(End::Truncated);
            }
        })
    }

    pub(super) fn flush(&mut self, tcp: &TcpStream) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut &*SockRef::from(tcp))?;
        }
        Ok(())
    }

    fn flush_some(&mut self, tcp: &TcpStream) -> io::Result<()> {
        match self.flush(tcp) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            flushed => flushed,
        }
    }
}
