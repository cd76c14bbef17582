//! Ctrl+C while something is waited for on the cluster.

use thiserror::Error;
use tokio_util::sync::CancellationToken;

/// The run has been ended early.
#[derive(Clone, Copy, Debug, Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

/// Work that ends where it is when it is interrupted: what it has changed is in the journal.
///
/// # Errors
/// [`Interrupted`], and the work's own.
pub(super) async fn unless<T>(
    interrupt: &CancellationToken,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        biased;
        () = interrupt.cancelled() => Err(Interrupted.into()),
        done = work => done,
    }
}
