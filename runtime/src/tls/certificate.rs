//! What a handshake is made by, from its files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use der::{
    AnyRef, DateTime, Decode as _, Reader, SliceReader, Tag,
    asn1::{GeneralizedTime, UtcTime},
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};

use super::{Stamps, stamp};
use crate::settings::{Invalid, TlsFiles};

const CERTIFICATE: &str = "http.tls.certificate";
const KEY: &str = "http.tls.key";
const CLIENT_CA: &str = "http.tls.client_ca";

/// The files of a certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

impl Files {
    /// Those that are set, if any is.
    pub(super) fn of(settings: &TlsFiles) -> Result<Option<Self>, Invalid> {
        let TlsFiles {
            certificate,
            key,
            client_ca,
        } = settings.clone();
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(Self {
                certificate,
                key,
                client_ca,
            })),
            (Some(_), None) => Err(Invalid::new(KEY, format!("must be set with {CERTIFICATE}"))),
            (None, Some(_)) => Err(Invalid::new(CERTIFICATE, format!("must be set with {KEY}"))),
            (None, None) if client_ca.is_some() => Err(Invalid::new(
                CLIENT_CA,
                format!("must not be set without {CERTIFICATE} and {KEY}"),
            )),
            (None, None) => Ok(None),
        }
    }

    pub(super) fn stamps(&self) -> Stamps {
        let client_ca = self.client_ca.as_deref().and_then(stamp);
        [stamp(&self.certificate), stamp(&self.key), client_ca]
    }
}

/// A certificate that can be served with.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) config: Arc<ServerConfig>,
    pub(super) expires: DateTime,
}

impl Certificate {
    /// One that does not expire.
    #[cfg(test)]
    pub(super) fn of(config: Arc<ServerConfig>) -> Self {
        Self {
            config,
            expires: DateTime::INFINITY,
        }
    }

    pub(super) fn read(files: &Files) -> Result<Self, Invalid> {
        let chain = certificates(CERTIFICATE, &files.certificate)?;
        let expires = expires(&chain)?;
        let pem = contents(KEY, &files.key)?;
        let key = PrivateKeyDer::from_pem_slice(&pem);
        let key = key.map_err(|_| Invalid::new(KEY, "must hold a private key in PEM"))?;
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(|error| Invalid::new(CERTIFICATE, error.to_string()))?;
        let builder = match &files.client_ca {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let roots = Arc::new(roots(file)?);
                let provider = Arc::new(default_provider());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = verifier
                    .build()
                    .map_err(|error| Invalid::new(CLIENT_CA, error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let config = builder.with_single_cert(chain, key);
        let mut config = config.map_err(|error| Invalid::new(KEY, unfit(&error)))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            config: Arc::new(config),
            expires,
        })
    }
}

/// What rustls has against a key.
fn unfit(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => format!("must be the key of {CERTIFICATE}"),
        error => format!("cannot be used: {error}"),
    }
}

fn contents(key: &str, path: &Path) -> Result<Vec<u8>, Invalid> {
    fs::read(path).map_err(|error| Invalid::new(key, format!("cannot read the file: {error}")))
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Invalid> {
    let pem = contents(key, path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(Invalid::new(key, "must hold certificates in PEM")),
    }
}

fn roots(path: &Path) -> Result<RootCertStore, Invalid> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(CLIENT_CA, path)? {
        let added = roots.add(certificate);
        added.map_err(|error| Invalid::new(CLIENT_CA, format!("cannot be used: {error}")))?;
    }
    Ok(roots)
}

/// When the first of a chain expires, which is the one that clients know the server by.
fn expires(chain: &[CertificateDer<'_>]) -> Result<DateTime, Invalid> {
    let first = chain.first().map_or(&[][..], |first| first.as_ref());
    let expires = not_after(first).map_err(|error| {
        Invalid::new(
            CERTIFICATE,
            format!("must hold certificates in PEM: {error}"),
        )
    })?;
    if expires.to_system_time() <= SystemTime::now() {
        let problem = format!("must not have expired, as it has at {expires}");
        return Err(Invalid::new(CERTIFICATE, problem));
    }
    Ok(expires)
}

/// The end of a certificate's validity. rustls reads all the rest; here is looked at only what stands before that
/// (RFC 5280, 4.1).
fn not_after(certificate: &[u8]) -> der::Result<DateTime> {
    SliceReader::new(certificate)?.sequence(|certificate| {
        let not_after = certificate.sequence(|signed| {
            // The version, unless it is the first.
            if signed.peek_tag()?.is_context_specific() {
                any(signed)?;
            }
            let (_serial, _algorithm, _issuer) = (any(signed)?, any(signed)?, any(signed)?);
            let not_after = signed.sequence(|validity| {
                time(validity)?;
                time(validity)
            })?;
            skip(signed)?;
            Ok(not_after)
        })?;
        skip(certificate)?;
        Ok(not_after)
    })
}

fn any<'a>(reader: &mut impl Reader<'a>) -> der::Result<AnyRef<'a>> {
    AnyRef::decode(reader)
}

fn skip<'a>(reader: &mut impl Reader<'a>) -> der::Result<&'a [u8]> {
    reader.read_slice(reader.remaining_len())
}

fn time<'a>(reader: &mut impl Reader<'a>) -> der::Result<DateTime> {
    match reader.peek_tag()? {
        Tag::UtcTime => UtcTime::decode(reader).map(|time| time.to_date_time()),
        _ => GeneralizedTime::decode(reader).map(|time| time.to_date_time()),
    }
}
