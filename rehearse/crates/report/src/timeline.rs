//! An arm over time in plain text, 80 columns wide: when requests failed, above the lives of the pods
//! to which they had been sent.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::ArmReport;
use crate::events::line::PodChange;
use rehearse_client::log::End;
use rehearse_platform::PodId;

/// How many moments there are.
const CELLS: usize = 68;

/// More pods than this do not fit a screen: those with the most failures are shown.
const MOST_PODS: usize = 10;

/// What a pod is from one of its changes on.
fn state(change: PodChange) -> Option<char> {
    match change {
        PodChange::Created | PodChange::Unready => Some('-'),
        PodChange::Ready => Some('='),
        PodChange::Deleted => Some('>'),
        PodChange::Sigterm => Some('!'),
        PodChange::Exited | PodChange::TornDown => Some(' '),
        PodChange::PrestopEnded | PodChange::Sigkill | PodChange::Reported => None,
    }
}

/// A pod: where it was, and what it was from when on, in seconds.
#[derive(Default)]
struct Life {
    address: Option<SocketAddr>,
    states: Vec<(f64, char)>,
}

impl Life {
    /// Takes in a change. What probes say of a pod that leaves, or has left, changes nothing.
    fn enter(&mut self, at: f64, change: PodChange) {
        let leaves = self
            .states
            .last()
            .is_some_and(|(_, last)| "> !".contains(*last));
        let state = state(change).filter(|state| !leaves || "> !".contains(*state));
        self.states.extend(state.map(|state| (at, state)));
    }
}

/// The lines of an arm that has lost something.
pub(super) fn lines(arm: &ArmReport, began: Instant) -> Vec<String> {
    let seconds = |at: Instant| at.saturating_duration_since(began).as_secs_f64();
    let mut failures = Vec::new();
    for log in arm.clients.iter().map(|kind| &kind.log) {
        for request in &log.requests {
            if let End::Failed(failed) = &request.end {
                let at = request.intended + Duration::from(request.ended);
                failures.push((seconds(at), failed.peer.or_else(|| log.peer(request))));
            }
        }
    }
    let mut pods = BTreeMap::<PodId, Life>::new();
    for event in &arm.pods.history {
        let pod = pods.entry(event.pod).or_default();
        pod.address = Some(event.address);
        pod.enter(seconds(event.at), event.what);
    }
    draw(&failures, &pods)
}

fn draw(failures: &[(f64, Option<SocketAddr>)], pods: &BTreeMap<PodId, Life>) -> Vec<String> {
    let changes = pods
        .values()
        .flat_map(|pod| pod.states.iter().map(|(at, _)| *at));
    let end = failures
        .iter()
        .map(|(at, _)| *at)
        .chain(changes)
        .fold(0.0, f64::max);
    if failures.is_empty() || end == 0.0 {
        return Vec::new();
    }
    let of = |life: &Life| {
        failures
            .iter()
            .filter(|(_, peer)| *peer == life.address)
            .count()
    };
    let mut hit: Vec<_> = pods.iter().filter(|(_, life)| of(life) > 0).collect();
    hit.sort_by_key(|(_, life)| std::cmp::Reverse(of(life)));
    hit.truncate(MOST_PODS);
    hit.sort_by_key(|(pod, _)| **pod);
    let moment = end / CELLS as f64;
    let failed = (0..CELLS).map(|cell| {
        let within = |at: f64| ((at / moment) as usize).min(CELLS - 1) == cell;
        match failures.iter().filter(|(at, _)| within(*at)).count() {
            0 => ' ',
            n @ 1..=9 => char::from(b'0' + n as u8),
            _ => '#',
        }
    });
    let mut lines = vec![format!(
        "  failed   {}",
        failed.collect::<String>().trim_end()
    )];
    lines.extend(hit.into_iter().map(|(pod, life)| {
        let cells = (1..=CELLS).map(|cell| {
            let until = cell as f64 * moment;
            let last = life.states.iter().rfind(|(at, _)| *at < until);
            last.map_or(' ', |(_, state)| *state)
        });
        let pod = format!("pod {pod}");
        format!("  {pod:<8} {}", cells.collect::<String>().trim_end())
    }));
    lines.push(format!(
        "  0 to {end:.1} s: - starting  = ready  > deleted  ! SIGTERM; # 10 failures or more"
    ));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_stand_above_what_their_pod_was_at_that_moment() {
        let address = |n: u8| Some(SocketAddr::from(([127, 0, 0, n], 80)));
        let life = |n, states: &[(f64, char)]| Life {
            address: address(n),
            states: states.to_vec(),
        };
        let gone = [
            (0.0, '-'),
            (2.0, '='),
            (20.0, '>'),
            (25.0, '!'),
            (30.0, ' '),
        ];
        let pods = BTreeMap::from([
            (1, life(1, &gone)),
            (2, life(2, &[(0.0, '='), (68.0, ' ')])),
        ]);
        let mut failures = vec![(30.5, address(1)); 12];
        failures.push((26.5, address(1)));
        let lines = draw(&failures, &pods);
        let [failed, pod, axis] = &lines[..] else {
            panic!("{lines:#?}")
        };
        assert_eq!(*failed, format!("  failed   {}1   #", " ".repeat(26)));
        let states = format!("--{}>>>>>!!!!!", "=".repeat(18));
        assert_eq!(*pod, format!("  pod 1    {states}"));
        assert!(axis.contains("0 to 68.0 s"));
        assert!(lines.iter().all(|line| line.chars().count() <= 80));
        assert!(draw(&[], &pods).is_empty());
    }

    #[test]
    fn a_probe_that_fails_brings_no_pod_back() {
        let mut life = Life::default();
        for (at, change) in (0..).map(f64::from).zip([
            PodChange::Created,
            PodChange::Ready,
            PodChange::Deleted,
            PodChange::Unready,
            PodChange::Sigterm,
            PodChange::Exited,
            PodChange::Unready,
        ]) {
            life.enter(at, change);
        }
        let states: String = life.states.iter().map(|(_, state)| *state).collect();
        assert_eq!(states, "-=>! ");
    }
}
