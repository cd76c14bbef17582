//! The loop that leads a Deployment's pods: orders and events in, actions on pods out.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::address::PodAddress;
use super::cluster::{Order, Status, Template};
use super::deployment::{Action, Spec, reconcile};
use super::end::{self, Cause, End};
use super::endpoints::Router;
use super::pod::{Event, Pod, Timing};
use super::roster::{Live, Roster};
use rehearse_platform::{Condition, Ledger, PodChange, PodEvent, PodId};

pub(crate) struct Controller {
    template: Template,
    spec: Spec,
    revision: u32,
    pods: Roster,
    last: PodId,
    tasks: JoinSet<()>,
    events: (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>),
    router: Arc<Router>,
    publish: watch::Sender<Status>,
    teardown: CancellationToken,
    choice: fastrand::Rng,
    ledger: Ledger,
    observed: u64,
    /// Whether pods of the current revision cannot start.
    broken: bool,
    fatal: Option<Arc<End>>,
}

impl Controller {
    pub(crate) fn new(
        template: Template,
        router: Arc<Router>,
        publish: watch::Sender<Status>,
        teardown: CancellationToken,
    ) -> Self {
        Self {
            spec: template.spec,
            choice: fastrand::Rng::with_seed(template.seed),
            template,
            revision: 1,
            pods: Roster::default(),
            last: 0,
            tasks: JoinSet::new(),
            events: mpsc::unbounded_channel(),
            router,
            publish,
            teardown,
            ledger: Ledger::default(),
            observed: 0,
            broken: false,
            fatal: None,
        }
    }

    pub(crate) async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) -> Ledger {
        loop {
            self.reconcile();
            self.publish();
            tokio::select! {
                () = self.teardown.cancelled() => break,
                Some(event) = self.events.1.recv() => self.on_event(event),
                order = orders.recv() => match order {
                    Some(order) => self.on_order(order),
                    None => break,
                },
                Some(_gone) = self.tasks.join_next() => {}
            }
        }
        self.teardown.cancel();
        while self.tasks.join_next().await.is_some() {}
        while let Ok(event) = self.events.1.try_recv() {
            self.on_event(event);
        }
        self.ledger
    }

    fn reconcile(&mut self) {
        // After a pod that could not be started the run is over: no more of the same.
        while self.fatal.is_none() {
            let actions = reconcile(self.spec, self.revision, &self.pods.members());
            if actions.is_empty() {
                return;
            }
            for action in actions {
                match action {
                    Action::Create => self.create(),
                    Action::Delete(id) => self.delete(id),
                }
            }
        }
    }

    fn create(&mut self) {
        self.last += 1;
        let id = self.last;
        let address = match self.template.addresses.next() {
            Ok(address) => address,
            Err(error) => {
                self.fatal = Some(Arc::new(End::not_started(id, &error)));
                return;
            }
        };
        if self.broken {
            self.create_broken(id, address);
            return;
        }
        let first_probe = match self.ledger.created < self.template.spec.replicas as u64 {
            true => self.template.timing.first_probe,
            false => self.template.replacement_first_probe,
        };
        self.ledger.created += 1;
        let deleted = CancellationToken::new();
        let pod = Pod {
            id,
            address,
            program: Arc::clone(&self.template.program),
            timing: Timing {
                first_probe,
                ..self.template.timing
            },
            deleted: deleted.clone(),
            teardown: self.teardown.clone(),
            events: self.events.0.clone(),
        };
        self.tasks.spawn(pod.live());
        self.note(id, &address, PodChange::Created);
        self.pods.insert(
            id,
            Live {
                revision: self.revision,
                ready: false,
                address,
                deleted,
                broken: false,
            },
        );
    }

    /// A pod whose image cannot be had: it is there, never gets ready, and nothing runs in it.
    fn create_broken(&mut self, id: PodId, address: PodAddress) {
        let pod = Live {
            revision: self.revision,
            ready: false,
            address,
            deleted: CancellationToken::new(),
            broken: true,
        };
        self.pods.insert(id, pod);
    }

    /// Deletion: the endpoint is not ready from this moment on, whatever the probe says, and
    /// preStop or SIGTERM are on their way; nothing orders the two.
    fn delete(&mut self, id: PodId) {
        let Some(pod) = self.pods.get(&id) else {
            return;
        };
        pod.deleted.cancel();
        if pod.broken {
            self.pods.remove(&id);
            return;
        }
        let address = pod.address;
        self.ledger.deleted += 1;
        self.note(id, &address, PodChange::Deleted);
        self.announce(id);
    }

    fn note(&mut self, pod: PodId, address: &PodAddress, what: PodChange) {
        self.ledger.history.push(PodEvent {
            pod,
            address: address.http,
            at: Instant::now(),
            what,
            detail: None,
        });
    }

    fn announce(&self, id: PodId) {
        let Some(pod) = self.pods.get(&id) else {
            return;
        };
        self.router.announce(id, pod.address.http, pod.condition());
    }

    fn on_order(&mut self, order: Order) {
        self.observed += 1;
        match order {
            Order::RollOut => self.revision += 1,
            Order::Scale(replicas) => self.spec.replicas = replicas,
            Order::DeleteOne => {
                if let Some(victim) = self.choice.choice(self.pods.members()) {
                    self.delete(victim.id);
                }
            }
            Order::Delete(pod) => self.delete(pod),
            Order::Break => {
                self.revision += 1;
                self.broken = true;
            }
            Order::Mend => {
                self.revision -= 1;
                self.broken = false;
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Readiness(id, ready) => {
                if let Some(pod) = self.pods.get_mut(&id) {
                    pod.ready = ready;
                    let (address, what) = match ready {
                        true => (pod.address, PodChange::Ready),
                        false => (pod.address, PodChange::Unready),
                    };
                    self.note(id, &address, what);
                    self.announce(id);
                }
            }
            Event::Happened(event) => self.ledger.history.push(event),
            Event::Ended(end) => {
                if let Some(pod) = self.pods.remove(&end.pod) {
                    self.router
                        .announce(end.pod, pod.address.http, Condition::Gone);
                }
                if matches!(end.cause, Cause::NeverReady(_)) {
                    self.fatal.get_or_insert_with(|| Arc::new((*end).clone()));
                }
                let may_die_of_sigterm = self.template.program.may_die_of_sigterm;
                end::enter(&mut self.ledger, *end, may_die_of_sigterm);
            }
        }
    }

    fn publish(&self) {
        let members = self.pods.members();
        let current = members
            .iter()
            .filter(|member| member.ready && member.revision == self.revision);
        self.publish.send_replace(Status {
            observed: self.observed,
            replicas: self.spec.replicas,
            current: current.count(),
            broken: self.pods.values().filter(|pod| pod.broken).count(),
            terminating: self.pods.len() - members.len(),
            members: members.iter().map(|member| member.id).collect(),
            fatal: self.fatal.clone(),
        });
    }
}
