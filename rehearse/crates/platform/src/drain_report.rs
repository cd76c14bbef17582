//! The drain report that a pod of Lastcall leaves in its log and its termination message.

use serde::Deserialize;

/// What is counted of a drain report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DrainReport {
    phase: Option<String>,
    /// Requests that crossed the end of their connection.
    pub crossed: u64,
    /// When the last new connection came, in milliseconds from T0: the pod was chosen by somebody who
    /// did not know yet that it was going. A first request on an old connection is a sign of traffic,
    /// too, and says nothing of the kind: it may be a slow client's own.
    pub last_connection_ms: Option<u64>,
    /// When the last sign of traffic came, likewise.
    last_sign_ms: Option<u64>,
    /// Whether it was `drain.max` that ended the lame duck.
    pub max_reached: bool,
    /// How long the lame duck lasted, in milliseconds.
    pub lame_duck_ms: Option<u64>,
    /// Streams that were told to end.
    pub streams_told: u64,
    /// Other responses that were under way when the drain began, and were finished.
    pub responses_finished: u64,
}

/// What came in the last second of a lame duck was still coming.
const STILL: u64 = 1_000;

impl DrainReport {
    /// Reads a report. `None`: it is none.
    pub fn of(text: &str) -> Option<Self> {
        let report: Self = serde_json::from_str(text).ok()?;
        report.phase.is_some().then_some(report)
    }

    /// Whether it is the last one, of a whole drain.
    pub fn is_whole(&self) -> bool {
        self.phase.as_deref() == Some("stopped")
    }

    /// When the pod was last chosen by somebody who did not know yet that it was going. `pooled`: a
    /// proxy's pool stands before it, which may use up old connections before it opens a new one.
    pub fn last_chosen(&self, pooled: bool) -> Option<u64> {
        let sign = self.last_sign_ms.filter(|_| pooled);
        self.last_connection_ms.or(sign)
    }

    /// Whether it was still chosen when `drain.max` ended its lame duck: who comes behind that is
    /// refused.
    pub fn is_cut_short(&self, pooled: bool) -> bool {
        let ended = self.lame_duck_ms.unwrap_or_default();
        let just_before = |ms| ms + STILL >= ended;
        self.max_reached && self.last_chosen(pooled).is_some_and(just_before)
    }
}
