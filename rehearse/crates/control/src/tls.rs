//! What actix-web's own TLS is given.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate and its key, as they are now: plain actix-web reads them once. It adds the names of its
/// protocols itself.
pub(super) fn config(certificate: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let in_file = |file: &Path| format!("cannot read {}", file.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| in_file(certificate))?;
    let private = PrivateKeyDer::from_pem_file(key).with_context(|| in_file(key))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    let config = builder.with_no_client_auth();
    Ok(config.with_single_cert(chain, private)?)
}
