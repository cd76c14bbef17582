//! The control on a cluster: a copy of the service's Deployment that runs the control's image, so
//! that nothing else differs; and a Service on a NodePort of its own.
//!
//! A port of its own, because a node remembers connections to pods that died without a FIN for two
//! minutes, and sends later ones from the same client port after them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::deployment::{Deployment, NodePortService, strings};
use super::scenario::Service;
use crate::binaries::CONTROL_H2C;

/// Marks what a rehearsal has made.
pub(super) const MADE_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "rehearse");

/// What is appended to names and selector labels.
const SUFFIX: &str = "-control";

/// The control beside a service.
pub(super) fn name(service: &str) -> String {
    format!("{service}{SUFFIX}")
}

/// The Deployment and the Service, as one list to apply; `node_port`: or else Kubernetes chooses.
pub(super) fn list(
    deployment: &Deployment,
    service: &NodePortService,
    image: &str,
    node_port: Option<u16>,
) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [copy(deployment, service, image), door(deployment, service, node_port)],
    })
}

/// The labels that tell control from service, for both selectors.
fn selector(deployment: &Deployment, service: &NodePortService) -> BTreeMap<String, String> {
    let mut labels = deployment.selector();
    labels.extend(strings(&service.0["spec"]["selector"]));
    labels.values_mut().for_each(|value| value.push_str(SUFFIX));
    labels
}

fn metadata(deployment: &Deployment) -> Value {
    let (key, value) = MADE_BY;
    json!({"name": name(deployment.name()), "labels": {key: value}})
}

fn copy(deployment: &Deployment, service: &NodePortService, image: &str) -> Value {
    let selector = selector(deployment, service);
    let mut spec = deployment.0["spec"].clone();
    spec["selector"] = json!({"matchLabels": selector});
    let template = &mut spec["template"];
    // All other labels stay, for policies that select by them.
    let mut labels = strings(&template["metadata"]["labels"]);
    labels.extend(selector.clone());
    template["metadata"] = json!({"labels": labels});
    let pod = &mut template["spec"];
    if let Some(constraints) = pod["topologySpreadConstraints"].as_array_mut() {
        for constraint in constraints {
            constraint["labelSelector"] = json!({"matchLabels": selector});
        }
    }
    let mut container = deployment.container().clone();
    run_control(&mut container, deployment.name(), image);
    pod["containers"] = json!([container]);
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(deployment),
        "spec": spec,
    })
}

/// Plain actix-web: no hook, and of the probes the one that it has an answer for.
fn run_control(container: &mut Value, service: &str, image: &str) {
    container["image"] = json!(image);
    container["args"] = json!([service]);
    if let Some(fields) = container.as_object_mut() {
        for absent in ["command", "lifecycle", "livenessProbe", "startupProbe"] {
            fields.remove(absent);
        }
    }
    let addresses = [
        ("LASTCALL__HTTP__ADDRESS", "0.0.0.0:8080"),
        ("LASTCALL__ADMIN__ADDRESS", "0.0.0.0:9090"),
    ];
    // The only service that is asked by HTTP/2, too.
    let h2c = (service == Service::Streaming.name()).then_some(CONTROL_H2C);
    if !container["env"].is_array() {
        container["env"] = json!([]);
    }
    if let Some(env) = container["env"].as_array_mut() {
        for (name, value) in addresses.into_iter().chain(h2c) {
            if env.iter().all(|variable| variable["name"] != name) {
                env.push(json!({"name": name, "value": value}));
            }
        }
    }
}

fn door(deployment: &Deployment, service: &NodePortService, node_port: Option<u16>) -> Value {
    let mut port = service.port().clone();
    if let Some(fields) = port.as_object_mut() {
        fields.remove("nodePort");
        fields.extend(node_port.map(|port| ("nodePort".to_owned(), json!(port))));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(deployment),
        "spec": {
            "type": "NodePort",
            "selector": selector(deployment, service),
            "ports": [port],
        },
    })
}

/// The highest port that no Service has, of those that a local cluster maps to this machine.
pub(super) fn free_port(services: &Value) -> Option<u16> {
    let services = services["items"].as_array().into_iter().flatten();
    let ports = services.flat_map(|s| s["spec"]["ports"].as_array().into_iter().flatten());
    let taken: Vec<u64> = ports.filter_map(|port| port["nodePort"].as_u64()).collect();
    let mut mapped = (31_000..=31_009).rev();
    mapped.find(|port| !taken.contains(&u64::from(*port)))
}

#[cfg(test)]
#[path = "control_tests.rs"]
mod tests;
