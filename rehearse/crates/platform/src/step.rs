//! What is done to a Deployment.

use std::time::Duration;

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A rolling update: every pod is replaced. `kubectl rollout restart`
    RollOut,
    /// The number of replicas is set to this, at once. `kubectl scale`
    ScaleTo(usize),
    /// A pod is deleted. `kubectl delete pod`
    Delete,
    /// A pod is evicted, as `kubectl drain` and autoscalers do it: disruption budgets are respected.
    Evict,
    /// Every pod of one node is evicted, and the node takes no new one. `kubectl drain`
    DrainNode,
    /// A rolling update to an image that does not exist, until its pod has failed to start; then back.
    BrokenImage,
}

impl Step {
    /// One of them, in a word.
    pub fn noun(self) -> &'static str {
        match self {
            Self::RollOut => "rollout",
            Self::ScaleTo(_) => "scaling",
            Self::Delete => "deletion",
            Self::Evict => "eviction",
            Self::DrainNode => "node drain",
            Self::BrokenImage => "broken image",
        }
    }
}

/// A step, and how many times it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The step. A scaling is taken back before the next one.
    pub step: Step,
    /// How many times.
    pub times: usize,
    /// From the end of one to the beginning of the next.
    pub pause: Duration,
}

impl Steps {
    /// So many of them, back to back.
    pub const fn new(step: Step, times: usize) -> Self {
        let pause = Duration::ZERO;
        Self { step, times, pause }
    }

    /// `10`, or `20 → 1`.
    pub fn replicas_in_words(&self, replicas: usize) -> String {
        match self.step {
            Step::ScaleTo(to) => format!("{replicas} → {to}"),
            _ => replicas.to_string(),
        }
    }
}
