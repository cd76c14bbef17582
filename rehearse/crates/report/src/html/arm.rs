//! An arm of a scenario: what its clients and pods did.

use std::collections::HashMap;

use super::line::{Connection, Ended, Endpoint, Outcome, Pod, Request};
use super::pods::{Life, Phase};
use super::routing;
use super::stats::Latencies;

/// An arm of a scenario.
#[derive(Debug, Default)]
pub(super) struct Arm<'a> {
    pub(super) name: &'a str,
    pub(super) requests: Vec<&'a Request>,
    pub(super) connections: Vec<&'a Connection>,
    /// In the order of their numbers.
    pub(super) pods: Vec<Life<'a>>,
    /// In the order of their time.
    pub(super) failures: Vec<Failure<'a>>,
    pub(super) latencies: Latencies,
    pub(super) endpoints: Vec<&'a Endpoint>,
}

/// A failed request.
#[derive(Debug)]
pub(super) struct Failure<'a> {
    pub(super) request: &'a Request,
    /// The index of the pod that it went to.
    pub(super) pod: Option<usize>,
}

impl<'a> Arm<'a> {
    pub(super) fn named(name: &'a str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    pub(super) fn change(&mut self, pod: &'a Pod) {
        let known = self.pods.iter().rposition(|life| life.number == pod.pod);
        let index = known.unwrap_or_else(|| {
            self.pods.push(Life::new(pod.pod, &pod.address));
            self.pods.len() - 1
        });
        self.pods[index].change(pod);
    }

    /// Puts together what was said of it, once all has been.
    pub(super) fn finish(&mut self) {
        self.pods.sort_by_key(|life| life.number);
        self.endpoints
            .sort_by(|a, b| a.known_ms.total_cmp(&b.known_ms));
        let mut routed = routing::routed(&self.endpoints);
        for life in &mut self.pods {
            life.routed = routed.remove(&life.number).unwrap_or_default();
        }
        let complete = |r: &&&Request| r.outcome == Outcome::Complete;
        let latencies = self.requests.iter().filter(complete).map(|r| latency(r));
        self.latencies = Latencies::of(latencies.collect());
        self.failures = self.failures();
    }

    fn failures(&self) -> Vec<Failure<'a>> {
        let mut by_address: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, life) in self.pods.iter().enumerate() {
            by_address.entry(life.address).or_default().push(index);
        }
        let failed = self
            .requests
            .iter()
            .filter(|r| r.outcome == Outcome::Failed);
        let mut failures: Vec<Failure<'a>> = failed
            .map(|request| Failure {
                request,
                pod: self.pod_of(request, &by_address),
            })
            .collect();
        failures.sort_by(|a, b| a.request.ended_ms.total_cmp(&b.request.ended_ms));
        failures
    }

    /// The pod with the request's address: of several, the last one created by then.
    fn pod_of(&self, request: &Request, pods: &HashMap<&str, Vec<usize>>) -> Option<usize> {
        let peer = request.peer.as_deref()?;
        let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host);
        let candidates = pods.get(peer).or_else(|| pods.get(host))?;
        let mut by_then = candidates.iter().rev();
        let last = by_then.find(|index| self.pods[**index].begin() <= request.ended_ms);
        last.or(candidates.first()).copied()
    }

    /// The name as it is spoken of.
    pub(super) fn spoken(&self) -> &'a str {
        match self.name {
            "usual" => "usual practice",
            name => name,
        }
    }

    /// Its class in the style sheet.
    pub(super) fn class(&self) -> &'static str {
        match self.name {
            "control" => "control",
            "usual" => "usual",
            "service" => "service",
            _ => "other",
        }
    }

    pub(super) fn pod(&self, failure: &Failure) -> Option<&Life<'a>> {
        failure.pod.and_then(|index| self.pods.get(index))
    }

    pub(super) fn phase(&self, failure: &Failure) -> Option<Phase> {
        let pod = self.pod(failure)?;
        Some(pod.phase(failure.request.ended_ms))
    }

    pub(super) fn unjudged(&self) -> usize {
        let unjudged = |r: &&&Request| r.outcome == Outcome::Unjudged;
        self.requests.iter().filter(unjudged).count()
    }

    pub(super) fn unannounced(&self) -> usize {
        let unannounced = |c: &&&Connection| c.ended == Some(Ended::Unannounced);
        self.connections.iter().filter(unannounced).count()
    }

    pub(super) fn crossed(&self) -> usize {
        self.requests.iter().filter(|r| r.crossed).count()
    }
}

impl Failure<'_> {
    /// The name of its kind.
    pub(super) fn kind(&self) -> &str {
        self.request.failure.as_deref().unwrap_or("unknown")
    }
}

/// From when it was due.
pub(super) fn latency(request: &Request) -> f64 {
    (request.ended_ms - request.intended_ms).max(0.0)
}
