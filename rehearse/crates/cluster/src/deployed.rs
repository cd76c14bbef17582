//! A Deployment as it was found, and what a scenario changes in it.

use std::time::Duration;

use humantime::parse_duration;
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::scenario::Variation;
use rehearse_kubernetes::{Container, Deployment, LabelSelector, Labels, PodSpec};

/// The runtime's own default of `drain.min`, which follows from the grace period where that is short.
const DRAIN_MIN: Duration = Duration::from_secs(5);

/// Which container `kubectl` itself takes for the one that is meant.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// A Deployment as it was at first.
#[derive(Clone, Debug)]
pub(super) struct Deployed {
    /// Whole, because it is copied.
    document: Value,
    /// What is read of it.
    object: Deployment,
}

impl Deployed {
    /// A Deployment as `kubectl get -o json` shows it.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn new(document: Value) -> serde_json::Result<Self> {
        let object = Deployment::deserialize(&document)?;
        Ok(Self { document, object })
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.object.metadata.name
    }

    /// How many replicas it is to have.
    pub(super) fn replicas(&self) -> u32 {
        self.object.spec.replicas.unwrap_or(1)
    }

    /// Which pods are its own.
    pub(super) fn selector(&self) -> &LabelSelector {
        &self.object.spec.selector
    }

    /// The labels by which it knows its pods, as they have them.
    pub(super) fn selecting_labels(&self) -> Labels {
        let keys = self.selector().keys();
        let label = |key: &str| Some((key.to_owned(), self.labels().get(key)?.clone()));
        keys.filter_map(label).collect()
    }

    /// Its pods' labels.
    pub(super) fn labels(&self) -> &Labels {
        &self.object.spec.template.metadata.labels
    }

    fn pod_spec(&self) -> &PodSpec {
        &self.object.spec.template.spec
    }

    /// The container that serves: the one that kubectl takes by default, the one of the Deployment's
    /// name, or else the first.
    pub(super) fn container(&self) -> Option<&Container> {
        self.pod_spec().containers.get(self.container_index())
    }

    /// Its name.
    pub(super) fn container_name(&self) -> &str {
        self.container().map_or("", |container| &container.name)
    }

    /// The port that it declares: the one named `http`, or else the first.
    pub(super) fn port(&self) -> Option<u16> {
        let ports = &self.container()?.ports;
        let named = ports.iter().find(|port| port.name == "http");
        Some(named.or(ports.first())?.container_port)
    }

    fn container_index(&self) -> usize {
        let annotations = &self.object.spec.template.metadata.annotations;
        let named = annotations.get(DEFAULT_CONTAINER).map(String::as_str);
        let place = |name: &str| {
            let mut containers = self.pod_spec().containers.iter();
            containers.position(|container| container.name == name)
        };
        let own = || place(self.name());
        named.and_then(place).or_else(own).unwrap_or(0)
    }

    /// Its specification, whole.
    pub(super) fn spec(&self) -> &Value {
        &self.document["spec"]
    }

    /// The specification of the container that serves, whole.
    pub(super) fn container_spec(&self) -> &Value {
        &self.spec()["template"]["spec"]["containers"][self.container_index()]
    }

    /// A variable of its container, if it is given literally.
    pub(super) fn env(&self, name: &str) -> Option<&str> {
        let mut variables = self.container()?.env.iter();
        let variable = variables.find(|variable| variable.name == name)?;
        variable.value_from.is_none().then_some(&variable.value)
    }

    /// The service's `drain.min`.
    pub(super) fn drain_min(&self) -> Duration {
        let given = |name| self.env(name).and_then(|text| parse_duration(text).ok());
        given("LASTCALL__DRAIN__MIN").unwrap_or_else(|| {
            let grace = given("LASTCALL__GRACE_PERIOD");
            grace.map_or(DRAIN_MIN, |grace| DRAIN_MIN.min(grace / 6))
        })
    }

    /// The preStop hook of a service of Lastcall: `PROGRAM prestop`.
    pub(super) fn prestop_command(&self) -> Option<Vec<String>> {
        let hook = self.container()?.lifecycle.pre_stop.as_ref()?;
        let command = Vec::<String>::deserialize(hook.pointer("/exec/command")?).ok()?;
        let is_ours = command.len() == 2 && command.last().is_some_and(|word| word == "prestop");
        is_ours.then_some(command)
    }

    /// The changes (a JSON patch) that make it what a scenario wants, whatever it is by now; `self`
    /// is what it was at first. Replicas are changed with it: one rolling update at most.
    pub(super) fn patch(&self, variation: &Variation, replicas: u32) -> Value {
        let container = self.container_spec();
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
            {"op": "add", "path": self.path("image"), "value": container["image"]},
            {"op": "add", "path": self.path("lifecycle"), "value": lifecycle},
            {"op": "add", "path": self.path("readinessProbe"), "value": probe},
            {"op": "add", "path": "/spec/replicas", "value": replicas},
        ])
    }

    /// The change that gives it an image that does not exist.
    pub(super) fn broken_image(&self) -> Value {
        let image = "localhost/no-such-image:broken";
        json!([{"op": "add", "path": self.path("image"), "value": image}])
    }

    fn path(&self, key: &str) -> String {
        let index = self.container_index();
        format!("/spec/template/spec/containers/{index}/{key}")
    }
}

#[cfg(test)]
#[path = "deployed_tests.rs"]
pub(super) mod tests;
