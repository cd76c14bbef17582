//! What a pod is to run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Metadata;

/// What pods are made by; a manifest of a pod reads alike.
#[derive(Clone, Debug, Deserialize)]
pub struct PodTemplate {
    #[serde(default)]
    pub metadata: Metadata,
    pub spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    /// Where it runs, once that is decided.
    pub node_name: Option<String>,
    pub termination_grace_period_seconds: Option<u64>,
    #[serde(rename = "automountServiceAccountToken")]
    pub mounts_token: Option<bool>,
    #[serde(rename = "hostNetwork")]
    pub host_network: bool,
    #[serde(rename = "hostPID")]
    pub host_pid: bool,
    #[serde(rename = "hostIPC")]
    pub host_ipc: bool,
    pub security_context: Security,
    pub containers: Vec<Container>,
    pub init_containers: Vec<Container>,
    pub volumes: Vec<BTreeMap<String, Value>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    pub name: String,
    pub image: String,
    pub args: Vec<String>,
    pub env: Vec<Variable>,
    pub env_from: Vec<Value>,
    pub ports: Vec<ContainerPort>,
    pub volume_mounts: Vec<Mount>,
    pub startup_probe: Option<Probe>,
    pub readiness_probe: Option<Probe>,
    pub liveness_probe: Option<Probe>,
    pub lifecycle: Lifecycle,
    pub security_context: Security,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    pub name: String,
    #[serde(default)]
    pub value: String,
    pub value_from: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerPort {
    #[serde(default)]
    pub name: String,
    pub container_port: u16,
    pub host_port: Option<u16>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    pub name: String,
    pub mount_path: String,
    #[serde(default)]
    pub sub_path: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Probe {
    pub http_get: Option<HttpGet>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct HttpGet {
    #[serde(default)]
    pub path: String,
    pub port: PortName,
    #[serde(default)]
    pub host: String,
    #[serde(default)]
    pub scheme: String,
}

/// A port by its number, or by the name that the container gives it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PortName {
    Number(u16),
    Name(String),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Lifecycle {
    pub pre_stop: Option<Value>,
}

/// The security context of a pod or a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Security {
    pub run_as_non_root: Option<bool>,
    pub run_as_user: Option<u64>,
    pub seccomp_profile: SeccompProfile,
    pub allow_privilege_escalation: Option<bool>,
    pub privileged: bool,
    pub read_only_root_filesystem: bool,
    pub capabilities: Capabilities,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SeccompProfile {
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    pub add: Vec<String>,
    pub drop: Vec<String>,
}

impl PodTemplate {
    /// The name of the service that it runs, if it runs one of ours.
    pub fn service(&self) -> Option<&str> {
        let label = |name: &str| {
            let key = format!("app.kubernetes.io/{name}");
            self.metadata.labels.get(&key).map(String::as_str)
        };
        label("name").filter(|_| label("part-of") == Some("lastcall"))
    }
}

impl PodSpec {
    pub fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }
}

impl Container {
    /// The number of a port, if a name is one of this container's.
    pub fn port(&self, port: &PortName) -> Option<u16> {
        match port {
            PortName::Number(number) => Some(*number),
            PortName::Name(name) => {
                let named = self.ports.iter().find(|port| port.name == *name);
                named.map(|port| port.container_port)
            }
        }
    }
}
