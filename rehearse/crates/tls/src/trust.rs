//! Whom a client believes.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;

/// What is spoken on a connection, as ALPN names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, and WebSocket. A server without ALPN speaks it, too.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    /// Its name in ALPN.
    pub(super) fn alpn(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// Whether this is what was agreed on.
    pub(super) fn is_spoken(self, agreed: Option<&[u8]>) -> bool {
        agreed.map_or(self == Self::Http1, |agreed| agreed == self.alpn())
    }
}

/// An authority, and the name that its certificates must be for.
#[derive(Clone, Debug)]
pub struct Trust {
    name: ServerName<'static>,
    roots: Arc<RootCertStore>,
}

/// Nobody can be believed by what was given.
#[derive(Debug, Error)]
pub enum NotTrusted {
    /// The name is none.
    #[error("{0} is no name of a server")]
    Name(String),
    /// The text is no certificate.
    #[error("no certificate of an authority: {0}")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// The certificate is none of an authority.
    #[error(transparent)]
    Root(#[from] rustls::Error),
    /// There is none.
    #[error("there is no certificate in it")]
    Empty,
}

impl Trust {
    /// Believes who has that name by the word of these authorities, in PEM.
    ///
    /// # Errors
    /// If there is no such name or authority.
    pub fn new(name: &str, authorities: &str) -> Result<Self, NotTrusted> {
        let server = ServerName::try_from(name.to_owned());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
            roots.add(certificate?)?;
        }
        if roots.is_empty() {
            return Err(NotTrusted::Empty);
        }
        Ok(Self {
            name: server.map_err(|_| NotTrusted::Name(name.to_owned()))?,
            roots: Arc::new(roots),
        })
    }

    /// Clients that share their sessions, and so resume with one server what another one began.
    pub fn connector(&self, protocol: Protocol) -> Connector {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder
            .with_safe_default_protocol_versions()
            .expect("ring has the ciphers of TLS 1.2 and 1.3");
        let mut config = builder
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.alpn().to_vec()];
        config.resumption = Resumption::in_memory_sessions(1_024);
        Connector {
            config: Arc::new(config),
            name: self.name.clone(),
            protocol,
        }
    }
}

/// What a client needs for a handshake.
#[derive(Clone, Debug)]
pub struct Connector {
    pub(super) config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    pub(super) protocol: Protocol,
}
