//! Certificates for a test, in files of a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

/// Whom the certificates are for.
pub(crate) const NAME: &str = "service.test";

/// An authority, and a folder for what it signs.
pub(crate) struct Pki {
    ca: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Pki {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "lastcall-tls-{}-{}",
            process::id(),
            COUNT.fetch_add(1, Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "a test's authority");
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let pki = Self { ca, folder };
        pki.write("ca.pem", &pki.ca.pem());
        pki
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: &str) {
        fs::write(self.path(name), contents).unwrap();
    }

    /// A certificate and its key, in PEM, for this year or for one that has passed.
    pub(crate) fn issue(&self, common_name: &str, last_year: i32) -> (String, String) {
        let mut params = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// A new certificate in `FOLDER/certificate.pem` and `key.pem`.
    pub(crate) fn place(&self, folder: &str, last_year: i32) {
        fs::create_dir(self.path(folder)).unwrap();
        let (certificate, key) = self.issue(folder, last_year);
        self.write(&format!("{folder}/certificate.pem"), &certificate);
        self.write(&format!("{folder}/key.pem"), &key);
    }

    /// Has `current` lead to this folder, as Kubernetes swaps the link of a Secret.
    pub(crate) fn lead_to(&self, folder: &str) {
        let link = self.path("next");
        std::os::unix::fs::symlink(Path::new(folder), &link).unwrap();
        fs::rename(link, self.path("current")).unwrap();
    }

    /// What a client trusts, that may show a certificate of its own, and speaks these protocols.
    pub(crate) fn client(&self, own: Option<(String, String)>, alpn: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                use rustls::pki_types::{CertificateDer, pem::PemObject as _};
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
                let key = PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder
                    .with_client_auth_cert(chain, PrivateKeyDer::Pkcs8(key))
                    .unwrap()
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
