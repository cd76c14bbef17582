//! A server over TLS that does to each connection what a script says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rehearse_tls::{Authority, Issued, Trust};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Whom certificates are for.
pub(super) const NAME: &str = "lastcall.test";

/// One act of a script.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Ends the connection before the handshake.
    Refuse,
    /// Reads a request's head.
    Request,
    Send(&'static str),
    /// `close_notify`, and FIN.
    Close,
    /// FIN alone.
    Truncate,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) trust: Trust,
    pub(super) issued: Issued,
    _accepting: JoinSet<()>,
}

/// A certificate as a server needs it, for one that speaks this protocol.
fn config(issued: &Issued, alpn: &[&[u8]]) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let certificate = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let mut config = builder
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

impl Server {
    /// Serves connection `n` (from 0) by `script(n)`.
    pub(super) async fn start(
        alpn: &[&[u8]],
        script: impl Fn(usize) -> Vec<Act> + Send + 'static,
    ) -> Self {
        let authority = Authority::new().unwrap();
        let issued = authority.issue(&[NAME]).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config(&issued, alpn)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let (mut served, connections) = (JoinSet::new(), AtomicUsize::new(0));
            while let Ok((stream, _)) = listener.accept().await {
                let acts = script(connections.fetch_add(1, Ordering::SeqCst));
                served.spawn(serve(stream, acceptor.clone(), acts));
            }
        });
        Self {
            address,
            trust: Trust::new(NAME, authority.pem()).unwrap(),
            issued,
            _accepting: accepting,
        }
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, acts: Vec<Act>) {
    if matches!(acts.first(), Some(Act::Refuse)) {
        return;
    }
    // A client that does not believe the certificate ends it here.
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    for act in acts {
        // An error is the client's end of the connection: nothing left to play.
        let played = match act {
            Act::Refuse => Ok(()),
            Act::Request => read_head(&mut stream).await,
            Act::Send(text) => send(&mut stream, text).await,
            Act::Close => stream.shutdown().await,
            Act::Truncate => stream.get_mut().0.shutdown().await,
        };
        if played.is_err() {
            return;
        }
    }
    let _left = stream.read(&mut [0; 512]).await;
}

async fn send(stream: &mut TlsStream<TcpStream>, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    stream.flush().await
}

async fn read_head(stream: &mut TlsStream<TcpStream>) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(())
}
