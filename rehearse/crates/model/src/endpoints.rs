//! The endpoint list as a client's node knows it: late, and without asking the pod.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::propagation::Propagation;
use rehearse_client::Endpoints;
use rehearse_platform::{Condition, EndpointEvent, PodId};

struct Entry {
    address: SocketAddr,
    known: Condition,
}

/// A change on its way.
struct Change {
    visible_at: Instant,
    pod: PodId,
    entry: Entry,
}

/// What one node knows of a Service's endpoints, as a function of the changes and of time.
#[derive(Default)]
pub struct EndpointList {
    entries: BTreeMap<PodId, Entry>,
    /// In order of arrival.
    coming: VecDeque<Change>,
}

impl EndpointList {
    /// Takes note that `pod` is in this condition, which the node knows from `visible_at` on: or
    /// later, because changes never overtake one another. An EndpointSlice is sent as a whole, so
    /// a node that knows of a deletion knows of the replacement that the deletion waited for. Returns
    /// when it knows.
    pub fn change(
        &mut self,
        pod: PodId,
        address: SocketAddr,
        condition: Condition,
        visible_at: Instant,
    ) -> Instant {
        let last = self.coming.back().map(|last| last.visible_at);
        let visible_at = last.map_or(visible_at, |last| last.max(visible_at));
        self.coming.push_back(Change {
            visible_at,
            pod,
            entry: Entry {
                address,
                known: condition,
            },
        });
        visible_at
    }

    /// The addresses that a new connection may be sent to at `now`: those known to be ready; if
    /// there are none, those known to be terminating and serving (KEP-1669).
    pub fn candidates(&mut self, now: Instant) -> Vec<SocketAddr> {
        self.advance(now);
        let known = |wanted: Condition| -> Vec<SocketAddr> {
            let entries = self.entries.values().filter(|entry| entry.known == wanted);
            entries.map(|entry| entry.address).collect()
        };
        let ready = known(Condition::Ready);
        if ready.is_empty() {
            known(Condition::Terminating)
        } else {
            ready
        }
    }

    /// Whether every change has arrived by `now`.
    pub fn is_settled(&mut self, now: Instant) -> bool {
        self.advance(now);
        self.coming.is_empty()
    }

    fn advance(&mut self, now: Instant) {
        while let Some(change) = self.coming.pop_front_if(|change| change.visible_at <= now) {
            match change.entry.known {
                Condition::Gone => self.entries.remove(&change.pod),
                _ => self.entries.insert(change.pod, change.entry),
            };
        }
    }
}

/// Sends each new connection to one of the endpoints known at that moment, at random, as
/// kube-proxy's DNAT does; no proxy stands in between.
pub struct Router {
    state: Mutex<State>,
    propagation: Propagation,
    seed: u64,
}

struct State {
    list: EndpointList,
    /// How many changes each pod has had: part of what its delays are drawn from.
    changes: BTreeMap<PodId, u32>,
    history: Vec<EndpointEvent>,
    choice: fastrand::Rng,
}

impl Router {
    /// A router that knows no endpoint yet.
    pub fn new(propagation: Propagation, seed: u64) -> Arc<Self> {
        let state = State {
            list: EndpointList::default(),
            changes: BTreeMap::new(),
            history: Vec::new(),
            choice: fastrand::Rng::with_seed(seed),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            propagation,
            seed,
        })
    }

    /// Announces a change now; it becomes known after a delay drawn for this pod and change, and not
    /// before the changes announced before it. Returns that delay.
    pub fn announce(&self, pod: PodId, address: SocketAddr, condition: Condition) -> Duration {
        let mut state = self.lock();
        let nth = state.changes.entry(pod).or_default();
        let delay = self.propagation.draw(self.seed, pod, *nth);
        *nth += 1;
        if condition == Condition::Gone {
            state.changes.remove(&pod);
        }
        let announced = Instant::now();
        let known = state
            .list
            .change(pod, address, condition, announced + delay);
        state.history.push(EndpointEvent {
            pod,
            announced,
            known,
            condition,
        });
        delay
    }

    /// Every change so far, in the order in which they were announced.
    pub fn take_history(&self) -> Vec<EndpointEvent> {
        std::mem::take(&mut self.lock().history)
    }

    /// Whether every change announced so far is known.
    pub fn is_settled(&self) -> bool {
        self.lock().list.is_settled(Instant::now())
    }

    /// How many endpoints a new connection could be sent to now.
    pub fn candidates(&self) -> usize {
        self.lock().list.candidates(Instant::now()).len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half-way through a change, so a poisoned list is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Endpoints for Router {
    fn pick(&self) -> Option<SocketAddr> {
        let mut state = self.lock();
        let candidates = state.list.candidates(Instant::now());
        state.choice.choice(candidates)
    }
}

#[cfg(test)]
#[path = "endpoints_tests.rs"]
mod tests;
