//! What became of the pods of an arm in a scenario: how they ended, and their history for the log.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::time::Instant;

use super::arm::Arm;
use super::endpoints::Endpoints;
use super::pods::{Pods, Seen};
use rehearse_kubernetes::Terminated;
use rehearse_platform::PodChange;
use rehearse_platform::PodId;
use rehearse_platform::{DrainReport, Fault, Ledger};
use rehearse_platform::{EndpointEvent, PodEvent};

/// The characters of a termination message that are repeated.
const WORDS: usize = 200;

/// 128 and the signal's number.
const SIGTERM: i32 = 143;

/// The pods of an arm in a scenario.
pub(super) struct ArmPods {
    /// Those that have gone, and then those that are there, numbered in order of creation.
    pods: Vec<(PodId, Seen, Option<Instant>)>,
    /// The name of the container that serves.
    container: String,
    /// Its port, if it declares one, or else 0.
    port: u16,
    /// Whether it is in order to die of SIGTERM: a program that handles it says so by another end.
    may_die_of_sigterm: bool,
}

impl ArmPods {
    /// Those that went since the scenario began and had run, and those that are there.
    pub(super) fn of(arm: &Arm, pods: &Pods) -> Self {
        let selector = arm.deployed.selector();
        let gone = pods.gone.iter().map(|gone| (&gone.seen, Some(gone.at)));
        let gone = gone.filter(|(seen, _)| selector.matches(&seen.pod.metadata.labels));
        // Beside a container whose image cannot be had another may run.
        let gone = gone.filter(|(seen, _)| seen.has_run(arm.deployed.container_name()));
        let present = arm.own(pods).map(|seen| (seen, None));
        let mut all: Vec<(&Seen, Option<Instant>)> = gone.chain(present).collect();
        all.sort_by_key(|(seen, _)| (seen.first_seen(), seen.pod.name().to_owned()));
        let numbered = (1..).zip(all);
        Self {
            pods: numbered
                .map(|(id, (seen, gone))| (id, seen.clone(), gone))
                .collect(),
            container: arm.deployed.container_name().to_owned(),
            port: arm.deployed.port().unwrap_or_default(),
            may_die_of_sigterm: arm.deployed.prestop_command().is_none(),
        }
    }

    fn end<'a>(&self, seen: &'a Seen) -> Option<(Instant, &'a Terminated)> {
        let (at, state) = seen.ended.as_ref()?;
        Some((*at, state.end(&self.container)?))
    }

    /// Counts them, and puts their histories together.
    pub(super) fn ledger(&self) -> Ledger {
        let mut ledger = Ledger {
            created: self.pods.len() as u64,
            ..Ledger::default()
        };
        for (id, seen, gone) in &self.pods {
            self.note_history(&mut ledger, *id, seen, *gone);
            if gone.is_some() {
                self.count_end(&mut ledger, seen);
            } else if let Some(crash) = seen.pod.crash() {
                note_fault(&mut ledger, seen, Some(crash));
            }
        }
        ledger
    }

    fn count_end(&self, ledger: &mut Ledger, seen: &Seen) {
        ledger.deleted += 1;
        let name = seen.pod.name().to_owned();
        let Some((_, end)) = self.end(seen) else {
            *ledger.exits.entry("not seen".to_owned()).or_default() += 1;
            ledger.unseen.push(name);
            note_fault(ledger, seen, None);
            return;
        };
        *ledger.exits.entry(end.exit_code.to_string()).or_default() += 1;
        match DrainReport::of(&end.message).filter(DrainReport::is_whole) {
            Some(report) => {
                ledger.drain_reports += 1;
                ledger.crossed += report.crossed;
            }
            None => ledger.unreported.push(name),
        }
        let is_good = end.exit_code == 0 || self.may_die_of_sigterm && end.exit_code == SIGTERM;
        let bad = (!is_good).then_some(end).or(seen.pod.crash());
        if bad.is_some() {
            note_fault(ledger, seen, bad);
        }
    }

    fn note_history(&self, ledger: &mut Ledger, id: PodId, seen: &Seen, gone: Option<Instant>) {
        let ip = seen.pod.ip().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let event = |at, what, detail: Option<&str>| PodEvent {
            pod: id,
            address: SocketAddr::new(ip, self.port),
            at,
            what,
            detail: detail.map(str::to_owned),
        };
        let moments = seen.moments.iter().map(|(at, what)| {
            // What `kubectl` calls it.
            let name = (*what == PodChange::Created).then(|| seen.pod.name());
            event(*at, *what, name)
        });
        ledger.history.extend(moments);
        let Some((at, end)) = self.end(seen) else {
            let gone = gone.map(|at| event(at, PodChange::Exited, Some("not seen")));
            ledger.history.extend(gone);
            return;
        };
        let code = end.exit_code.to_string();
        ledger
            .history
            .push(event(at, PodChange::Exited, Some(&code)));
        if DrainReport::of(&end.message).is_some_and(|report| report.is_whole()) {
            let report = end.message.trim();
            let reported = event(at, PodChange::Reported, Some(report));
            ledger.history.push(reported);
        }
    }

    /// What became of their endpoints of this Service. When a node learnt of it nobody can see: at once
    /// is the earliest.
    pub(super) fn endpoints(&self, service: &str, endpoints: &Endpoints) -> Vec<EndpointEvent> {
        let numbers = self.pods.iter().map(|(id, seen, _)| (seen.pod.name(), *id));
        let numbers: BTreeMap<&str, PodId> = numbers.collect();
        let changes = endpoints.changes(service).filter_map(|change| {
            Some(EndpointEvent {
                pod: *numbers.get(change.pod.as_str())?,
                announced: change.at,
                known: change.at,
                condition: change.condition,
            })
        });
        changes.collect()
    }
}

/// `None`: its end was not seen.
fn note_fault(ledger: &mut Ledger, seen: &Seen, bad: Option<&Terminated>) {
    ledger.enter_fault(|| {
        let name = seen.pod.name();
        let what = match bad {
            Some(end) => format!("{name}: exit {} ({})", end.exit_code, end.reason),
            None => format!("{name}: its end was not seen"),
        };
        let message = bad.map_or("", |end| end.message.trim());
        let message: String = message.chars().take(WORDS).collect();
        let stderr = Some(message).filter(|message| !message.is_empty());
        Fault {
            what,
            stderr: stderr.into_iter().collect(),
        }
    });
}

#[cfg(test)]
#[path = "pod_ends_tests.rs"]
mod tests;
