//! Runs cases, several at a time, each on processes of its own.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::case::{Case, Outcome, Stop};
use super::delay::{DelayMonitor, judged, tolerance};
use super::finding::Finding;
use super::launcher::Launcher;
use super::subject::Subject;
use rehearse_model::address::AddressPool;

/// How often a case is begun that this machine is too slow to judge.
const ATTEMPTS: usize = 4;

/// Over the deadline, until an observation is given up.
const PATIENCE: Duration = Duration::from_secs(90);

/// Between two lines of progress, where there is no terminal.
const LINES: Duration = Duration::from_secs(5);

/// Runs all cases, or until it is interrupted; the findings come in the order of the cases. When this
/// returns, or is dropped, every process that it has started has been ended.
pub(super) async fn run(
    subject: &Subject,
    addresses: &AddressPool,
    cases: &[&'static Case],
    jobs: usize,
    quiet: bool,
    monitor: &DelayMonitor,
    interrupt: &CancellationToken,
) -> Vec<Finding> {
    let progress = Progress::new(cases.len(), quiet);
    let progress = &progress;
    let numbered = stream::iter(cases.iter().enumerate());
    let findings = numbered.map(|(number, case)| async move {
        let began = Instant::now();
        let outcome = one(subject, addresses, case, monitor).await;
        progress.done(case, &outcome);
        (number, Finding::new(case, outcome, began.elapsed()))
    });
    let findings = findings.buffer_unordered(jobs);
    let findings = findings.take_until(interrupt.cancelled());
    let mut findings: Vec<_> = findings.collect().await;
    findings.sort_by_key(|(number, _)| *number);
    findings.into_iter().map(|(_, finding)| finding).collect()
}

async fn one(
    subject: &Subject,
    addresses: &AddressPool,
    case: &Case,
    monitor: &DelayMonitor,
) -> Outcome {
    let unmet = case
        .requires
        .iter()
        .filter(|feature| !feature.is_met(subject));
    let options: Vec<&str> = unmet.map(|feature| feature.option()).collect();
    if !options.is_empty() {
        return Err(Stop::not_applicable(options.join(", ")));
    }
    let limit = subject.deadline + PATIENCE;
    let tolerance = tolerance(subject.lame_duck);
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let launcher = Launcher::new(subject, addresses);
        let observed = timeout(limit, (case.observe)(&launcher)).await;
        let outcome =
            observed.unwrap_or_else(|_| Err(Stop::failed(format!("no end of it after {limit:?}"))));
        let delay = launcher.first_termination();
        let delay = delay.map_or(Duration::ZERO, |then| monitor.longest_since(then));
        match judged(outcome, delay, tolerance) {
            Err(Stop::Inconclusive(why)) => last = why,
            outcome => return outcome,
        }
    }
    Err(Stop::Inconclusive(format!(
        "{ATTEMPTS} times; fewer --jobs may help ({last})"
    )))
}

/// A bar on a terminal, else a line now and then; always on standard error.
struct Progress {
    bar: ProgressBar,
    lines: Option<Mutex<Lines>>,
    all: usize,
}

struct Lines {
    done: usize,
    failed: usize,
    began: Instant,
    last: Instant,
}

impl Progress {
    fn new(all: usize, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let target = match terminal {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let style = ProgressStyle::with_template("{bar:20} {pos}/{len} cases, {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let now = Instant::now();
        let lines = Lines {
            done: 0,
            failed: 0,
            began: now,
            last: now,
        };
        let bar = ProgressBar::with_draw_target(Some(all as u64), target).with_style(style);
        bar.enable_steady_tick(LINES / 20);
        Self {
            bar,
            lines: (!quiet && !terminal).then(|| Mutex::new(lines)),
            all,
        }
    }

    fn done(&self, case: &Case, outcome: &Outcome) {
        self.bar.inc(1);
        self.bar.set_message(format!("last {}", case.name));
        let Some(lines) = &self.lines else { return };
        let mut lines = lines
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        lines.done += 1;
        lines.failed += usize::from(matches!(outcome, Err(Stop::Failed(_))));
        if lines.last.elapsed() >= LINES {
            let (seconds, all) = (lines.began.elapsed().as_secs(), self.all);
            let Lines { done, failed, .. } = *lines;
            eprintln!("{seconds:>4} s: {done} of {all} cases, {failed} failed");
            lines.last = Instant::now();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
