//! A network namespace.

use std::fs::File;
use std::io;
use std::panic::resume_unwind;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace without a name: it lasts as long as this, or a socket, thread or process in
/// it does.
#[derive(Debug)]
pub struct Namespace(File);

impl Namespace {
    /// A new one, with nothing in it but a loopback device that is down.
    pub(super) fn new() -> io::Result<Self> {
        // On a thread of its own, which ends in it: there may be no way back for this one.
        apart(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net").map(Self)
        })
    }

    /// Moves the calling thread here. Threads and processes that it starts from now on are here,
    /// too; sockets that it has stay where they were made.
    ///
    /// # Errors
    /// If this process may not.
    pub fn enter(&self) -> io::Result<()> {
        Ok(setns(&self.0, CloneFlags::CLONE_NEWNET)?)
    }

    /// Does something here, on a thread of its own.
    ///
    /// # Errors
    /// If this process may not enter.
    ///
    /// # Panics
    /// If `what` does.
    pub fn run<T: Send>(&self, what: impl FnOnce() -> T + Send) -> io::Result<T> {
        apart(|| self.enter().map(|()| what()))
    }
}

fn apart<T: Send>(what: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        scope
            .spawn(what)
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic))
    })
}
