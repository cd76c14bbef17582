//! TLS on the public port: its certificate, and the next one.
//!
//! Files are looked at with a handshake or a scrape of the metrics, at most once a second: whoever needs
//! the new certificate is served with it, and an idle process sleeps. A path is followed each time, so that
//! the symbolic link counts which Kubernetes swaps.

mod certificate;
mod peer;

use std::{
    fmt::Display,
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, UNIX_EPOCH},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};
use rustls::ServerConfig;

use self::certificate::{Certificate, Files};
pub use self::peer::PeerCertificates;
use crate::{
    clock,
    settings::{Effective, Invalid},
};

/// How often at most the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The certificate that the public port shows, and what there is to know of it.
#[derive(Debug)]
pub(crate) struct Tls {
    files: Files,
    current: Mutex<Current>,
    failed_handshakes: AtomicU64,
    failed_reloads: AtomicU64,
}

#[derive(Debug)]
struct Current {
    certificate: Certificate,
    stamps: Stamps,
    looked: Instant,
}

/// What tells one version of a file from another, for each of them; `None` is a file that cannot be looked at.
type Stamps = [Option<Stamp>; 3];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    modified: (i64, i64),
    length: u64,
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        file: (metadata.dev(), metadata.ino()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        length: metadata.len(),
    })
}

impl Tls {
    /// Reads what `http.tls` names, if it names anything.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn load<S>(settings: &Effective<S>) -> Result<Option<Arc<Self>>, Invalid> {
        let Some(files) = Files::of(&settings.http.tls)? else {
            return Ok(None);
        };
        // Before they are read, so that a change meanwhile is seen.
        let stamps = files.stamps();
        let current = Current {
            certificate: Certificate::read(&files)?,
            stamps,
            looked: clock::now(),
        };
        Ok(Some(Arc::new(Self::serving(files, current))))
    }

    /// One that is not from files.
    #[cfg(test)]
    pub(crate) fn of(config: Arc<ServerConfig>) -> Arc<Self> {
        let files = Files::default();
        let current = Current {
            stamps: files.stamps(),
            certificate: Certificate::of(config),
            looked: clock::now(),
        };
        Arc::new(Self::serving(files, current))
    }

    fn serving(files: Files, current: Current) -> Self {
        Self {
            files,
            current: Mutex::new(current),
            failed_handshakes: AtomicU64::new(0),
            failed_reloads: AtomicU64::new(0),
        }
    }

    /// What a handshake that begins now is made by.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.with_current(|current| Arc::clone(&current.certificate.config))
    }

    /// Counts a handshake that came to nothing.
    pub(crate) fn count_failed(&self, why: impl Display) {
        tracing::debug!(%why, "a TLS handshake failed");
        self.failed_handshakes.fetch_add(1, Relaxed);
    }

    fn with_current<T>(&self, with: impl FnOnce(&Current) -> T) -> T {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        if now - current.looked >= LOOK {
            current.looked = now;
            self.look(&mut current);
        }
        with(&current)
    }

    fn look(&self, current: &mut Current) {
        let stamps = self.files.stamps();
        if stamps == current.stamps {
            return;
        }
        // Once for each version: a bad one is not read again and again.
        current.stamps = stamps;
        match Certificate::read(&self.files) {
            Ok(certificate) => {
                let expires = certificate.expires.to_string();
                current.certificate = certificate;
                tracing::info!(expires, "new connections are served with a new certificate");
            }
            Err(invalid) => {
                self.failed_reloads.fetch_add(1, Relaxed);
                let error = invalid.to_string();
                tracing::error!(
                    error,
                    "the new certificate cannot be used: the one before serves on"
                );
            }
        }
    }
}

/// The figures that are read only when somebody asks.
#[derive(Debug)]
pub(crate) struct Gauges(pub(crate) Arc<Tls>);

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let tls = &self.0;
        let expires = tls.with_current(|current| current.certificate.expires.to_system_time());
        // A certificate from before 1970 does not pass.
        let expires = expires.duration_since(UNIX_EPOCH).unwrap_or_default();
        let gauge = ConstGauge::new(expires.as_secs_f64());
        gauge.encode(encoder.encode_descriptor(
            "lastcall_tls_certificate_expires",
            "When the first certificate of the chain that is shown expires, since 1970",
            Some(&Unit::Seconds),
            gauge.metric_type(),
        )?)?;
        let counters = [
            (
                "lastcall_tls_reloads_failed",
                "New certificates that could not be used",
                &tls.failed_reloads,
            ),
            (
                "lastcall_tls_handshakes_failed",
                "Connections that ended in the middle of their TLS handshake",
                &tls.failed_handshakes,
            ),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value.load(Relaxed));
            counter.encode(encoder.encode_descriptor(
                name,
                help,
                None,
                counter.metric_type(),
            )?)?;
        }
        Ok(())
    }
}
