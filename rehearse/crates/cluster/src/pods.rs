//! The namespace's pods, and what was seen of each.
//!
//! The watch must be there before a pod ends: a terminated pod's termination message, with its drain
//! report, can be read for 0.2 to 0.7 s, then the pod is gone. Everything else that a rehearsal waits
//! for is read from it, too, so nothing asks again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::followed::{Change, Store};
use rehearse_kubernetes::Pod;
use rehearse_platform::PodChange;

/// A pod and what was seen of it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Its latest state.
    pub(super) pod: Arc<Pod>,
    /// Since when it has been ready, by this machine's clock.
    pub(super) ready_since: Option<Instant>,
    /// When it was first seen, became ready or unready, and was deleted.
    pub(super) moments: Vec<(Instant, PodChange)>,
    /// Since when a container of it had ended, and the latest state that tells how.
    pub(super) ended: Option<(Instant, Arc<Pod>)>,
    /// Its containers that were ever started.
    started: BTreeSet<String>,
}

impl Seen {
    /// A pod in its first known state.
    pub(super) fn new(pod: Pod, now: Instant) -> Self {
        let first = Self {
            pod: Arc::default(),
            ready_since: None,
            moments: vec![(now, PodChange::Created)],
            ended: None,
            started: BTreeSet::new(),
        };
        first.updated(pod, now)
    }

    /// When it was first seen.
    pub(super) fn first_seen(&self) -> Option<Instant> {
        self.moments.first().map(|(at, _)| *at)
    }

    /// Whether a container of it was ever started.
    pub(super) fn has_run(&self, container: &str) -> bool {
        self.started.contains(container)
    }

    /// The same pod in its next state.
    fn updated(mut self, pod: Pod, now: Instant) -> Self {
        let (was_ready, is_ready) = (self.ready_since.is_some(), pod.is_ready());
        let changes = [
            (is_ready && !was_ready, PodChange::Ready),
            (was_ready && !is_ready, PodChange::Unready),
            (
                pod.is_leaving() && !self.pod.is_leaving(),
                PodChange::Deleted,
            ),
        ];
        let new = changes.into_iter().filter(|(happened, _)| *happened);
        self.moments.extend(new.map(|(_, what)| (now, what)));
        self.ready_since = is_ready.then(|| self.ready_since.unwrap_or(now));
        self.started.extend(pod.started().map(str::to_owned));
        self.pod = Arc::new(pod);
        if self.pod.has_ended() {
            let since = self.ended.map_or(now, |(since, _)| since);
            self.ended = Some((since, Arc::clone(&self.pod)));
        }
        self
    }
}

/// A pod that is gone, and had run.
#[derive(Clone, Debug)]
pub(super) struct Gone {
    /// What was seen of it.
    pub(super) seen: Seen,
    /// When it was found to be gone.
    pub(super) at: Instant,
}

/// The pods of the namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Pods {
    /// Those that are there, by name.
    pub(super) present: BTreeMap<String, Seen>,
    /// Those that have gone since they were last taken.
    pub(super) gone: Vec<Gone>,
}

impl Pods {
    fn see(&mut self, pod: Pod, now: Instant) {
        let name = pod.name().to_owned();
        let seen = match self.present.remove(&name) {
            Some(before) => before.updated(pod, now),
            None => Seen::new(pod, now),
        };
        self.present.insert(name, seen);
    }

    fn lose(&mut self, name: &str, now: Instant) {
        let seen = self
            .present
            .remove(name)
            .filter(|seen| !seen.started.is_empty());
        self.gone.extend(seen.map(|seen| Gone { seen, at: now }));
    }
}

impl Store for Pods {
    type Object = Pod;

    fn path(namespace: &str) -> String {
        format!("/api/v1/namespaces/{namespace}/pods")
    }

    fn apply(&mut self, change: Change<Pod>, now: Instant) {
        match change {
            Change::Listed(pods) => {
                let listed: BTreeSet<&str> = pods.iter().map(Pod::name).collect();
                let present = self.present.keys();
                let missing = present.filter(|name| !listed.contains(name.as_str()));
                let missing: Vec<String> = missing.cloned().collect();
                missing.iter().for_each(|name| self.lose(name, now));
                pods.into_iter().for_each(|pod| self.see(pod, now));
            }
            Change::Applied(pod) => self.see(pod, now),
            Change::Deleted(pod) => {
                let name = pod.name().to_owned();
                self.see(pod, now);
                self.lose(&name, now);
            }
        }
    }
}

#[cfg(test)]
#[path = "pods_tests.rs"]
mod tests;
