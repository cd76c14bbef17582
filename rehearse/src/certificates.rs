//! The certificates of a scenario over TLS.

use anyhow::Context;
use rehearse_report::Exchange;
use rehearse_tls::{Authority, Issued, Mounted, Trust};
use tokio::time::Instant;

/// Whom they are for: a name that nobody has (RFC 6761, 6.2).
const NAME: &str = "lastcall.test";

/// Where programs find theirs: settings of a Lastcall service, as variables.
const CERTIFICATE: &str = "LASTCALL__HTTP__TLS__CERTIFICATE";
const KEY: &str = "LASTCALL__HTTP__TLS__KEY";

/// An authority, a certificate of it that programs are given, and one to put in its place.
#[derive(Debug)]
pub struct Certificates {
    /// What clients believe.
    pub trust: Trust,
    mounted: Mounted,
    old: Issued,
    new: Issued,
}

impl Certificates {
    /// New ones, in a folder that is removed with this.
    ///
    /// # Errors
    /// If they cannot be made, or the folder cannot be written.
    pub fn new() -> anyhow::Result<Self> {
        let authority = Authority::new()?;
        let [old, new] = [authority.issue(&[NAME])?, authority.issue(&[NAME])?];
        let mounted = Mounted::new("rehearse-tls", &old).context("cannot write the certificate")?;
        Ok(Self {
            trust: Trust::new(NAME, authority.pem())?,
            mounted,
            old,
            new,
        })
    }

    /// What tells a program where they are.
    pub fn variables(&self) -> [(String, String); 2] {
        let path = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
        [
            (CERTIFICATE.to_owned(), path(self.mounted.certificate())),
            (KEY.to_owned(), path(self.mounted.key())),
        ]
    }

    /// Puts the new one in the old one's place, as the kubelet does.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn exchange(&self) -> anyhow::Result<Exchange> {
        let exchanged = self.mounted.exchange(&self.new);
        exchanged.context("cannot exchange the certificate")?;
        Ok(Exchange {
            at: Instant::now(),
            old: self.old.crc32,
            new: self.new.crc32,
        })
    }
}
