//! An authority of a rehearsal's own, and what it issues.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use thiserror::Error;

/// An authority whose key nobody else has.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A server's certificate with its key.
#[derive(Clone, Debug)]
pub struct Issued {
    /// In PEM.
    pub certificate: String,
    /// In PEM.
    pub key: String,
    /// The certificate's CRC-32, by which [`Secured`](super::Secured) names it.
    pub crc32: u32,
}

/// A certificate could not be made.
#[derive(Debug, Error)]
#[error("cannot make a certificate: {0}")]
pub struct NotIssued(#[from] rcgen::Error);

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// If there is no randomness to be had.
    pub fn new() -> Result<Self, NotIssued> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "rehearse");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// Its own certificate, in PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A server's, for these names.
    ///
    /// # Errors
    /// If a name is none.
    pub fn issue(&self, names: &[&str]) -> Result<Issued, NotIssued> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            crc32: crc32fast::hash(certificate.der()),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}
