//! A pod and its state.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Metadata, Object, PodSpec};

/// A pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    pub metadata: Metadata,
    pub spec: PodSpec,
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    #[serde(rename = "podIP")]
    pod_ip: Option<IpAddr>,
    conditions: Vec<Condition>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    name: String,
    status: String,
    #[serde(default)]
    message: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    state: ContainerState,
    last_state: ContainerState,
    restart_count: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    running: Option<IgnoredAny>,
    terminated: Option<Terminated>,
    waiting: Option<Waiting>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
    message: String,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Terminated {
    /// 128 and more: by a signal.
    pub exit_code: i32,
    /// Kubernetes' word for it, such as `OOMKilled`.
    pub reason: String,
    /// Its termination message: the drain report.
    pub message: String,
    /// Absent if there never was a container: Kubernetes then makes the exit code up (137).
    #[serde(rename = "containerID")]
    pub container: String,
}

impl Pod {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Where it runs, once that is decided.
    pub fn node(&self) -> Option<&str> {
        self.spec.node_name.as_deref()
    }

    /// Its address, once it has one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.status.pod_ip
    }

    /// Whether it has been deleted, and is on its way out.
    pub fn is_leaving(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether Kubernetes holds it for ready.
    pub fn is_ready(&self) -> bool {
        let mut conditions = self.status.conditions.iter();
        conditions.any(|c| c.name == "Ready" && c.status == "True")
    }

    /// How a container of it ended, if it has.
    pub fn end(&self, container: &str) -> Option<&Terminated> {
        let mut containers = self.containers().filter(|c| c.name == container);
        containers.find_map(|c| c.state.terminated.as_ref())
    }

    /// Whether any container of it has ended.
    pub fn has_ended(&self) -> bool {
        self.containers().any(|c| c.state.terminated.is_some())
    }

    /// How a container ended the last time, if one has been restarted in place.
    pub fn crash(&self) -> Option<&Terminated> {
        let mut restarted = self.containers().filter(|c| c.restart_count > 0);
        restarted.find_map(|c| c.last_state.terminated.as_ref())
    }

    /// Its containers that were ever started, as far as its state tells.
    pub fn started(&self) -> impl Iterator<Item = &str> {
        let real = |end: &Terminated| !end.container.is_empty();
        let started = self.containers().filter(move |c| {
            let ended = c.state.terminated.as_ref().is_some_and(real);
            ended || c.state.running.is_some() || c.restart_count > 0
        });
        started.map(|container| container.name.as_str())
    }

    /// Whether its image cannot be had.
    pub fn fails_to_pull(&self) -> bool {
        let mut waiting = self.containers().filter_map(|c| c.state.waiting.as_ref());
        waiting.any(|w| matches!(&*w.reason, "ErrImagePull" | "ImagePullBackOff"))
    }

    /// What keeps it from being ready, in a few words.
    pub fn trouble(&self) -> Option<String> {
        let waiting = self.containers().find_map(|c| c.state.waiting.as_ref());
        let waiting = waiting.map(|w| format!("{} {}", w.reason, w.message));
        let unscheduled = || {
            let mut conditions = self.status.conditions.iter();
            let condition = conditions.find(|c| c.name == "PodScheduled" && c.status == "False");
            condition.map(|c| c.message.clone())
        };
        let crash = || self.crash().map(|end| format!("exit {}", end.exit_code));
        let trouble = waiting.or_else(unscheduled).or_else(crash)?;
        Some(format!("{}: {}", self.name(), trouble.trim()))
    }

    fn containers(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.status.container_statuses.iter()
    }
}

impl Object for Pod {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

#[cfg(test)]
#[path = "pod_tests.rs"]
mod tests;
