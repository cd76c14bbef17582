//! The beginning of a connection over TLS.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use rustls::ClientConnection;
use thiserror::Error;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::layer::{Layer, Tls};
use super::stream::Stream;
use super::trust::Connector;

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

/// The handshake: at one go, or each part of it when it is asked for.
impl Stream {
    /// Nothing has been said yet on this connection.
    ///
    /// # Errors
    /// None that a server could bring about.
    pub fn unspoken(
        tcp: TcpStream,
        connector: Option<&Connector>,
    ) -> Result<Self, HandshakeFailed> {
        let Some(connector) = connector else {
            return Ok(tcp.into());
        };
        let (config, name) = (Arc::clone(&connector.config), connector.name.clone());
        let tls = Tls::new(ClientConnection::new(config, name)?, connector.protocol);
        let layer = Layer::Tls(Box::new(tls));
        Ok(Self { tcp, layer })
    }

    /// Speaks TLS, if there is a connector, or else nothing.
    ///
    /// # Errors
    /// See [`HandshakeFailed`].
    pub async fn over(
        tcp: TcpStream,
        connector: Option<&Connector>,
    ) -> Result<Self, HandshakeFailed> {
        let mut stream = Self::unspoken(tcp, connector)?;
        stream.shake_hands().await?;
        Ok(stream)
    }

    /// Carries the handshake to its end, if there is one to be had. What was queued goes out together
    /// with the last of it.
    ///
    /// # Errors
    /// See [`HandshakeFailed`].
    pub async fn shake_hands(&mut self) -> Result<(), HandshakeFailed> {
        let Self {
            tcp,
            layer: Layer::Tls(tls),
        } = self
        else {
            return Ok(());
        };
        flush(tcp, tls).await?;
        while tls.session.is_handshaking() {
            take(tcp, tls).await?;
            flush(tcp, tls).await?;
        }
        tls.check_protocol()
    }

    /// Takes the server's part, and answers nothing yet: what is left of TLS 1.3 is the client's to send.
    ///
    /// # Errors
    /// See [`HandshakeFailed`].
    pub async fn answered(&mut self) -> Result<(), HandshakeFailed> {
        let Self { tcp, layer } = self;
        if let Layer::Tls(tls) = layer {
            while tls.session.is_handshaking() {
                take(tcp, tls).await?;
            }
        }
        Ok(())
    }
}

/// Takes something in.
async fn take(tcp: &TcpStream, tls: &mut Tls) -> Result<(), HandshakeFailed> {
    tcp.readable().await?;
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

async fn flush(tcp: &TcpStream, tls: &mut Tls) -> Result<(), HandshakeFailed> {
    while tls.session.wants_write() {
        tcp.writable().await?;
        match tcp.try_io(Interest::WRITABLE, || tls.flush(tcp)) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

impl Tls {
    fn check_protocol(&self) -> Result<(), HandshakeFailed> {
        let agreed = self.session.alpn_protocol();
        if self.protocol.is_spoken(agreed) {
            return Ok(());
        }
        let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        Err(HandshakeFailed::Protocol {
            agreed: agreed.map_or_else(|| "nothing".to_owned(), name),
            asked: name(self.protocol.alpn()),
        })
    }
}
