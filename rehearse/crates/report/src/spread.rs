//! How requests of kept connections were spread over the replicas, before the steps and some time
//! after them: a new replica gets new connections by itself, but kept ones only if they are closed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;

use comfy_table::Table;
use serde::Serialize;
use tokio::time::Instant;

use super::table::{align, table};
use super::{ArmReport, thousands};
use rehearse_arm::load::{Kind, KindOutcome};
use rehearse_arm::{ArmOutcome, Held};
use rehearse_platform::{PodChange, PodEvent, PodId};

/// Both times that are compared.
#[derive(Debug, Serialize)]
pub struct Spread {
    /// Half of the hold, up to the first step.
    pub before: Shares,
    /// The second half of the hold.
    pub after: Shares,
}

/// What each replica got in a part of the run.
#[derive(Debug, Serialize)]
pub struct Shares {
    /// When the part began, in milliseconds from the beginning of the scenario, as in the log of events.
    pub from_ms: f64,
    /// When it ended.
    pub to_ms: f64,
    /// Requests that began in it, but for those on connections that are for one request anyway.
    pub requests: u64,
    /// The largest share as a multiple of the fair one: 1 is even. `None` if there was no request.
    pub most_to_fair: Option<f64>,
    /// The replicas that served then, with those that got nothing.
    pub replicas: Vec<Share>,
}

/// One replica's share.
#[derive(Debug, Serialize)]
pub struct Share {
    /// Its number.
    pub pod: PodId,
    /// Whether the steps have added it.
    pub added: bool,
    /// How many requests it got.
    pub requests: u64,
    /// How many of a hundred.
    pub percent: f64,
}

/// When a pod served, as far as new connections go.
#[derive(Debug)]
struct Served {
    address: SocketAddr,
    ready: Instant,
    left: Option<Instant>,
}

impl Spread {
    /// Of an arm whose load was held.
    pub(super) fn of(outcome: &ArmOutcome, began: Instant) -> Option<Self> {
        let Held { before, after } = outcome.held.as_ref()?;
        let pods = served(&outcome.happened.pods.history);
        let shares = |part: &Range<Instant>| {
            let there = pods.iter().filter(|(_, pod)| pod.was_there(part));
            let counts = counts(&outcome.kinds, part);
            let replicas = there.map(|(id, pod)| Share {
                pod: *id,
                added: pod.ready >= before.end,
                requests: counts.get(&pod.address).copied().unwrap_or(0),
                percent: 0.0,
            });
            let ms = |at: Instant| at.saturating_duration_since(began).as_secs_f64() * 1e3;
            Shares::new(ms(part.start)..ms(part.end), replicas.collect())
        };
        Some(Self {
            before: shares(before),
            after: shares(after),
        })
    }
}

impl Shares {
    fn new(part: Range<f64>, mut replicas: Vec<Share>) -> Self {
        let requests: u64 = replicas.iter().map(|replica| replica.requests).sum();
        for replica in &mut replicas {
            replica.percent = 100.0 * replica.requests as f64 / requests.max(1) as f64;
        }
        let most = replicas.iter().map(|replica| replica.requests).max();
        let most = most.filter(|most| *most > 0);
        Self {
            from_ms: part.start,
            to_ms: part.end,
            requests,
            most_to_fair: most.map(|most| (most * replicas.len() as u64) as f64 / requests as f64),
            replicas,
        }
    }

    fn of_pod(&self, pod: PodId) -> Option<&Share> {
        self.replicas.iter().find(|replica| replica.pod == pod)
    }
}

impl Served {
    fn was_there(&self, part: &Range<Instant>) -> bool {
        self.ready < part.end && self.left.is_none_or(|left| left > part.start)
    }
}

/// Every pod that became ready.
fn served(history: &[PodEvent]) -> BTreeMap<PodId, Served> {
    let mut pods: BTreeMap<PodId, Served> = BTreeMap::new();
    for event in history {
        match event.what {
            PodChange::Ready => {
                pods.entry(event.pod).or_insert(Served {
                    address: event.address,
                    ready: event.at,
                    left: None,
                });
            }
            PodChange::Deleted | PodChange::Exited | PodChange::TornDown => {
                if let Some(pod) = pods.get_mut(&event.pod) {
                    pod.left.get_or_insert(event.at);
                }
            }
            _ => {}
        }
    }
    pods
}

/// How many requests of kept connections began in this part, by where their connection led.
fn counts(kinds: &[KindOutcome], part: &Range<Instant>) -> BTreeMap<SocketAddr, u64> {
    let mut counts = BTreeMap::new();
    let kept = kinds.iter().filter(|kind| kind.kind != Kind::OneShot);
    for log in kept.map(|kind| &kind.log) {
        let in_part = log
            .requests
            .iter()
            .filter(|request| part.contains(&request.began()));
        for peer in in_part.filter_map(|request| log.peer(request)) {
            *counts.entry(peer).or_default() += 1;
        }
    }
    counts
}

/// A row for each replica, and before and after of each arm that was held.
pub(super) fn spread(arms: &[ArmReport]) -> Option<Table> {
    let held = arms
        .iter()
        .filter_map(|arm| Some((arm.arm, arm.spread.as_ref()?)));
    let (names, spreads): (Vec<_>, Vec<_>) = held.unzip();
    let parts: Vec<&Shares> = spreads
        .iter()
        .flat_map(|spread| [&spread.before, &spread.after])
        .collect();
    if parts.is_empty() {
        return None;
    }
    let arms = names
        .iter()
        .flat_map(|arm| [format!("{arm}\nbefore"), "\nafter".to_owned()]);
    let head: Vec<String> = std::iter::once("on kept\nconnections".to_owned())
        .chain(arms)
        .collect();
    let mut table = table(&head.iter().map(String::as_str).collect::<Vec<_>>());
    let replicas = parts.iter().flat_map(|part| &part.replicas);
    let pods: BTreeSet<(PodId, bool)> = replicas
        .map(|replica| (replica.pod, replica.added))
        .collect();
    table.add_rows(pods.into_iter().map(|(pod, added)| {
        let name = format!("pod {pod}{}", if added { ", new" } else { "" });
        let cells = parts.iter().map(|part| cell(part.of_pod(pod)));
        std::iter::once(name).chain(cells).collect::<Vec<_>>()
    }));
    let evenness = parts.iter().map(|part| evenness(part.most_to_fair));
    table.add_row(std::iter::once("most / fair".to_owned()).chain(evenness));
    Some(align(table))
}

/// `1,234 33%`; less than one in a hundred has a digit more, and never looks like none.
fn cell(share: Option<&Share>) -> String {
    let Some(share) = share else {
        return "-".to_owned();
    };
    let percent = match share.percent {
        0.0 => "0".to_owned(),
        small if small < 0.1 => "<0.1".to_owned(),
        small if small < 1.0 => format!("{small:.1}"),
        percent => format!("{percent:.0}"),
    };
    format!("{} {percent}%", thousands(share.requests))
}

fn evenness(most_to_fair: Option<f64>) -> String {
    most_to_fair.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"))
}

#[cfg(test)]
#[path = "spread_tests.rs"]
mod tests;
