//! What is seen while a rehearsal runs: a bar for each arm on a terminal, else a line every few
//! seconds; always on standard error.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::load::Meter;
use crate::name::ArmName;
use rehearse_platform::Steps;

/// Between two plain lines.
const LINES: Duration = Duration::from_secs(5);

/// Between two redraws of the bars.
const REDRAW: Duration = Duration::from_millis(200);

/// How far an arm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Its pods are becoming ready.
    Starting,
    /// Its clients are getting their first responses.
    WarmingUp,
    /// Its steps are being taken.
    Steps,
    /// All steps are taken, and the last pods are leaving.
    Settling,
    /// It has settled, and waits for the other arms under its load.
    Settled,
    /// Every arm has settled, and the load goes on.
    Holding,
    /// Its processes are being ended.
    Ending,
}

const PHASES: [(Phase, &str); 7] = [
    (Phase::Starting, "starting"),
    (Phase::WarmingUp, "warming up"),
    (Phase::Steps, ""),
    (Phase::Settling, "draining"),
    (Phase::Settled, "settled"),
    (Phase::Holding, "holding"),
    (Phase::Ending, "done"),
];

/// One arm's live state.
pub struct ArmProgress {
    arm: ArmName,
    noun: &'static str,
    steps: u64,
    taken: AtomicU64,
    phase: AtomicU8,
    meters: Mutex<Vec<Meter>>,
}

impl ArmProgress {
    /// An arm that has not begun.
    pub fn new(arm: ArmName, steps: Steps) -> Self {
        Self {
            arm,
            noun: steps.step.noun(),
            steps: steps.times as u64,
            taken: AtomicU64::new(0),
            phase: AtomicU8::new(Phase::Starting as u8),
            meters: Mutex::default(),
        }
    }

    /// The arm is in this phase now.
    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// One more step is taken.
    pub fn step_taken(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters to show.
    pub fn watch(&self, meters: &[Meter]) {
        *self.meters.lock().unwrap_or_else(PoisonError::into_inner) = meters.to_vec();
    }

    fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    fn is_halfway(&self) -> bool {
        let under_way = self.phase.load(Ordering::Relaxed) >= Phase::Steps as u8;
        under_way && self.taken() >= self.steps / 2
    }

    /// `rollout 3/8, 12,345 requests, 17 failed`.
    fn words(&self) -> String {
        let phase = PHASES[usize::from(self.phase.load(Ordering::Relaxed))].1;
        let meters = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |figure: fn(&Meter) -> u64| thousands(meters.iter().map(figure).sum());
        let (requests, failed) = (sum(Meter::requests), sum(Meter::failed));
        let step = format!("{} {}/{}", self.noun, self.taken(), self.steps);
        let state = if phase.is_empty() {
            step
        } else {
            phase.to_owned()
        };
        format!("{state}, {requests} requests, {failed} failed")
    }
}

/// Waits until every arm has taken half of its steps, or is to take the only one.
pub async fn halfway(arms: &[ArmProgress]) {
    while !arms.iter().all(ArmProgress::is_halfway) {
        tokio::time::sleep(REDRAW).await;
    }
}

/// Shows the arms' progress until it is dropped (best in a `select!`); never returns.
pub async fn show(arms: &[ArmProgress], quiet: bool) -> std::convert::Infallible {
    match (quiet, std::io::stderr().is_terminal()) {
        (true, _) => std::future::pending().await,
        (false, true) => bars(arms).await,
        (false, false) => lines(arms).await,
    }
}

async fn bars(arms: &[ArmProgress]) -> std::convert::Infallible {
    let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{prefix:>14} {bar:20} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = |arm: &ArmProgress| {
        let bar = all
            .add(ProgressBar::new(arm.steps))
            .with_style(style.clone());
        Cleared(bar.with_prefix(arm.arm.to_string()))
    };
    let bars: Vec<Cleared> = arms.iter().map(bar).collect();
    loop {
        for (bar, arm) in bars.iter().zip(arms) {
            bar.0.set_position(arm.taken());
            bar.0.set_message(arm.words());
        }
        tokio::time::sleep(REDRAW).await;
    }
}

/// A bar that leaves the screen with whoever shows it.
struct Cleared(ProgressBar);

impl Drop for Cleared {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// `61,204`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

async fn lines(arms: &[ArmProgress]) -> std::convert::Infallible {
    let start = Instant::now();
    loop {
        tokio::time::sleep(LINES).await;
        let mut line = format!("{:>4} s", start.elapsed().as_secs());
        for arm in arms {
            let _infallible = write!(line, " | {}: {}", arm.arm, arm.words());
        }
        eprintln!("{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        let grouped = [0, 999, 1_000, 61_204, 1_234_567].map(thousands);
        assert_eq!(grouped, ["0", "999", "1,000", "61,204", "1,234,567"]);
    }

    #[test]
    fn every_phase_has_its_words() {
        for (index, (phase, _)) in PHASES.iter().enumerate() {
            assert_eq!(usize::from(*phase as u8), index);
        }
    }
}
