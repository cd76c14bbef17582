//! TLS between a simulated process and its clients.

use std::{
    io,
    sync::{Arc, LazyLock},
};

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, date_time_ymd};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::Resumption,
    crypto::ring::default_provider,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{socket::Socket, wire::Wire};
use crate::{kernel::Waiting, tls::Tls};

pub(super) type Stream = Box<TlsStream<Socket>>;

const NAME: &str = "service.test";

/// A server's and a client's, made once: a life is to be the same each time it is lived, so there are
/// neither signatures of different lengths nor sessions that another life has left behind.
static CONFIGS: LazyLock<(Arc<ServerConfig>, Arc<ClientConfig>)> = LazyLock::new(|| {
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let mut params = CertificateParams::new(vec![NAME.to_owned()]).expect("a name");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2999, 1, 1);
    params.serial_number = Some(1.into());
    let certificate = params.self_signed(&key).expect("a certificate");
    let (mut roots, provider) = (RootCertStore::empty(), Arc::new(default_provider()));
    roots.add(certificate.der().clone()).expect("a root");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("its key");
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.resumption = Resumption::disabled();
    (Arc::new(server), Arc::new(client))
});

/// What a process serves by.
pub(super) fn server() -> Arc<Tls> {
    Tls::of(Arc::clone(&CONFIGS.0))
}

/// A client's handshake.
pub(super) async fn connect(socket: Socket) -> io::Result<Wire> {
    let name = ServerName::try_from(NAME).expect("a name");
    let connector = TlsConnector::from(Arc::clone(&CONFIGS.1));
    let stream = connector.connect(name, socket).await?;
    Ok(Wire::Tls(Box::new(stream)))
}

pub(super) fn waiting(stream: &mut Stream) -> Waiting {
    let (socket, session) = stream.get_mut();
    loop {
        match session.read_tls(&mut Now(socket)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Ok(0) | Err(_) => return Waiting::End,
            Ok(_) if session.process_new_packets().is_err() => return Waiting::End,
            Ok(_) => {}
        }
    }
    match session.process_new_packets() {
        Ok(state) if state.plaintext_bytes_to_read() > 0 => Waiting::Bytes,
        Ok(state) if !state.peer_has_closed() => Waiting::Nothing,
        _ => Waiting::End,
    }
}

/// Reads whatever the event loop knows.
struct Now<'s>(&'s mut Socket);

impl io::Read for Now<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read_now(bytes)
    }
}
