//! One arm's Deployment at work: real processes, led by the rules of [`super::deployment`].

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::address::AddressPool;
use super::controller::Controller;
use super::deployment::Spec;
use super::end::End;
use super::endpoints::Router;
use super::pod::Timing;
use super::program::Program;
use rehearse_client::Endpoints;
use rehearse_platform::{Happened, Ledger, Platform, PodId, Step};

/// How often the endpoint list is asked whether everything has arrived there.
const SETTLING: Duration = Duration::from_millis(20);

/// What a Deployment is made of.
pub struct Template {
    /// The container.
    pub program: Arc<Program>,
    /// Replicas, surge, unavailable.
    pub spec: Spec,
    /// For the pods that exist from the beginning.
    pub timing: Timing,
    /// Time to the first probe of all later pods, if it differs.
    pub replacement_first_probe: Duration,
    /// Where pods get their addresses.
    pub addresses: Arc<AddressPool>,
    /// Which pod `delete` takes.
    pub seed: u64,
}

/// What is asked of the controller.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    RollOut,
    Scale(usize),
    DeleteOne,
    Delete(PodId),
    /// The image of all pods from now on does not exist.
    Break,
    /// It is as before.
    Mend,
}

/// The Deployment's state as its controller publishes it.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// How many orders have been taken into account.
    pub observed: u64,
    /// Replicas wanted.
    pub replicas: usize,
    /// Ready pods of the current revision.
    pub current: usize,
    /// All pods not deleted, in order of creation.
    pub members: Vec<PodId>,
    /// Those of them that cannot start, because their image does not exist.
    pub broken: usize,
    /// Pods deleted and not yet gone.
    pub terminating: usize,
    /// A pod could not be started.
    pub fatal: Option<Arc<End>>,
}

impl Status {
    /// As many pods as wanted, all ready and of the current revision; the deleted ones may still
    /// be terminating.
    pub fn complete(&self) -> bool {
        self.current == self.replicas && self.members.len() == self.replicas
    }
}

/// A Deployment cannot be brought where it should be.
#[derive(Clone, Debug, Error)]
#[error("{end}{lines}\n  try it by hand: {by_hand}",
    lines = .end.stderr.iter().map(|l| format!("\n  | {l}")).collect::<String>())]
pub struct StartFailed {
    /// Which pod, and why.
    pub end: Arc<End>,
    /// A command line for the same program.
    pub by_hand: String,
}

/// A handle on a running Deployment.
pub struct Cluster {
    orders: mpsc::UnboundedSender<Order>,
    by_hand: String,
    ordered: u64,
    status: watch::Receiver<Status>,
    router: Arc<Router>,
    teardown: CancellationToken,
    controller: JoinHandle<Ledger>,
}

impl Cluster {
    /// Creates the Deployment's first pods.
    pub fn start(template: Template, router: Arc<Router>) -> Self {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (publish, status) = watch::channel(Status {
            replicas: template.spec.replicas,
            ..Status::default()
        });
        let teardown = CancellationToken::new();
        let by_hand = template.program.by_hand();
        let controller = Controller::new(template, Arc::clone(&router), publish, teardown.clone());
        let controller = tokio::spawn(controller.run(inbox));
        Self {
            orders,
            by_hand,
            ordered: 0,
            status,
            router,
            teardown,
            controller,
        }
    }

    /// One after the other, as a disruption budget with `maxUnavailable: 1` lets pods go.
    async fn evict(&mut self, pods: impl IntoIterator<Item = PodId>) -> Result<(), StartFailed> {
        for pod in pods {
            self.order(Order::Delete(pod));
            self.known().await?;
        }
        Ok(())
    }

    fn order(&mut self, order: Order) {
        self.ordered += 1;
        let _stopped = self.orders.send(order);
    }

    /// Waits until all wanted pods are ready and no other is left undeleted.
    ///
    /// # Errors
    /// If a pod cannot be started.
    async fn complete(&mut self) -> Result<(), StartFailed> {
        self.wait(Status::complete).await
    }

    /// Waits until, besides, no pod is terminating and the clients' node knows of every change.
    ///
    /// # Errors
    /// If a pod cannot be started.
    async fn gone(&mut self) -> Result<(), StartFailed> {
        self.wait(|status| status.complete() && status.terminating == 0)
            .await?;
        self.known().await
    }

    /// Waits until all wanted pods are ready, and the clients' node knows of every change so far.
    ///
    /// # Errors
    /// If a pod cannot be started.
    async fn known(&mut self) -> Result<(), StartFailed> {
        self.complete().await?;
        while !self.router.is_settled() {
            tokio::time::sleep(SETTLING).await;
        }
        Ok(())
    }

    async fn wait(&mut self, reached: impl Fn(&Status) -> bool) -> Result<(), StartFailed> {
        let ordered = self.ordered;
        let reached = |s: &Status| s.fatal.is_some() || s.observed == ordered && reached(s);
        let status = self.status.wait_for(reached).await;
        let fatal = status
            .expect("a controller publishes until it is stopped")
            .fatal
            .clone();
        fatal.map_or(Ok(()), |end| {
            let by_hand = self.by_hand.clone();
            Err(StartFailed { end, by_hand })
        })
    }

    /// Ends every process, waits until each is gone, and returns how those ended that were
    /// deleted before.
    ///
    /// # Panics
    /// If the controller has panicked.
    async fn stop(self) -> Ledger {
        self.teardown.cancel();
        self.controller
            .await
            .expect("the controller does not panic")
    }
}

impl Platform for Cluster {
    type Error = StartFailed;

    async fn ready(&mut self) -> Result<(), StartFailed> {
        self.gone().await
    }

    fn endpoints(&self) -> Arc<dyn Endpoints> {
        Arc::<Router>::clone(&self.router)
    }

    async fn take(&mut self, step: Step) -> Result<(), StartFailed> {
        match step {
            Step::RollOut => self.order(Order::RollOut),
            Step::ScaleTo(replicas) => self.order(Order::Scale(replicas)),
            Step::Delete => {
                self.order(Order::DeleteOne);
                return self.known().await;
            }
            Step::Evict => {
                let oldest = self.status.borrow().members.first().copied();
                return self.evict(oldest).await;
            }
            Step::DrainNode => {
                let pods = self.status.borrow().members.clone();
                return self
                    .evict(pods.into_iter().filter(is_on_drained_node))
                    .await;
            }
            Step::BrokenImage => {
                self.order(Order::Break);
                self.wait(|status| status.broken > 0).await?;
                self.order(Order::Mend);
            }
        }
        self.complete().await
    }

    async fn settled(&mut self) -> Result<(), StartFailed> {
        self.gone().await
    }

    async fn end(self) -> Happened {
        let endpoints = self.router.take_history();
        Happened {
            endpoints,
            pods: self.stop().await,
        }
    }
}

/// Pods are placed on two nodes by turns; one of them is drained.
fn is_on_drained_node(pod: &PodId) -> bool {
    pod.is_multiple_of(2)
}

#[cfg(test)]
#[path = "cluster_tests.rs"]
mod tests;
