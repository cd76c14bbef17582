//! Of a pod, what the rules look at, by Kubernetes' own names.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::document::Metadata;

/// A pod, or a template of one.
#[derive(Debug, Deserialize)]
pub(super) struct Pod {
    #[serde(default)]
    pub(super) metadata: Metadata,
    pub(super) spec: PodSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec {
    pub(super) termination_grace_period_seconds: Option<u64>,
    #[serde(rename = "automountServiceAccountToken")]
    pub(super) mounts_token: Option<bool>,
    #[serde(rename = "hostNetwork")]
    pub(super) host_network: bool,
    #[serde(rename = "hostPID")]
    pub(super) host_pid: bool,
    #[serde(rename = "hostIPC")]
    pub(super) host_ipc: bool,
    pub(super) security_context: Security,
    pub(super) containers: Vec<Container>,
    pub(super) init_containers: Vec<Container>,
    pub(super) volumes: Vec<BTreeMap<String, Value>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<Variable>,
    pub(super) env_from: Vec<Value>,
    pub(super) ports: Vec<ContainerPort>,
    pub(super) volume_mounts: Vec<Mount>,
    pub(super) startup_probe: Option<Probe>,
    pub(super) readiness_probe: Option<Probe>,
    pub(super) liveness_probe: Option<Probe>,
    pub(super) lifecycle: Lifecycle,
    pub(super) security_context: Security,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Variable {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: String,
    pub(super) value_from: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerPort {
    #[serde(default)]
    pub(super) name: String,
    pub(super) container_port: u16,
    pub(super) host_port: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mount {
    pub(super) name: String,
    pub(super) mount_path: String,
    #[serde(default)]
    pub(super) sub_path: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Probe {
    pub(super) http_get: Option<HttpGet>,
}

#[derive(Debug, Deserialize)]
pub(super) struct HttpGet {
    #[serde(default)]
    pub(super) path: String,
    pub(super) port: PortName,
    #[serde(default)]
    pub(super) host: String,
    #[serde(default)]
    pub(super) scheme: String,
}

/// A port by its number, or by the name that the container gives it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum PortName {
    Number(u16),
    Name(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Lifecycle {
    pub(super) pre_stop: Option<Value>,
}

/// The security context of a pod or a container.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Security {
    pub(super) run_as_non_root: Option<bool>,
    pub(super) run_as_user: Option<u64>,
    pub(super) seccomp_profile: SeccompProfile,
    pub(super) allow_privilege_escalation: Option<bool>,
    pub(super) privileged: bool,
    pub(super) read_only_root_filesystem: bool,
    pub(super) capabilities: Capabilities,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SeccompProfile {
    #[serde(rename = "type")]
    pub(super) kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Capabilities {
    pub(super) add: Vec<String>,
    pub(super) drop: Vec<String>,
}

impl Pod {
    /// The name of the service that it runs, if it runs one of ours.
    pub(super) fn service(&self) -> Option<&str> {
        let label = |name: &str| {
            let key = format!("app.kubernetes.io/{name}");
            self.metadata.labels.get(&key).map(String::as_str)
        };
        label("name").filter(|_| label("part-of") == Some("lastcall"))
    }
}

impl PodSpec {
    pub(super) fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }
}

impl Container {
    /// The number of a port, if a name is one of this container's.
    pub(super) fn port(&self, port: &PortName) -> Option<u16> {
        match port {
            PortName::Number(number) => Some(*number),
            PortName::Name(name) => {
                let named = self.ports.iter().find(|port| port.name == *name);
                named.map(|port| port.container_port)
            }
        }
    }
}
