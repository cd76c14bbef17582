//! Signals become notices to the driver.

use std::{io, sync::Arc};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    control::{Control, Notice},
    kernel,
    lifecycle::Cause,
};

/// The signals that tell a process to go, caught from here on.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    quit: Signal,
    interrupt: Signal,
    /// None where it was inherited as ignored.
    hangup: Option<Signal>,
}

impl Signals {
    /// Catches them. This comes before anything else in a process, its settings included: process
    /// 1 of a container has no default handlers, so that without these a SIGTERM would be ignored.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn catch() -> io::Result<Self> {
        let ignored = kernel::signals::hangup_is_ignored()?;
        let caught = Self {
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: (!ignored)
                .then(|| signal(SignalKind::hangup()))
                .transpose()?,
        };
        // Only now: one that has been waiting comes at once.
        kernel::signals::unblock()?;
        Ok(caught)
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Cause {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // kubelet's way, and everybody else's who stops a service.
            Some(()) = self.terminate.recv() => Cause::Sigterm,
            // What some images name as their STOPSIGNAL.
            Some(()) = self.quit.recv() => Cause::Sigquit,
            // Ctrl+C: somebody at a terminal wants to go on.
            Some(()) = self.interrupt.recv() => Cause::Sigint,
            // The terminal has gone.
            Some(()) = hangup => Cause::Sighup,
            // The streams end only with the runtime that drives this future.
            else => std::future::pending().await,
        }
    }

    /// Passes them on for as long as the process lives.
    pub(crate) async fn forward(mut self, control: Arc<Control>) {
        loop {
            control.notify(Notice::Terminate(self.next().await));
        }
    }
}
