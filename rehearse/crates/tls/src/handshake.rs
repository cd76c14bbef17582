//! The beginning of a connection over TLS.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use rustls::ClientConnection;
use thiserror::Error;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::layer::{Layer, Tls};
use super::stream::Stream;
use super::trust::{Connector, Protocol};

/// A handshake failed.
#[derive(Debug, Error)]
pub enum HandshakeFailed {
    /// The server ended it.
    #[error("FIN in the handshake")]
    Ended,
    /// The network did.
    #[error("{0} in the handshake")]
    Broken(io::Error),
    /// It broke a rule, or what it showed was not believed; or it refused us.
    #[error("{0}")]
    Refused(rustls::Error),
    /// It speaks another protocol.
    #[error("ALPN agreed on {agreed}, and not on {asked}")]
    Protocol {
        /// What it speaks.
        agreed: String,
        /// What was asked for.
        asked: String,
    },
}

impl From<rustls::Error> for HandshakeFailed {
    fn from(error: rustls::Error) -> Self {
        Self::Refused(error)
    }
}

impl From<io::Error> for HandshakeFailed {
    fn from(error: io::Error) -> Self {
        match error.downcast::<rustls::Error>() {
            Ok(refused) => Self::Refused(refused),
            Err(broken) => Self::Broken(broken),
        }
    }
}

/// A handshake under way, of which each part is sent when it is asked for.
#[derive(Debug)]
pub struct Handshake {
    tcp: TcpStream,
    tls: Tls,
    protocol: Protocol,
}

impl Handshake {
    /// Nothing has been sent yet.
    ///
    /// # Errors
    /// None that a server could bring about.
    pub fn new(tcp: TcpStream, connector: &Connector) -> Result<Self, HandshakeFailed> {
        let (config, name) = (Arc::clone(&connector.config), connector.name.clone());
        Ok(Self {
            tcp,
            tls: Tls::new(ClientConnection::new(config, name)?),
            protocol: connector.protocol,
        })
    }

    /// Sends this much of the client's first message, in hundredths.
    ///
    /// # Errors
    /// The network's.
    pub async fn greet(&mut self, hundredths: usize) -> Result<Vec<u8>, HandshakeFailed> {
        let mut hello = Vec::new();
        while self.tls.session.wants_write() {
            self.tls.session.write_tls(&mut hello)?;
        }
        let rest = hello.split_off(hello.len() * hundredths / 100);
        self.send(&hello).await?;
        Ok(rest)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The network's.
    pub async fn send(&mut self, mut bytes: &[u8]) -> Result<(), HandshakeFailed> {
        while !bytes.is_empty() {
            self.tcp.writable().await?;
            match self.tcp.try_write(bytes) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes the server's part, and answers nothing yet: what is left of TLS 1.3 is ours to send.
    ///
    /// # Errors
    /// See [`HandshakeFailed`].
    pub async fn answered(&mut self) -> Result<(), HandshakeFailed> {
        while self.tls.session.is_handshaking() {
            self.take().await?;
        }
        Ok(())
    }

    /// Carries it to its end; `first` goes out together with the last of it.
    ///
    /// # Errors
    /// See [`HandshakeFailed`].
    pub async fn finish(mut self, first: &[u8]) -> Result<Stream, HandshakeFailed> {
        self.tls.session.writer().write_all(first)?;
        self.flush().await?;
        while self.tls.session.is_handshaking() {
            self.take().await?;
            self.flush().await?;
        }
        let agreed = self.tls.session.alpn_protocol();
        if !self.protocol.is_spoken(agreed) {
            let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
            return Err(HandshakeFailed::Protocol {
                agreed: agreed.map_or_else(|| "nothing".to_owned(), name),
                asked: name(self.protocol.alpn()),
            });
        }
        Ok(Stream {
            tcp: self.tcp,
            layer: Layer::Tls(Box::new(self.tls)),
        })
    }

    /// Takes something in.
    async fn take(&mut self) -> Result<(), HandshakeFailed> {
        self.tcp.readable().await?;
        let Self { tcp, tls, .. } = self;
        match tcp.try_io(Interest::READABLE, || tls.pull(tcp)) {
            Ok(0) => Err(HandshakeFailed::Ended),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => {
                // It is told why.
                let _gone = tls.flush(tcp);
                Err(error.into())
            }
        }
    }

    async fn flush(&mut self) -> Result<(), HandshakeFailed> {
        let Self { tcp, tls, .. } = self;
        while tls.session.wants_write() {
            tcp.writable().await?;
            match tcp.try_io(Interest::WRITABLE, || tls.flush(tcp)) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }
}
