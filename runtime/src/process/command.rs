//! A subcommand of the service's own, from its settings to its exit code.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::fail;
use crate::{
    exit::Exit,
    settings::{Command, Effective},
    signals::Signals,
    threads::Thread,
};

/// Runs it on a thread of its own, so that a signal ends it even where it blocks.
pub(super) async fn run<S>(
    mut signals: Signals,
    command: Command<S>,
    settings: Effective<S>,
) -> Exit
where
    S: Send + 'static,
{
    let Command { name, run, .. } = command;
    let (send, end) = oneshot::channel();
    let blocking_threads = settings.http.blocking_threads as usize;
    let thread = Thread::start(name, blocking_threads, move || {
        actix_rt::spawn(async move {
            let end = AssertUnwindSafe(run(settings.service)).catch_unwind();
            // Nobody waits for it any more if there was a signal.
            let _ = send.send(end.await);
        });
    });
    let _thread = match thread {
        Ok(thread) => thread,
        Err(error) => return fail(Exit::OsErr, error),
    };
    tokio::select! {
        end = end => match end {
            Ok(Ok(Ok(()))) => Exit::Ok,
            Ok(Ok(Err(error))) => {
                tracing::error!(error = format!("{error:#}"), "{name} failed");
                Exit::Unavailable
            }
            // The panic is in the log.
            Ok(Err(_)) | Err(_) => Exit::Software,
        },
        cause = signals.next() => {
            tracing::warn!(?cause, "{name} was ended by a signal");
            Exit::Aborted
        }
    }
}
