//! The interface.

use std::sync::Arc;

use rehearse_client::Endpoints;

use super::{EndpointEvent, Ledger, Step};

/// A Deployment, what leads clients to it, and who replaces its pods.
#[expect(
    async_fn_in_trait,
    reason = "arms run side by side in one task, so nothing has to be Send"
)]
pub trait Platform {
    /// Why it cannot be brought where it should be.
    type Error;

    /// Waits until its first pods serve, and the clients' nodes know of them.
    ///
    /// # Errors
    /// If a pod does not start.
    async fn ready(&mut self) -> Result<(), Self::Error>;

    /// Where its clients connect.
    fn endpoints(&self) -> Arc<dyn Endpoints>;

    /// Takes a step, and waits until the pods that it brings serve. Those that it sends away may still
    /// be leaving.
    ///
    /// # Errors
    /// If a pod does not start, or the platform refuses.
    async fn take(&mut self, step: Step) -> Result<(), Self::Error>;

    /// Waits until every pod that was replaced has gone, and the clients' nodes know it.
    ///
    /// # Errors
    /// If a pod does not start, or that takes too long.
    async fn settled(&mut self) -> Result<(), Self::Error>;

    /// Ends what was started for it, and hands back what happened.
    async fn end(self) -> Happened;
}

/// What happened to an arm's pods and endpoints.
#[derive(Debug, Default)]
pub struct Happened {
    /// Pods.
    pub pods: Ledger,
    /// Endpoints.
    pub endpoints: Vec<EndpointEvent>,
}
