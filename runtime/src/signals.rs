//! Signals become notices to the driver, or change what is logged.

use std::{io, sync::Arc};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    control::{Control, Notice},
    kernel,
    lifecycle::Cause,
    telemetry::LogLevel,
};

/// The signals that tell a process to go, or to log more or less, caught from here on.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    quit: Signal,
    interrupt: Signal,
    /// None where it was inherited as ignored.
    hangup: Option<Signal>,
    more: Signal,
    less: Signal,
}

/// What a signal means.
enum Heard {
    Go(Cause),
    Log { more: bool, by: &'static str },
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
            more: signal(SignalKind::user_defined1())?,
            less: signal(SignalKind::user_defined2())?,
        };
        // Only now: one that has been waiting comes at once.
        kernel::signals::unblock()?;
        Ok(caught)
    }

    /// Waits for the next one that tells the process to go.
    pub(crate) async fn next(&mut self) -> Cause {
        loop {
            match self.any().await {
                Heard::Go(cause) => return cause,
                Heard::Log { more, by } => {
                    if let Some(log) = LogLevel::current() {
                        log.step(more, by);
                    }
                }
            }
        }
    }

    async fn any(&mut self) -> Heard {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // kubelet's way, and everybody else's who stops a service.
            Some(()) = self.terminate.recv() => Heard::Go(Cause::Sigterm),
            // What some images name as their STOPSIGNAL.
            Some(()) = self.quit.recv() => Heard::Go(Cause::Sigquit),
            // Ctrl+C: somebody at a terminal wants to go on.
            Some(()) = self.interrupt.recv() => Heard::Go(Cause::Sigint),
            // The terminal has gone.
            Some(()) = hangup => Heard::Go(Cause::Sighup),
            Some(()) = self.more.recv() => Heard::Log { more: true, by: "SIGUSR1" },
            Some(()) = self.less.recv() => Heard::Log { more: false, by: "SIGUSR2" },
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
