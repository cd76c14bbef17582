//! A server that does with TLS what comes to hand, for the conformance suite to see.
//!
//! It says no `close_notify`, takes what one read gives it for a request, and has no answer to another
//! replica's session. With `OFFHAND=forgets` it forgets what came with the end of a handshake. Connections
//! that are idle for a second end. Signals end it as they end any program.

use std::env;
use std::fs;
use std::io::Read as _;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ProducesTickets;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const IDLE: Duration = Duration::from_secs(1);
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Sessions that say which process they are of, in the clear.
#[derive(Debug)]
struct Tickets;

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        60
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        Some([&process::id().to_be_bytes(), plain].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (process, plain) = ticket.split_at_checked(size_of::<u32>())?;
        assert_eq!(process, process::id().to_be_bytes(), "a stranger's session");
        Some(plain.to_vec())
    }
}

fn config() -> anyhow::Result<ServerConfig> {
    let read = |name| {
        let path = env::var(name).context(name)?;
        fs::read(path).context(name)
    };
    let certificate = read("LASTCALL__HTTP__TLS__CERTIFICATE")?;
    let key = read("LASTCALL__HTTP__TLS__KEY")?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(
        vec![CertificateDer::from_pem_slice(&certificate)?],
        PrivateKeyDer::from_pem_slice(&key)?,
    )?;
    config.ticketer = Arc::new(Tickets);
    Ok(config)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let variable = |name| env::var(name).context(name);
    let address = format!("{}:{}", variable("HOST")?, variable("PORT")?);
    let acceptor = TlsAcceptor::from(Arc::new(config()?));
    let listener = TcpListener::bind(address).await?;
    loop {
        let (tcp, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(tcp).await {
                // However it ends, it ends by FIN.
                let _ = serve(stream).await;
            }
        });
    }
}

async fn serve(mut stream: TlsStream<TcpStream>) -> anyhow::Result<()> {
    if env::var("OFFHAND").is_ok_and(|way| way == "forgets") {
        let session = stream.get_mut().1;
        let _forgotten = session.reader().read(&mut [0; 4096]);
    }
    let mut request = [0; 4096];
    loop {
        let read = timeout(IDLE, stream.read(&mut request)).await??;
        let request = &request[..read];
        if !request.ends_with(b"\r\n\r\n") {
            return Ok(());
        }
        stream.write_all(OK.as_bytes()).await?;
        stream.flush().await?;
        if request.windows(5).any(|word| word == b"close") {
            return Ok(());
        }
    }
}
