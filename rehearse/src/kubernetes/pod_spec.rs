//! What a pod is to run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Metadata;

/// What pods are made by; a manifest of a pod reads alike.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PodTemplate {
    #[serde(default)]
    pub(crate) metadata: Metadata,
    pub(crate) spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PodSpec {
    /// Where it runs, once that is decided.
    pub(crate) node_name: Option<String>,
    pub(crate) termination_grace_period_seconds: Option<u64>,
    #[serde(rename = "automountServiceAccountToken")]
    pub(crate) mounts_token: Option<bool>,
    #[serde(rename = "hostNetwork")]
    pub(crate) host_network: bool,
    #[serde(rename = "hostPID")]
    pub(crate) host_pid: bool,
    #[serde(rename = "hostIPC")]
    pub(crate) host_ipc: bool,
    pub(crate) security_context: Security,
    pub(crate) containers: Vec<Container>,
    pub(crate) init_containers: Vec<Container>,
    pub(crate) volumes: Vec<BTreeMap<String, Value>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<Variable>,
    pub(crate) env_from: Vec<Value>,
    pub(crate) ports: Vec<ContainerPort>,
    pub(crate) volume_mounts: Vec<Mount>,
    pub(crate) startup_probe: Option<Probe>,
    pub(crate) readiness_probe: Option<Probe>,
    pub(crate) liveness_probe: Option<Probe>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) security_context: Security,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Variable {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) value: String,
    pub(crate) value_from: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerPort {
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) container_port: u16,
    pub(crate) host_port: Option<u16>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mount {
    pub(crate) name: String,
    pub(crate) mount_path: String,
    #[serde(default)]
    pub(crate) sub_path: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Probe {
    pub(crate) http_get: Option<HttpGet>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct HttpGet {
    #[serde(default)]
    pub(crate) path: String,
    pub(crate) port: PortName,
    #[serde(default)]
    pub(crate) host: String,
    #[serde(default)]
    pub(crate) scheme: String,
}

/// A port by its number, or by the name that the container gives it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum PortName {
    Number(u16),
    Name(String),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Lifecycle {
    pub(crate) pre_stop: Option<Value>,
}

/// The security context of a pod or a container.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Security {
    pub(crate) run_as_non_root: Option<bool>,
    pub(crate) run_as_user: Option<u64>,
    pub(crate) seccomp_profile: SeccompProfile,
    pub(crate) allow_privilege_escalation: Option<bool>,
    pub(crate) privileged: bool,
    pub(crate) read_only_root_filesystem: bool,
    pub(crate) capabilities: Capabilities,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct SeccompProfile {
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Capabilities {
    pub(crate) add: Vec<String>,
    pub(crate) drop: Vec<String>,
}

impl PodTemplate {
    /// The name of the service that it runs, if it runs one of ours.
    pub(crate) fn service(&self) -> Option<&str> {
        let label = |name: &str| {
            let key = format!("app.kubernetes.io/{name}");
            self.metadata.labels.get(&key).map(String::as_str)
        };
        label("name").filter(|_| label("part-of") == Some("lastcall"))
    }
}

impl PodSpec {
    pub(crate) fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }
}

impl Container {
    /// The number of a port, if a name is one of this container's.
    pub(crate) fn port(&self, port: &PortName) -> Option<u16> {
        match port {
            PortName::Number(number) => Some(*number),
            PortName::Name(name) => {
                let named = self.ports.iter().find(|port| port.name == *name);
                named.map(|port| port.container_port)
            }
        }
    }
}
