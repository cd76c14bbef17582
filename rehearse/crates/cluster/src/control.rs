//! The control on a cluster: a copy of a Deployment whose pods run the control's image and nothing
//! else, a Service on a NodePort of its own, and copies of the disruption budgets, so that evictions
//! are as hard for both.
//!
//! A port of its own, because a node remembers connections to pods that died without a FIN for two
//! minutes, and sends later ones from the same client port after them.

use serde_json::{Value, json};

use super::deployed::Deployed;
use super::scenario::Bundled;
use super::services::{MADE_BY, on_node_port};
use rehearse_kubernetes::{LabelSelector, Labels, PodDisruptionBudget, Service};

/// What the control of this repository reads: it speaks HTTP/2 only if it is told to.
const CONTROL_H2C: (&str, &str) = ("CONTROL_H2C", "1");

/// What is appended to names and to the labels that are selected by.
const SUFFIX: &str = "-control";

/// Where it listens: in a pod of its own nothing else does.
const HTTP: u16 = 8080;
const ADMIN: u16 = 9090;

/// What a probe may do.
const PROBES: [&str; 4] = ["exec", "grpc", "httpGet", "tcpSocket"];

/// The control beside a Deployment.
pub(super) fn name(deployment: &str) -> String {
    format!("{deployment}{SUFFIX}")
}

/// What the control beside a Deployment is made from.
pub(super) struct Original<'a> {
    /// The Deployment.
    pub(super) deployed: &'a Deployed,
    /// The Service that leads to it.
    pub(super) service: Option<&'a Service>,
    /// The disruption budgets that hold for its pods.
    pub(super) budgets: &'a [PodDisruptionBudget],
    /// Whose routes the control serves.
    pub(super) routes: Bundled,
}

impl Original<'_> {
    /// All that is to be applied; `node_port`: or else Kubernetes chooses.
    pub(super) fn control(&self, image: &str, node_port: Option<u16>) -> Value {
        let name = name(self.deployed.name());
        let target = json!(HTTP);
        let mut items = vec![
            self.deployment(image),
            on_node_port(&name, &self.selector(), &target, node_port),
        ];
        items.extend(self.budgets());
        json!({"apiVersion": "v1", "kind": "List", "items": items})
    }

    /// The names of its disruption budgets.
    pub(super) fn budget_names(&self) -> Vec<String> {
        let budgets = self
            .budgets
            .iter()
            .filter(|budget| self.is_for_service_alone(budget));
        budgets.map(|budget| name(&budget.metadata.name)).collect()
    }

    /// The labels that tell control from service, for all selectors.
    fn selector(&self) -> Labels {
        let mut labels = self.deployed.selecting_labels();
        let service = self
            .service
            .iter()
            .flat_map(|service| &service.spec.selector);
        labels.extend(service.map(|(key, value)| (key.clone(), value.clone())));
        for key in self.budgets.iter().flat_map(keys) {
            let value = self.deployed.labels().get(key);
            labels.extend(value.map(|value| (key.to_owned(), value.clone())));
        }
        for value in labels.values_mut() {
            value.push_str(SUFFIX);
            // A label may be empty, and may not begin with a dash.
            *value = value.trim_start_matches('-').to_owned();
        }
        labels
    }

    /// Its pods' labels: all others stay, for policies that select by them.
    fn labels(&self) -> Labels {
        let mut labels = self.deployed.labels().clone();
        labels.extend(self.selector());
        labels
    }

    fn deployment(&self, image: &str) -> Value {
        let mut spec = self.deployed.spec().clone();
        spec["selector"] = json!({"matchLabels": self.selector()});
        let template = &mut spec["template"];
        template["metadata"] = json!({"labels": self.labels()});
        let pod = &mut template["spec"];
        remove(pod, &["initContainers", "volumes"]);
        self.rewrite_selectors(pod);
        pod["containers"] = json!([self.container(image)]);
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata(&name(self.deployed.name())),
            "spec": spec,
        })
    }

    /// Where pods are spread, or kept apart, by the service's labels: the control's by its own.
    fn rewrite_selectors(&self, value: &mut Value) {
        let means_service = |selector: &Value| {
            let selector: Option<LabelSelector> = serde_json::from_value(selector.clone()).ok();
            selector.is_some_and(|selector| selector.matches(self.deployed.labels()))
        };
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match key == "labelSelector" && means_service(value) {
                        true => *value = json!({"matchLabels": self.selector()}),
                        false => self.rewrite_selectors(value),
                    }
                }
            }
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.rewrite_selectors(item)),
            _ => {}
        }
    }

    /// Plain actix-web: no hook, and of the probes the one that it has an answer for.
    fn container(&self, image: &str) -> Value {
        let mut container = self.deployed.container_spec().clone();
        let foreign = ["command", "imagePullPolicy", "lifecycle", "livenessProbe"];
        remove(&mut container, &foreign);
        remove(
            &mut container,
            &["startupProbe", "volumeMounts", "workingDir"],
        );
        container["image"] = json!(image);
        container["args"] = json!([self.routes.name()]);
        container["ports"] = json!([
            {"name": "http", "containerPort": HTTP},
            {"name": "admin", "containerPort": ADMIN},
        ]);
        let probe = &mut container["readinessProbe"];
        match probe.is_object() {
            true => {
                remove(probe, &PROBES);
                probe["httpGet"] = json!({"path": "/readyz", "port": "admin"});
            }
            false => remove(&mut container, &["readinessProbe"]),
        }
        container["env"] = json!(self.variables(&container["env"]));
        container
    }

    fn variables(&self, env: &Value) -> Vec<Value> {
        let (http, admin) = (format!("0.0.0.0:{HTTP}"), format!("0.0.0.0:{ADMIN}"));
        let own = [
            ("LASTCALL__HTTP__ADDRESS", http.as_str()),
            ("LASTCALL__ADMIN__ADDRESS", admin.as_str()),
        ];
        // The only service that is asked by HTTP/2, too.
        let h2c = (self.routes == Bundled::Streaming).then_some(CONTROL_H2C);
        let own: Vec<(&str, &str)> = own.into_iter().chain(h2c).collect();
        let others = env.as_array().into_iter().flatten();
        let others = others.filter(|other| own.iter().all(|(name, _)| other["name"] != *name));
        let own = own.iter();
        let own = own.map(|(name, value)| json!({"name": name, "value": value}));
        others.cloned().chain(own).collect()
    }

    /// One that means all pods there are means the control's already; and no pod may have two.
    fn is_for_service_alone(&self, budget: &PodDisruptionBudget) -> bool {
        let selector = budget.spec.selector.as_ref();
        selector.is_some_and(|selector| !selector.matches(&self.labels()))
    }

    fn budgets(&self) -> impl Iterator<Item = Value> {
        let alone = |budget: &&PodDisruptionBudget| self.is_for_service_alone(budget);
        let own = self.selector();
        self.budgets.iter().filter(alone).map(move |budget| {
            let mut spec = budget.spec.clone();
            let labels =
                keys(budget).filter_map(|key| Some((key.to_owned(), own.get(key)?.clone())));
            spec.selector = Some(LabelSelector::of(labels.collect()));
            json!({
                "apiVersion": "policy/v1",
                "kind": "PodDisruptionBudget",
                "metadata": metadata(&name(&budget.metadata.name)),
                "spec": spec,
            })
        })
    }
}

fn keys(budget: &PodDisruptionBudget) -> impl Iterator<Item = &str> {
    let selector = budget.spec.selector.iter();
    selector.flat_map(LabelSelector::keys)
}

fn metadata(name: &str) -> Value {
    let (key, value) = MADE_BY;
    json!({"name": name, "labels": {key: value}})
}

fn remove(object: &mut Value, keys: &[&str]) {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

#[cfg(test)]
#[path = "control_tests.rs"]
mod tests;
