//! What a scenario on a cluster is made of.

use std::fmt;
use std::time::Duration;

use super::deployed::Deployed;
use rehearse_platform::{Step, Steps};

/// The bundled services. Any other Deployment is taken for one like `hello`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bundled {
    Hello,
    Slow,
    Streaming,
}

impl Bundled {
    /// The one of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [Self::Hello, Self::Slow, Self::Streaming];
        all.into_iter().find(|service| service.name() == name)
    }

    /// The name of its Deployment, and of its routes in the control.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Slow => "slow",
            Self::Streaming => "streaming",
        }
    }

    /// What is asked for.
    pub(super) fn target(self) -> &'static str {
        match self {
            Self::Hello | Self::Slow => "/",
            Self::Streaming => "/download?bytes=10000",
        }
    }
}

/// Who sends the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    /// Keep-alive clients with think time, and new connections.
    Both,
    /// 190 keep-alive clients without think time: the published conditions.
    Published,
    /// Readers of 3 MB at 1 MB/s, and some of both others.
    Readers,
    /// Some of each kind there is: HTTP/2, WebSockets, events, uploads, downloads, and both others.
    Mixed,
}

/// How the arms differ from what is deployed, for a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Variation {
    /// The service has no preStop hook.
    pub(super) without_prestop: bool,
    /// A replacement becomes ready so long after its start.
    pub(super) ready_after: Duration,
    /// `externalTrafficPolicy: Local`.
    pub(super) local: bool,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scenario {
    /// Its name on the command line.
    pub(super) name: &'static str,
    /// Whose Deployment, if no other is named; whose routes the control serves.
    pub(super) service: Bundled,
    /// Replicas of each arm, at first.
    pub(super) replicas: u32,
    /// What is done.
    pub(super) steps: Steps,
    /// How the arms are set up.
    pub(super) variation: Variation,
    /// Under which load.
    pub(super) clients: Clients,
}

impl Scenario {
    /// Whether pods leave that have no other beside them.
    pub(super) fn is_lone(&self) -> bool {
        self.replicas == 1
    }

    /// Whether its conditions are those under which figures were published.
    pub(super) fn is_published(&self) -> bool {
        self.clients == Clients::Published && self.steps == Steps::new(Step::RollOut, 1)
    }

    /// `10`, or `20 → 1`.
    pub(super) fn replicas_in_words(&self) -> String {
        self.steps.replicas_in_words(self.replicas as usize)
    }

    /// What is done: `10 rolling updates`.
    fn steps_in_words(&self) -> String {
        let Steps { step, times: n, .. } = self.steps;
        match (step, n) {
            (Step::RollOut, 1) => "a rolling update".to_owned(),
            (Step::RollOut, n) => format!("{n} rolling updates"),
            (Step::ScaleTo(_), 1) => "scaled at once".to_owned(),
            (Step::ScaleTo(_), n) => format!("scaled at once, {n} times"),
            (Step::Delete, 1) => "a pod deleted".to_owned(),
            (Step::Delete, n) => format!("a pod deleted, {n} times"),
            (Step::Evict, 1) => "a pod evicted".to_owned(),
            (Step::Evict, n) => format!("a pod evicted, {n} times"),
            (Step::DrainNode, _) => "a node drained".to_owned(),
            (Step::BrokenImage, _) => "a broken image".to_owned(),
        }
    }

    /// How it is set up, if not as deployed.
    pub(super) fn set_up(&self) -> Option<String> {
        let Variation {
            without_prestop,
            ready_after,
            local,
        } = self.variation;
        let parts = [
            without_prestop.then(|| "no preStop".to_owned()),
            (!ready_after.is_zero()).then(|| format!("ready after {ready_after:?}")),
            local.then(|| "externalTrafficPolicy: Local".to_owned()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let replicas = self.replicas_in_words();
        let plural = if replicas == "1" { "" } else { "s" };
        write!(f, "{replicas} replica{plural}, {}", self.steps_in_words())?;
        self.set_up().map_or(Ok(()), |up| write!(f, " ({up})"))
    }
}

/// A scenario on a Deployment.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// The scenario.
    pub(super) scenario: Scenario,
    /// The Deployment's name.
    pub(super) deployment: String,
    /// What its clients get.
    pub(super) target: String,
    /// Whether something that may pool connections leads there: who gives a URL may mean a proxy.
    pub(super) through_proxy: bool,
}

impl Task {
    /// Whether the Deployment is one of ours, which gives the same answer each time.
    pub(super) fn is_bundled(&self) -> bool {
        Bundled::named(&self.deployment).is_some()
    }

    /// Why it is not for this Deployment, if it is not; `on_node_port`: whether a port of every node
    /// leads there.
    pub(super) fn unfit(&self, deployed: &Deployed, on_node_port: bool) -> Option<&'static str> {
        let Variation {
            without_prestop,
            ready_after,
            local,
        } = self.scenario.variation;
        let container = deployed.container()?;
        if without_prestop && container.lifecycle.pre_stop.is_none() {
            return Some("it has no preStop hook");
        }
        if !ready_after.is_zero() && container.readiness_probe.is_none() {
            return Some("it has no readiness probe");
        }
        (local && !on_node_port).then_some("--url leads there, and no NodePort")
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.deployment, self.scenario)
    }
}
