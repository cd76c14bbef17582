//! The drain reports from the pods' termination messages, and the propagation delay that the pods met.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// The part of a drain report that is counted.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct DrainReport {
    phase: Option<String>,
    /// Requests that crossed the end of their connection.
    #[serde(default)]
    pub(super) crossed: u64,
    last_connection_ms: Option<u64>,
    last_sign_ms: Option<u64>,
    #[serde(default)]
    max_reached: bool,
    lame_duck_ms: Option<u64>,
    #[serde(default)]
    streams_told: u64,
    #[serde(default)]
    responses_finished: u64,
}

impl DrainReport {
    /// What a container left behind, if that is the report of a whole drain.
    pub(super) fn of(message: &str) -> Option<Self> {
        let report: Self = serde_json::from_str(message).ok()?;
        (report.phase.as_deref() == Some("stopped")).then_some(report)
    }

    /// When the pod was last chosen by somebody who did not know yet that it was going. A first
    /// request on an old connection is a sign of traffic, too, and says nothing of the kind if it
    /// is a slow client's own; only where no new connection comes at all, a pool may hide them.
    fn last_chosen(&self) -> Option<u64> {
        self.last_connection_ms.or(self.last_sign_ms)
    }

    /// Whether it was still chosen when `drain.max` ended its lame duck.
    fn is_cut_short(&self) -> bool {
        let ended = self.lame_duck_ms.unwrap_or_default();
        let just_before = |ms| ms + STILL >= ended;
        self.max_reached && self.last_chosen().is_some_and(just_before)
    }
}

/// What came in the last second of a lame duck was still coming.
const STILL: u64 = 1_000;

/// The drain reports of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Drains {
    /// Pods of the service that were replaced under load.
    pub(super) pods: u64,
    /// Those of them whose last report was seen.
    pub(super) reports: u64,
    /// Those that saw no sign of traffic after T0.
    pub(super) without_traffic: u64,
    /// Those to which traffic still came when `drain.max` ended their lame ducks.
    pub(super) max_reached: u64,
    /// When pods that had others beside them were last chosen, in milliseconds from T0.
    #[serde(skip)]
    last_chosen: Vec<u64>,
    /// The same of lone pods. Not propagation: until the replacement is ready, a lone pod goes on
    /// getting all there is.
    #[serde(skip)]
    alone: Vec<u64>,
    /// Streams that the drains told to end.
    pub(super) streams_told: u64,
    /// Other responses that were under way when a drain began, and were finished.
    pub(super) responses_finished: u64,
    /// The longest lame duck, in milliseconds.
    pub(super) longest_lame_duck_ms: u64,
    /// One report, whole.
    pub(super) example: Option<Example>,
}

/// A report and whose it is.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Example {
    /// The pod.
    pub(super) pod: String,
    /// What it left behind, as it was written.
    #[serde(serialize_with = "as_json")]
    pub(super) report: String,
}

fn as_json<S: Serializer>(report: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let value: Option<Value> = serde_json::from_str(report).ok();
    value.serialize(serializer)
}

/// The delays, in milliseconds, with which traffic stopped to reach deleted pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Propagation {
    pub(super) pods: usize,
    pub(super) median_ms: u64,
    pub(super) p95_ms: u64,
    pub(super) longest_ms: u64,
}

impl Propagation {
    fn of(delays: &[u64]) -> Option<Self> {
        let mut sorted = delays.to_vec();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        // The nearest rank: a value that was measured.
        let rank = |percent: usize| sorted[((last + 1) * percent).div_ceil(100).max(1) - 1];
        Some(Self {
            pods: sorted.len(),
            median_ms: rank(50),
            p95_ms: rank(95),
            longest_ms: sorted[last],
        })
    }
}

impl fmt::Display for Propagation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |ms: u64| ms as f64 / 1_000.0;
        let (median, p95) = (seconds(self.median_ms), seconds(self.p95_ms));
        let longest = seconds(self.longest_ms);
        write!(
            f,
            "median {median:.2} s, p95 {p95:.2} s, longest {longest:.2} s"
        )
    }
}

impl Drains {
    /// Enters what a pod left behind; `alone`: it had no other beside it.
    pub(super) fn enter(&mut self, pod: &str, message: &str, alone: bool) {
        self.pods += 1;
        let Some(report) = DrainReport::of(message) else {
            return;
        };
        self.reports += 1;
        self.streams_told += report.streams_told;
        self.responses_finished += report.responses_finished;
        let lame_duck = report.lame_duck_ms.unwrap_or_default();
        self.longest_lame_duck_ms = self.longest_lame_duck_ms.max(lame_duck);
        self.max_reached += u64::from(report.is_cut_short() && !alone);
        match (report.last_chosen(), alone) {
            (None, _) => self.without_traffic += 1,
            (Some(ms), false) => self.last_chosen.push(ms),
            (Some(ms), true) => self.alone.push(ms),
        }
        if self.example.is_none() && report.last_chosen().is_some() && !alone {
            self.example = Some(Example {
                pod: pod.to_owned(),
                report: message.trim().to_owned(),
            });
        }
    }

    /// How late the cluster's nodes learnt that pods were gone.
    pub(super) fn propagation(&self) -> Option<Propagation> {
        Propagation::of(&self.last_chosen)
    }

    /// Until when lone pods were needed.
    pub(super) fn alone(&self) -> Option<Propagation> {
        Propagation::of(&self.alone)
    }
}

/// What the delays say of `drain.min`: it should be half as long again as the longest, because the
/// next one may be longer, in whole seconds.
pub(super) fn advice(met: &Propagation, min: Duration) -> String {
    let wanted = Duration::from_secs((met.longest_ms * 3 / 2).div_ceil(1_000).max(1));
    let min_is = format!("drain.min = {}", humantime::format_duration(min));
    let longest = Duration::from_millis(met.longest_ms);
    let raise = format!(
        "set LASTCALL__DRAIN__MIN={}",
        humantime::format_duration(wanted)
    );
    if min >= wanted {
        return format!("{min_is} fits this cluster.");
    }
    match min > longest {
        true => format!("{min_is} covers that, with little to spare: {raise}."),
        false => format!("{min_is} is too short for this cluster: {raise}."),
    }
}

#[cfg(test)]
#[path = "drain_reports_tests.rs"]
mod tests;
