//! What the clients of one plan have in common, the books above all.

use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::failure::{Example, FailureKind, Fault};
use super::outcome::Outcome;
use super::{Endpoints, Plan, Progress};

/// What the clients of one plan have in common.
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: CancellationToken,
    pub(super) endpoints: Arc<dyn Endpoints>,
    pub(super) started: Instant,
    pub(super) stopped: OnceLock<Instant>,
    outcome: Mutex<Outcome>,
}

impl Shared {
    pub(super) fn new(
        plan: Plan,
        endpoints: Arc<dyn Endpoints>,
        progress: Arc<Progress>,
        stop: CancellationToken,
    ) -> Self {
        let (started, stopped) = (Instant::now(), OnceLock::new());
        Self {
            plan,
            progress,
            stop,
            endpoints,
            started,
            stopped,
            outcome: Mutex::default(),
        }
    }

    /// Writes into the books: one set for all clients, as a histogram takes 170 KB.
    pub(super) fn tally(&self, entry: impl FnOnce(&mut Outcome)) {
        entry(&mut self.outcome.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn take_outcome(&self) -> Outcome {
        let mut taken = Outcome::default();
        self.tally(|outcome| mem::swap(outcome, &mut taken));
        taken
    }

    /// Where a new connection goes; the failure of a client that has nowhere to go.
    pub(super) fn pick(&self, peer: &mut Option<SocketAddr>) -> Result<SocketAddr, Fault> {
        *peer = self.endpoints.pick();
        peer.ok_or_else(|| Fault::new(FailureKind::ConnectRefused, "no endpoint"))
    }

    /// Enters how a request ended.
    pub(super) fn enter(
        &self,
        intended: Instant,
        peer: Option<SocketAddr>,
        result: Result<Instant, Fault>,
    ) {
        match result {
            Ok(answered) => {
                let latency = answered.saturating_duration_since(intended);
                self.tally(|outcome| outcome.record_complete(latency));
            }
            Err(Fault { kind, detail }) => {
                let at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
                let example = Example {
                    at_ms,
                    peer,
                    kind,
                    detail,
                };
                self.tally(|outcome| outcome.record_failure(example));
                self.progress.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.progress.requests.fetch_add(1, Ordering::Relaxed);
    }
}
