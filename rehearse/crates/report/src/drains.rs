//! The drain reports of a run, and the propagation delay that its pods met.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::ArmReport;
use rehearse_arm::ArmName;
use rehearse_platform::{DrainReport, Ledger, PodChange, PodEvent};

/// Where the pods stood that reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// None had another beside it.
    pub lone: bool,
    /// Clients came through something that may pool connections.
    pub pooled: bool,
}

/// The drain reports of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Drains {
    /// Pods of the service that were replaced under load.
    pub pods: u64,
    /// Those of them whose last report was seen.
    pub reports: u64,
    /// Those that nobody chose any more after T0.
    pub without_traffic: u64,
    /// Those that were still chosen when `drain.max` ended their lame ducks.
    pub max_reached: u64,
    /// When pods that had others beside them were last chosen, in milliseconds from T0.
    #[serde(skip)]
    last_chosen: Vec<u64>,
    /// The same of lone pods. Not propagation: until the replacement is ready, a lone pod goes on
    /// getting all there is.
    #[serde(skip)]
    alone: Vec<u64>,
    /// Streams that the drains told to end.
    pub streams_told: u64,
    /// Other responses that were under way when a drain began, and were finished.
    pub responses_finished: u64,
    /// The longest lame duck, in milliseconds.
    pub longest_lame_duck_ms: u64,
    /// One report, whole.
    pub example: Option<Example>,
}

/// A report and whose it is.
#[derive(Clone, Debug, Serialize)]
pub struct Example {
    /// The pod.
    pub pod: String,
    /// What it left behind, as it was written.
    #[serde(serialize_with = "as_json")]
    pub report: String,
}

fn as_json<S: Serializer>(report: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let value: Option<Value> = serde_json::from_str(report).ok();
    value.serialize(serializer)
}

/// The delays, in milliseconds, with which traffic stopped to reach deleted pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Propagation {
    pub pods: usize,
    pub median_ms: u64,
    pub p95_ms: u64,
    pub longest_ms: u64,
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
    /// What the service's pods reported of one scenario. `None`: none reported anything.
    pub(crate) fn of(arms: &[ArmReport], surroundings: Surroundings) -> Option<Self> {
        let mut drains = Self::default();
        let service = arms.iter().find(|arm| arm.arm == ArmName::Service)?;
        drains.enter_all(&service.pods, surroundings);
        (drains.reports > 0).then_some(drains)
    }

    /// Enters the pods of an arm that were replaced.
    pub fn enter_all(&mut self, pods: &Ledger, surroundings: Surroundings) {
        let told = |what: PodChange| move |event: &&PodEvent| event.what == what;
        for deleted in pods.history.iter().filter(told(PodChange::Deleted)) {
            let mut of = pods.history.iter().filter(|event| event.pod == deleted.pod);
            let detail = |event: &PodEvent| event.detail.clone().unwrap_or_default();
            let has_gone = of.clone().any(|event| event.what == PodChange::Exited);
            if has_gone {
                let report = of.clone().find(told(PodChange::Reported)).map(detail);
                let name = of.find(told(PodChange::Created)).map(detail);
                let name = name.filter(|name| !name.is_empty());
                let name = name.unwrap_or_else(|| deleted.pod.to_string());
                self.enter(&name, &report.unwrap_or_default(), surroundings);
            }
        }
    }

    /// Enters what a pod left behind.
    fn enter(&mut self, pod: &str, message: &str, surroundings: Surroundings) {
        let Surroundings { lone, pooled } = surroundings;
        self.pods += 1;
        let Some(report) = DrainReport::of(message).filter(DrainReport::is_whole) else {
            return;
        };
        self.reports += 1;
        self.streams_told += report.streams_told;
        self.responses_finished += report.responses_finished;
        let lame_duck = report.lame_duck_ms.unwrap_or_default();
        self.longest_lame_duck_ms = self.longest_lame_duck_ms.max(lame_duck);
        self.max_reached += u64::from(report.is_cut_short(pooled) && !lone);
        let last = report.last_chosen(pooled);
        match (last, lone) {
            (None, _) => self.without_traffic += 1,
            (Some(ms), false) => self.last_chosen.push(ms),
            (Some(ms), true) => self.alone.push(ms),
        }
        if self.example.is_none() && last.is_some() && !lone {
            self.example = Some(Example {
                pod: pod.to_owned(),
                report: message.trim().to_owned(),
            });
        }
    }

    /// How long traffic came to deleted pods, and whether it came for too long.
    pub fn in_words(&self) -> Vec<String> {
        let met = self.propagation().map(|met| {
            let pods = pods(met.pods as u64);
            let lame_duck = self.longest_lame_duck_ms as f64 / 1_000.0;
            format!(
                "Propagation, the last new connection after T0 ({pods}): {met}; longest lame duck \
                 {lame_duck:.2} s."
            )
        });
        let cut_short = (self.max_reached > 0).then(|| {
            format!(
                "To {} new connections still came when drain.max ended their lame ducks, and those \
                 that come behind it are refused: raise drain.max, and the grace period with it.",
                pods(self.max_reached)
            )
        });
        met.into_iter().chain(cut_short).collect()
    }

    /// How late the cluster's nodes learnt that pods were gone.
    pub fn propagation(&self) -> Option<Propagation> {
        Propagation::of(&self.last_chosen)
    }

    /// Until when lone pods were needed.
    pub fn alone(&self) -> Option<Propagation> {
        Propagation::of(&self.alone)
    }
}

fn pods(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} pod{plural}")
}

/// What the delays say of `drain.min`: it should be half as long again as the longest, because the
/// next one may be longer, in whole seconds.
pub fn advice(met: &Propagation, min: Duration) -> String {
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
#[path = "drains_tests.rs"]
mod tests;
