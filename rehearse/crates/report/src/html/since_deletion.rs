//! Failures by the time since their pod was deleted.

use super::arm::{Arm, Failure};
use super::data::ScenarioLog;
use super::pods::Life;
use super::stats::{Latencies, median};

/// Columns of the histograms.
pub(super) const BINS: usize = 150;

/// Failures of an arm by the time since their pod was deleted.
pub(super) struct Offsets<'f> {
    pub(super) inside: Vec<(f64, &'f Failure<'f>)>,
    pub(super) outside: usize,
}

pub(super) fn offsets<'f>(arm: &'f Arm) -> impl Iterator<Item = (f64, &'f Failure<'f>)> {
    arm.failures.iter().filter_map(|failure| {
        let deleted = arm.pod(failure)?.deleted?;
        Some((failure.request.ended_ms - deleted, failure))
    })
}

pub(super) fn inside<'f>(arm: &'f Arm, from: f64, to: f64) -> Offsets<'f> {
    let shown = offsets(arm).filter(|(offset, _)| (from..=to).contains(offset));
    let inside: Vec<_> = shown.collect();
    Offsets {
        outside: arm.failures.len() - inside.len(),
        inside,
    }
}

/// How far after T0 the axis goes, in milliseconds: past nearly all failures, exits and routes.
pub(super) fn reach(scenario_log: &ScenarioLog, offsets: impl Iterator<Item = f64>) -> f64 {
    let failures = Latencies::of(offsets.collect()).quantile(0.98);
    let lives = scenario_log.arms.iter().flat_map(|arm| {
        [
            since(arm, |life| life.exited),
            since(arm, |life| life.unrouted()),
        ]
    });
    let furthest = lives.flatten().chain(failures).fold(0.0, f64::max);
    (furthest * 1.1).clamp(500.0, 60_000.0)
}

/// The median time from T0 to a moment of the pods of an arm.
pub(super) fn since(arm: &Arm, moment: fn(&Life) -> Option<f64>) -> Option<f64> {
    let since = arm
        .pods
        .iter()
        .filter_map(|life| Some(moment(life)? - life.deleted?));
    median(since)
}

pub(super) fn bins<'f>(of: &Offsets<'f>, from: f64, to: f64) -> Vec<Vec<&'f Failure<'f>>> {
    let mut bins = vec![Vec::new(); BINS];
    for (offset, failure) in &of.inside {
        let bin = ((offset - from) / (to - from) * BINS as f64) as usize;
        bins[bin.min(BINS - 1)].push(*failure);
    }
    bins
}
