//! The namespace's EndpointSlices: what the nodes are told of each pod. When a node has learnt of it
//! the API server does not show.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::followed::{Change, Store};
use rehearse_kubernetes::{Endpoint, EndpointSlice, Object as _};
use rehearse_platform::Condition;

/// The label of a slice with the name of its Service.
const SERVICE: &str = "kubernetes.io/service-name";

/// Pods by name.
type Conditions = BTreeMap<String, Condition>;

#[derive(Debug, Default)]
struct Slice {
    service: String,
    pods: Conditions,
}

/// A pod's endpoint has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EndpointChange {
    /// When that was seen.
    pub(super) at: Instant,
    /// Whose endpoint.
    pub(super) pod: String,
    /// What it is from then on.
    pub(super) condition: Condition,
    service: String,
}

/// The endpoints of all Services.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    slices: BTreeMap<String, Slice>,
    changes: Vec<EndpointChange>,
}

impl Endpoints {
    /// The endpoints of a Service.
    pub(super) fn of(&self, service: &str) -> impl Iterator<Item = (&str, Condition)> {
        let slices = self.slices.values().filter(move |s| s.service == service);
        slices.flat_map(|slice| slice.pods.iter().map(|(pod, of)| (pod.as_str(), *of)))
    }

    /// Forgets what has changed so far: a scenario begins, with the endpoints that there are.
    pub(super) fn begin(&mut self, now: Instant) {
        self.changes.clear();
        let slices = std::mem::take(&mut self.slices);
        for (name, slice) in slices {
            self.replace(name, slice, now);
        }
    }

    /// What has changed of a Service's endpoints since then.
    pub(super) fn changes(&self, service: &str) -> impl Iterator<Item = &EndpointChange> {
        self.changes.iter().filter(move |c| c.service == service)
    }

    fn replace(&mut self, name: String, slice: Slice, now: Instant) {
        let before = self.slices.remove(&name).unwrap_or_default();
        let service = match slice.service.is_empty() {
            true => before.service.clone(),
            false => slice.service.clone(),
        };
        let changed = |(pod, of): &(&String, &Condition)| before.pods.get(*pod) != Some(of);
        let changed = slice.pods.iter().filter(changed);
        let gone = |pod: &&String| !slice.pods.contains_key(*pod);
        let gone = before
            .pods
            .keys()
            .filter(gone)
            .map(|pod| (pod, &Condition::Gone));
        let changes = changed.chain(gone).map(|(pod, condition)| EndpointChange {
            at: now,
            pod: pod.clone(),
            condition: *condition,
            service: service.clone(),
        });
        self.changes.extend(changes);
        if !slice.service.is_empty() {
            self.slices.insert(name, slice);
        }
    }
}

impl Store for Endpoints {
    type Object = EndpointSlice;

    fn path(namespace: &str) -> String {
        format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices")
    }

    fn apply(&mut self, change: Change<EndpointSlice>, now: Instant) {
        match change {
            Change::Listed(slices) => {
                let names = self.slices.keys();
                let missing =
                    names.filter(|name| !slices.iter().any(|s| s.metadata().name == **name));
                for name in missing.cloned().collect::<Vec<_>>() {
                    self.replace(name, Slice::default(), now);
                }
                for slice in slices {
                    self.replace(slice.metadata.name.clone(), slice.into(), now);
                }
            }
            Change::Applied(slice) => self.replace(slice.metadata.name.clone(), slice.into(), now),
            Change::Deleted(slice) => self.replace(slice.metadata.name, Slice::default(), now),
        }
    }
}

impl From<EndpointSlice> for Slice {
    fn from(slice: EndpointSlice) -> Self {
        let pod = |endpoint: &Endpoint| {
            let target = endpoint.target_ref.as_ref().filter(|to| to.kind == "Pod")?;
            Some((target.name.clone(), condition(endpoint)))
        };
        let endpoints = slice.endpoints.iter().flatten();
        Self {
            service: slice
                .metadata
                .labels
                .get(SERVICE)
                .cloned()
                .unwrap_or_default(),
            pods: endpoints.filter_map(pod).collect(),
        }
    }
}

/// By the API's rules for what is absent.
fn condition(endpoint: &Endpoint) -> Condition {
    let of = &endpoint.conditions;
    let ready = of.ready.unwrap_or(true);
    match (of.serving.unwrap_or(ready), of.terminating.unwrap_or(false)) {
        (true, true) => Condition::Terminating,
        (_, false) if ready => Condition::Ready,
        _ => Condition::NotServing,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn slice(name: &str, endpoints: serde_json::Value) -> EndpointSlice {
        let labels = json!({SERVICE: "orders"});
        let slice = json!({"metadata": {"name": name, "labels": labels}, "endpoints": endpoints});
        serde_json::from_value(slice).unwrap()
    }

    fn endpoint(pod: &str, [ready, serving, terminating]: [bool; 3]) -> serde_json::Value {
        json!({
            "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
            "targetRef": {"kind": "Pod", "name": pod},
        })
    }

    fn changes(endpoints: &Endpoints) -> Vec<(&str, Condition)> {
        let changes = endpoints.changes("orders");
        changes.map(|c| (c.pod.as_str(), c.condition)).collect()
    }

    #[test]
    fn an_endpoint_goes_from_ready_to_terminating_to_gone() {
        let (mut endpoints, now) = (Endpoints::default(), Instant::now());
        let ready = endpoint("a", [true, true, false]);
        endpoints.apply(Change::Applied(slice("s", json!([ready]))), now);
        let ends = endpoint("a", [false, true, true]);
        let starts = endpoint("b", [false, false, false]);
        let both = slice("s", json!([ends, starts]));
        endpoints.apply(Change::Applied(both), now);
        endpoints.apply(Change::Applied(slice("s", json!(null))), now);
        let expected = [
            ("a", Condition::Ready),
            ("a", Condition::Terminating),
            ("b", Condition::NotServing),
            ("a", Condition::Gone),
            ("b", Condition::Gone),
        ];
        assert_eq!(changes(&endpoints), expected);
        assert_eq!(endpoints.of("orders").count(), 0);
        assert_eq!(endpoints.changes("others").count(), 0);
    }

    #[test]
    fn a_slice_that_is_missing_from_a_new_list_takes_its_endpoints_with_it() {
        let (mut endpoints, now) = (Endpoints::default(), Instant::now());
        let of = |pod| json!([endpoint(pod, [true, true, false])]);
        let both = vec![slice("s", of("a")), slice("t", of("b"))];
        endpoints.apply(Change::Listed(both), now);
        endpoints.begin(now);
        assert_eq!(changes(&endpoints).len(), 2, "what is there when it begins");
        endpoints.apply(Change::Listed(vec![slice("t", of("b"))]), now);
        assert_eq!(changes(&endpoints)[2..], [("a", Condition::Gone)]);
    }
}
