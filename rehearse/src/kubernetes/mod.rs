//! Kubernetes' objects, as its API and manifests show them: only the fields that are read here.
//!
//! Structs of our own, and not `k8s-openapi` (which `kube` stands on): that compiles every type there
//! is, for a minute or more, and drops the fields that it does not know, so that a document could not be
//! copied through it. What is to be copied or written is JSON, and stays whole.

mod pod;
mod pod_spec;
mod selector;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use self::pod::{Pod, Terminated};
pub(crate) use self::pod_spec::{
    Container, PodSpec, PodTemplate, PortName, Probe, Security, Variable,
};
pub(crate) use self::selector::{LabelSelector, Labels};

/// What every object has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) labels: Labels,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) deletion_timestamp: Option<String>,
    pub(crate) resource_version: String,
}

/// An object that can be listed and watched.
pub(crate) trait Object {
    /// What it has in common with all others.
    fn metadata(&self) -> &Metadata;
}

/// Objects of one kind, as of one moment.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct List<T> {
    /// Its `resourceVersion` is where a watch goes on from.
    #[serde(default)]
    pub(crate) metadata: Metadata,
    pub(crate) items: Vec<T>,
}

/// A Deployment.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) metadata: Metadata,
    pub(crate) spec: DeploymentSpec,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct DeploymentSpec {
    pub(crate) replicas: Option<u32>,
    pub(crate) selector: LabelSelector,
    pub(crate) template: PodTemplate,
}

/// A Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    pub(crate) metadata: Metadata,
    pub(crate) spec: ServiceSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ServiceSpec {
    pub(crate) selector: Labels,
    pub(crate) ports: Vec<ServicePort>,
    pub(crate) external_traffic_policy: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServicePort {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) target_port: Option<PortName>,
    pub(crate) node_port: Option<u16>,
}

impl ServiceSpec {
    /// Whether it sends to pods with these labels. Without a selector it sends to none.
    pub(crate) fn selects(&self, labels: &Labels) -> bool {
        !self.selector.is_empty() && LabelSelector::of(self.selector.clone()).matches(labels)
    }
}

/// A part of a Service's endpoints.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct EndpointSlice {
    pub(crate) metadata: Metadata,
    /// The API writes `null` for none.
    pub(crate) endpoints: Option<Vec<Endpoint>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Endpoint {
    pub(crate) conditions: EndpointConditions,
    pub(crate) target_ref: Option<TargetRef>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct EndpointConditions {
    pub(crate) ready: Option<bool>,
    pub(crate) serving: Option<bool>,
    pub(crate) terminating: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TargetRef {
    pub(crate) kind: String,
    pub(crate) name: String,
}

impl Object for EndpointSlice {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

/// How many pods an eviction must leave.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PodDisruptionBudget {
    pub(crate) metadata: Metadata,
    pub(crate) spec: PodDisruptionBudgetSpec,
}

/// All that a budget says: it is copied.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodDisruptionBudgetSpec {
    pub(crate) selector: Option<LabelSelector>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_available: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_unavailable: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unhealthy_pod_eviction_policy: Option<String>,
}

/// A node.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) metadata: Metadata,
    #[serde(default)]
    pub(crate) spec: NodeSpec,
    #[serde(default)]
    pub(crate) status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeSpec {
    pub(crate) unschedulable: bool,
    pub(crate) taints: Vec<Taint>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Taint {
    pub(crate) effect: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeStatus {
    pub(crate) addresses: Vec<NodeAddress>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NodeAddress {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) address: String,
}

impl Node {
    /// Whether any pod can be scheduled to it.
    pub(crate) fn is_schedulable(&self) -> bool {
        let closed = |taint: &Taint| taint.effect != "PreferNoSchedule";
        !self.spec.unschedulable && !self.spec.taints.iter().any(closed)
    }
}
