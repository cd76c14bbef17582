//! Signals become notices to the driver.

use std::{io, sync::Arc};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    control::{Control, Notice},
    lifecycle::Cause,
};

/// The signals that tell a process to go, caught from here on.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them. This comes before anything else in a process, its settings included: process
    /// 1 of a container has no default handlers, so that without these a SIGTERM would be ignored.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Cause {
        tokio::select! {
            // kubelet's way, and everybody else's who stops a service.
            Some(()) = self.terminate.recv() => Cause::Sigterm,
            // Ctrl+C: somebody at a terminal wants to go on.
            Some(()) = self.interrupt.recv() => Cause::Sigint,
            // The streams end only with the runtime that drives this future.
            else => std::future::pending().await,
        }
    }

    /// Passes them on for as long as the process lives.
    pub(crate) async fn forward(mut self, control: Arc<Control>) {
        loop {
            control.notify(Notice::Told(self.next().await));
        }
    }
}
