//! A Deployment and its Service, as they are on the cluster, and what is to be changed in them.

use std::collections::BTreeMap;
use std::time::Duration;

use humantime::parse_duration;
use serde_json::{Value, json};

use super::scenario::Variation;

/// The runtime's own default of `drain.min`, which follows from the grace period where that is short.
const DRAIN_MIN: Duration = Duration::from_secs(5);

/// A Deployment, as `kubectl get deployment -o json` shows it.
#[derive(Clone, Debug)]
pub(super) struct Deployment(pub Value);

impl Deployment {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// How many replicas it is to have.
    pub(super) fn replicas(&self) -> u32 {
        let replicas = self.0["spec"]["replicas"].as_u64().unwrap_or(1);
        u32::try_from(replicas).unwrap_or(u32::MAX)
    }

    /// Which pods are its own.
    pub(super) fn selector(&self) -> BTreeMap<String, String> {
        strings(&self.0["spec"]["selector"]["matchLabels"])
    }

    /// The service's container: the one of the Deployment's name, or else the first.
    pub(super) fn container(&self) -> &Value {
        &self.containers()[self.container_index()]
    }

    /// Its place among the pod's containers.
    pub(super) fn container_index(&self) -> usize {
        let mut containers = self.containers().as_array().into_iter().flatten();
        let name = self.name();
        containers.position(|c| c["name"] == name).unwrap_or(0)
    }

    fn containers(&self) -> &Value {
        &self.0["spec"]["template"]["spec"]["containers"]
    }

    /// A variable of its container, if it is given literally.
    pub(super) fn env(&self, name: &str) -> Option<&str> {
        let variable = self.variables().find(|v| v["name"] == name)?;
        variable["value"].as_str()
    }

    /// The service's `drain.min`.
    pub(super) fn drain_min(&self) -> Duration {
        let given = |name| self.env(name).and_then(|text| parse_duration(text).ok());
        given("LASTCALL__DRAIN__MIN").unwrap_or_else(|| {
            let grace = given("LASTCALL__GRACE_PERIOD");
            grace.map_or(DRAIN_MIN, |grace| DRAIN_MIN.min(grace / 6))
        })
    }

    /// The changes (a JSON patch) that make it what a scenario wants, whatever it is by now; `self`
    /// is what it was at first. Replicas are changed with it: one rolling update at most.
    pub(super) fn patch(&self, variation: &Variation, replicas: u32) -> Value {
        let container = self.container();
        let path = |key: &str| {
            let index = self.container_index();
            format!("/spec/template/spec/containers/{index}/{key}")
        };
        // `add` replaces what is there; to remove what is not there is an error: so null is added,
        // which the API server takes for nothing.
        let lifecycle = match variation.without_prestop {
            true => Value::Null,
            false => container["lifecycle"].clone(),
        };
        let mut probe = container["readinessProbe"].clone();
        if !variation.ready_after.is_zero() && probe.is_object() {
            probe["initialDelaySeconds"] = json!(variation.ready_after.as_secs());
        }
        json!([
            {"op": "add", "path": path("image"), "value": container["image"]},
            {"op": "add", "path": path("lifecycle"), "value": lifecycle},
            {"op": "add", "path": path("readinessProbe"), "value": probe},
            {"op": "add", "path": "/spec/replicas", "value": replicas},
        ])
    }

    /// The change that gives it an image that does not exist.
    pub(super) fn broken_image(&self) -> Value {
        let path = format!(
            "/spec/template/spec/containers/{}/image",
            self.container_index()
        );
        json!([{"op": "add", "path": path, "value": "localhost/no-such-image:broken"}])
    }

    fn variables(&self) -> impl Iterator<Item = &Value> {
        self.container()["env"].as_array().into_iter().flatten()
    }
}

/// A Service.
#[derive(Clone, Debug)]
pub(super) struct NodePortService(pub Value);

impl NodePortService {
    /// Its port: the one named `http`, or else the first.
    pub(super) fn port(&self) -> &Value {
        let ports = &self.0["spec"]["ports"];
        let mut each = ports.as_array().into_iter().flatten();
        each.find(|port| port["name"] == "http")
            .unwrap_or(&ports[0])
    }

    /// The port of every node that leads to it, if there is one.
    pub(super) fn node_port(&self) -> Option<u16> {
        self.port()["nodePort"].as_u64()?.try_into().ok()
    }

    /// `Cluster` or `Local`.
    pub(super) fn traffic_policy(&self) -> &str {
        let policy = self.0["spec"]["externalTrafficPolicy"].as_str();
        policy.unwrap_or("Cluster")
    }
}

/// Changes a Service's `externalTrafficPolicy` (a merge patch).
pub(super) fn traffic_policy(policy: &str) -> Value {
    json!({"spec": {"externalTrafficPolicy": policy}})
}

/// The strings of an object.
pub(super) fn strings(object: &Value) -> BTreeMap<String, String> {
    let pairs = object.as_object().into_iter().flatten();
    let string = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    pairs.filter_map(string).collect()
}

#[cfg(test)]
#[path = "deployment_tests.rs"]
mod tests;
