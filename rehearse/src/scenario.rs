//! What is rehearsed under the model: arms, load and steps.

use std::sync::Arc;
use std::time::Duration;

use rehearse_arm::ArmName;
use rehearse_arm::load::Load;
use rehearse_client::{Method, Think};
use rehearse_model::deployment::Spec;
use rehearse_model::program::Program;
use rehearse_platform::{Step, Steps};
use rehearse_report::Described;
use rehearse_report::drains::Surroundings;

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
    /// How long the load goes on once all has settled; and half of that before the first step.
    pub hold: Duration,
    /// Whether the source's published figures belong beside the result.
    pub published: bool,
    /// What clients and pods speak HTTP over.
    pub transport: Transport,
}

/// What HTTP is spoken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    #[default]
    Clear,
    /// TLS, with a certificate that is exchanged in the middle of the scenario.
    Tls,
}

impl Scenario {
    /// The conditions in one line.
    pub fn title(&self) -> String {
        let Spec { replicas, .. } = self.spec;
        let Steps { step, times, pause } = self.steps;
        let delay = match self.replacement_delay {
            Duration::ZERO => String::new(),
            delay => format!(" (replacement ready after {delay:?})"),
        };
        let pause = match pause {
            Duration::ZERO => String::new(),
            pause => format!(" {pause:?} apart"),
        };
        let hold = match self.hold {
            Duration::ZERO => String::new(),
            hold => format!(" and held for {hold:?}"),
        };
        let replicas = count(replicas, "replica");
        let steps = match step {
            Step::RollOut => format!("{replicas}, {}", count(times, "rolling update")),
            Step::ScaleTo(to) => {
                let times = if times == 1 {
                    String::new()
                } else {
                    format!(", {times} times")
                };
                format!("scaled from {} to {to} at once{times}", self.spec.replicas)
            }
            step => format!("{replicas}, {}", count(times, step.noun())),
        };
        let steps = format!("{steps}{pause}{delay}{hold}");
        let clients = self
            .arms
            .first()
            .map_or_else(String::new, |arm| clients(&arm.load));
        let over = match self.transport {
            Transport::Clear => "",
            Transport::Tls => ", over TLS",
        };
        format!("{}: {steps}; {clients}{over}", self.service)
    }
}

impl From<&Scenario> for Described {
    fn from(scenario: &Scenario) -> Self {
        Self {
            service: scenario.service.clone(),
            conditions: scenario.title(),
            replicas: scenario.steps.replicas_in_words(scenario.spec.replicas),
            surroundings: Surroundings {
                lone: scenario.spec.replicas == 1,
                pooled: false,
            },
            published: scenario.published,
        }
    }
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
