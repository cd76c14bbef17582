//! Kubernetes' objects, as its API and manifests show them: only the fields that are read here.
//!
//! Structs of our own, and not `k8s-openapi` (which `kube` stands on): that compiles every type there
//! is, for a minute or more, and drops the fields that it does not know, so that a document could not be
//! copied through it. What is to be copied or written is JSON, and stays whole.

#![allow(
    missing_docs,
    reason = "fields are the API's own, by its names: https://kubernetes.io/docs/reference/kubernetes-api"
)]

mod pod;
mod pod_spec;
mod selector;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::pod::{Pod, Terminated};
pub use self::pod_spec::{
    Container, Mount, PodSpec, PodTemplate, PortName, Probe, Security, Variable,
};
pub use self::selector::{LabelSelector, Labels};

/// What every object has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    pub name: String,
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    pub deletion_timestamp: Option<String>,
    pub resource_version: String,
}

/// An object that can be listed and watched.
pub trait Object {
    /// What it has in common with all others.
    fn metadata(&self) -> &Metadata;
}

/// Objects of one kind, as of one moment.
#[derive(Clone, Debug, Deserialize)]
pub struct List<T> {
    /// Its `resourceVersion` is where a watch goes on from.
    #[serde(default)]
    pub metadata: Metadata,
    pub items: Vec<T>,
}

/// A Deployment.
#[derive(Clone, Debug, Deserialize)]
pub struct Deployment {
    pub metadata: Metadata,
    pub spec: DeploymentSpec,
}

#[derive(Clone, Debug, Deserialize)]
pub struct DeploymentSpec {
    pub replicas: Option<u32>,
    pub selector: LabelSelector,
    pub template: PodTemplate,
}

/// A Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Service {
    pub metadata: Metadata,
    pub spec: ServiceSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServiceSpec {
    pub selector: Labels,
    pub ports: Vec<ServicePort>,
    pub external_traffic_policy: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    #[serde(default)]
    pub name: String,
    pub port: u16,
    pub target_port: Option<PortName>,
    pub node_port: Option<u16>,
}

impl ServiceSpec {
    /// Whether it sends to pods with these labels. Without a selector it sends to none.
    pub fn selects(&self, labels: &Labels) -> bool {
        !self.selector.is_empty() && LabelSelector::of(self.selector.clone()).matches(labels)
    }
}

/// A part of a Service's endpoints.
#[derive(Clone, Debug, Deserialize)]
pub struct EndpointSlice {
    pub metadata: Metadata,
    /// The API writes `null` for none.
    pub endpoints: Option<Vec<Endpoint>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoint {
    pub conditions: EndpointConditions,
    pub target_ref: Option<TargetRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EndpointConditions {
    pub ready: Option<bool>,
    pub serving: Option<bool>,
    pub terminating: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct TargetRef {
    pub kind: String,
    pub name: String,
}

impl Object for EndpointSlice {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

/// How many pods an eviction must leave.
#[derive(Clone, Debug, Deserialize)]
pub struct PodDisruptionBudget {
    pub metadata: Metadata,
    pub spec: PodDisruptionBudgetSpec,
}

/// All that a budget says: it is copied.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodDisruptionBudgetSpec {
    pub selector: Option<LabelSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_available: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_unavailable: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unhealthy_pod_eviction_policy: Option<String>,
}

/// A node.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    pub metadata: Metadata,
    #[serde(default)]
    pub spec: NodeSpec,
    #[serde(default)]
    pub status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeSpec {
    pub unschedulable: bool,
    pub taints: Vec<Taint>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Taint {
    pub effect: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct NodeStatus {
    pub addresses: Vec<NodeAddress>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct NodeAddress {
    #[serde(rename = "type")]
    pub kind: String,
    pub address: String,
}

impl Node {
    /// Whether any pod can be scheduled to it.
    pub fn is_schedulable(&self) -> bool {
        let closed = |taint: &Taint| taint.effect != "PreferNoSchedule";
        !self.spec.unschedulable && !self.spec.taints.iter().any(closed)
    }
}
