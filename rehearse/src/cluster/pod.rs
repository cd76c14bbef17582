//! A pod, as far as a rehearsal looks at it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// A pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    labels: BTreeMap<String, String>,
    deletion_timestamp: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    node_name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    conditions: Vec<Condition>,
    container_statuses: Vec<Container>,
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
struct Container {
    state: State,
    last_state: State,
    restart_count: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct State {
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
pub(super) struct Terminated {
    /// 128 and more: by a signal.
    pub(super) exit_code: i32,
    /// Kubernetes' word for it, such as `OOMKilled`.
    pub(super) reason: String,
    /// Its termination message: the drain report.
    pub(super) message: String,
    /// Absent if there never was a container: Kubernetes then makes the exit code up (137).
    #[serde(rename = "containerID")]
    pub(super) container: String,
}

impl Pod {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Where it runs, once that is decided.
    pub(super) fn node(&self) -> Option<&str> {
        self.spec.node_name.as_deref()
    }

    /// Whether it has been deleted, and is on its way out.
    pub(super) fn is_leaving(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether Kubernetes holds it for ready.
    pub(super) fn is_ready(&self) -> bool {
        let mut conditions = self.status.conditions.iter();
        conditions.any(|c| c.name == "Ready" && c.status == "True")
    }

    /// Whether a selector means it.
    pub(super) fn matches(&self, selector: &BTreeMap<String, String>) -> bool {
        let labels = &self.metadata.labels;
        !selector.is_empty() && selector.iter().all(|(key, v)| labels.get(key) == Some(v))
    }

    /// How its container ended, if it has.
    pub(super) fn end(&self) -> Option<&Terminated> {
        self.containers().find_map(|c| c.state.terminated.as_ref())
    }

    /// How its container ended the last time, if it has been restarted in place.
    pub(super) fn crash(&self) -> Option<&Terminated> {
        let mut restarted = self.containers().filter(|c| c.restart_count > 0);
        restarted.find_map(|c| c.last_state.terminated.as_ref())
    }

    /// Whether its container was ever started, as far as its state tells.
    pub(super) fn has_run(&self) -> bool {
        let real = |end: &Terminated| !end.container.is_empty();
        self.containers().any(|c| {
            let ended = c.state.terminated.as_ref().is_some_and(real);
            ended || c.state.running.is_some() || c.restart_count > 0
        })
    }

    /// Whether its image cannot be had.
    pub(super) fn fails_to_pull(&self) -> bool {
        let mut waiting = self.containers().filter_map(|c| c.state.waiting.as_ref());
        waiting.any(|w| matches!(&*w.reason, "ErrImagePull" | "ImagePullBackOff"))
    }

    /// What keeps it from being ready, in a few words.
    pub(super) fn trouble(&self) -> Option<String> {
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

    fn containers(&self) -> impl Iterator<Item = &Container> {
        self.status.container_statuses.iter()
    }
}
