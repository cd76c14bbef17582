//! What is rehearsed: arms, load and steps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use crate::load::Load;
use rehearse_client::{Method, Think};
use rehearse_model::deployment::Spec;
use rehearse_model::program::Program;

/// One of the deployments that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ArmName {
    /// Plain actix-web with its own graceful stop, SIGTERM at once
    Control,
    /// The control after `preStop: sleep 5`
    Usual,
    /// The service
    Service,
}

impl ArmName {
    /// Its name, as on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Usual => "usual",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for ArmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Control => "control",
            Self::Usual => "usual practice",
            Self::Service => "service",
        })
    }
}

/// An arm: its name and what runs in its pods.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Which.
    pub name: ArmName,
    /// The container.
    pub program: Arc<Program>,
    /// What its clients do.
    pub load: Load,
}

/// What happens to each arm's Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// Rolling updates, back to back unless there is a pause: one ends when it has deleted the last
    /// old pod, whether or not that has gone.
    RollOuts {
        /// How many.
        count: usize,
        /// From the end of one to the beginning of the next.
        pause: Duration,
    },
    /// The number of replicas is set to this, at once.
    ScaleTo(usize),
    /// So many times a pod is deleted, each when the replacement of the one before serves; whether or
    /// not that has gone.
    Deletions(usize),
}

impl Steps {
    /// How many there are.
    pub fn count(&self) -> usize {
        match *self {
            Self::RollOuts { count: n, .. } | Self::Deletions(n) => n,
            Self::ScaleTo(_) => 1,
        }
    }

    /// What one of them is called.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::RollOuts { .. } => "rollout",
            Self::ScaleTo(_) => "scaling",
            Self::Deletions(_) => "deletion",
        }
    }
}

/// A rehearsal of one service.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The service's name.
    pub service: String,
    /// Replicas, surge, unavailable.
    pub spec: Spec,
    /// What happens.
    pub steps: Steps,
    /// Who is compared, under which load.
    pub arms: Vec<Arm>,
    /// The pods' grace period.
    pub grace: Duration,
    /// From the creation of a replacement to its first probe.
    pub replacement_delay: Duration,
    /// Whether the source's published figures belong beside the result.
    pub published: bool,
}

impl Scenario {
    /// The conditions in one line.
    pub fn title(&self) -> String {
        let Spec { replicas, .. } = self.spec;
        let steps = match self.steps {
            Steps::RollOuts { count: n, pause } => {
                let apart = match pause {
                    Duration::ZERO => String::new(),
                    pause => format!(" {pause:?} apart"),
                };
                format!("{}, {}{apart}", count(replicas, "replica"), rollouts(n))
            }
            Steps::ScaleTo(to) => format!("scaled from {replicas} to {to} at once"),
            Steps::Deletions(n) => {
                let (replicas, delay) = (count(replicas, "replica"), self.replacement_delay);
                format!(
                    "{replicas}, {} (replacement ready after {delay:?})",
                    count(n, "deletion")
                )
            }
        };
        let clients = self
            .arms
            .first()
            .map_or_else(String::new, |arm| clients(&arm.load));
        format!("{}: {steps}; {clients}", self.service)
    }

    /// `10`, or `20 → 1`.
    pub fn replicas_in_words(&self) -> String {
        match self.steps {
            Steps::ScaleTo(to) => format!("{} → {to}", self.spec.replicas),
            Steps::RollOuts { .. } | Steps::Deletions(_) => self.spec.replicas.to_string(),
        }
    }
}

fn rollouts(n: usize) -> String {
    count(n, "rolling update")
}

fn clients(load: &Load) -> String {
    let method = match load.method {
        Method::Get => "",
        Method::Post => "POST, ",
    };
    let kept = |n, noun, think| {
        let think = match think {
            Think::Steady(Duration::ZERO) => "no think time".to_owned(),
            think => format!("think {think}"),
        };
        (n > 0).then(|| format!("{} ({method}{think})", count(n, noun)))
    };
    let parts = [
        kept(load.clients, "keep-alive client", load.think),
        kept(load.slow_clients, "slow keep-alive client", load.slow_think),
        (load.rate > 0.0).then(|| format!("{} one-shot/s", load.rate)),
        (load.uploads > 0).then(|| count(load.uploads, "slow upload")),
        (load.downloads > 0).then(|| count(load.downloads, "slow download")),
        (load.events > 0).then(|| count(load.events, "event stream")),
        (load.websockets > 0).then(|| count(load.websockets, "WebSocket")),
        (load.h2 > 0).then(|| {
            let (clients, streams) = (count(load.h2, "HTTP/2 client"), load.streams);
            format!("{clients} ({})", count(streams, "stream"))
        }),
        (!load.rtt.is_zero()).then(|| format!("round trip {:?}", load.rtt)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn count(n: usize, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}
