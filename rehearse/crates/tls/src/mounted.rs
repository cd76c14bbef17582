//! A certificate in a folder, as the kubelet keeps a Secret: files that are links into `..data`, which
//! is a link itself, and is replaced at one stroke.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use super::authority::Issued;

/// The keys of a Secret of the type `kubernetes.io/tls`.
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// What the files' links lead through, and what takes its place.
const DATA: &str = "..data";
const NEXT: &str = "..data_tmp";

/// How many folders this process has made.
static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A folder, which is removed with this.
#[derive(Debug)]
pub struct Mounted {
    folder: PathBuf,
    /// The folder that the links lead to, by its number.
    version: Mutex<u32>,
}

impl Mounted {
    /// A new folder under the system's temporary one, with this certificate.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn new(name: &str, issued: &Issued) -> io::Result<Self> {
        let (process, folder) = (std::process::id(), FOLDERS.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("{name}-{process}-{folder}"));
        let version = Mutex::new(0);
        // Nobody else is to read the key.
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let mounted = Self { folder, version };
        mounted.exchange(issued)?;
        for file in [CERTIFICATE, KEY] {
            symlink(Path::new(DATA).join(file), mounted.folder.join(file))?;
        }
        Ok(mounted)
    }

    /// Puts another certificate in the place of this one, with its key, in one step.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn exchange(&self, issued: &Issued) -> io::Result<()> {
        let mut version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.folder.join(format!("..{version}"));
        *version += 1;
        let new = format!("..{version}");
        let folder = self.folder.join(&new);
        fs::create_dir(&folder)?;
        write(&folder.join(CERTIFICATE), &issued.certificate)?;
        write(&folder.join(KEY), &issued.key)?;
        symlink(new, self.folder.join(NEXT))?;
        fs::rename(self.folder.join(NEXT), self.folder.join(DATA))?;
        match fs::remove_dir_all(old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Where the certificate is.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    /// Where its key is.
    pub fn key(&self) -> PathBuf {
        self.folder.join(KEY)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // What cannot be removed is the system's to remove.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}
