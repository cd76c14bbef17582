//! Readiness checks: whether what a service depends on is there, asked in the background.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use anyhow::anyhow;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use serde::{Serialize, Serializer};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::{clock, settings::Checks as Settings};

/// A readiness check of the author, and its name.
pub(crate) struct Check<St> {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn Fn(St) -> LocalBoxFuture<'static, anyhow::Result<()>> + Send>,
}

/// The results of all checks.
#[derive(Debug, Default)]
pub(crate) struct Checks(Mutex<Vec<CheckResult>>);

/// What is known of a check.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CheckResult {
    pub(crate) name: &'static str,
    pub(crate) state: State,
    /// Since when it has been in this state.
    #[serde(rename = "since_ms", serialize_with = "age")]
    since: Instant,
    /// Why it failed the last time, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Results in a row that say otherwise than the state.
    #[serde(skip)]
    against: u32,
}

/// Whether a check passes, as far as readiness goes: a single result need not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// It has not been asked yet.
    Unknown,
    Passing,
    Failing,
}

impl CheckResult {
    fn new(name: &'static str, now: Instant) -> Self {
        Self {
            name,
            state: State::Unknown,
            since: now,
            error: None,
            against: 0,
        }
    }

    /// Takes a result into account. The first one counts at once; later ones only as many in a row as
    /// it takes, so that a blip changes nothing. True if the state has changed.
    fn record(&mut self, result: Result<(), String>, settings: &Settings, now: Instant) -> bool {
        let (state, threshold) = match &result {
            Ok(()) => (State::Passing, settings.success_threshold),
            Err(_) => (State::Failing, settings.failure_threshold),
        };
        self.error = result.err();
        if state == self.state {
            self.against = 0;
            return false;
        }
        self.against += 1;
        if self.state != State::Unknown && self.against < threshold {
            return false;
        }
        (self.state, self.since, self.against) = (state, now, 0);
        true
    }

    /// A line for people: which, since when, why.
    fn line(&self) -> String {
        let seconds = self.since.elapsed().as_secs();
        let state = match self.state {
            State::Unknown => "not checked yet",
            State::Passing => "passing",
            State::Failing => "failing",
        };
        let why = self.error.as_ref().map(|error| format!(": {error}"));
        format!(
            "{}: {state} for {seconds} s{}\n",
            self.name,
            why.unwrap_or_default()
        )
    }
}

impl Checks {
    /// None of these has been asked yet.
    pub(crate) fn new(names: impl Iterator<Item = &'static str>) -> Arc<Self> {
        let now = clock::now();
        let results = names.map(|name| CheckResult::new(name, now)).collect();
        Arc::new(Self(Mutex::new(results)))
    }

    /// Whether all pass.
    pub(crate) fn pass(&self) -> bool {
        self.lock()
            .iter()
            .all(|check| check.state == State::Passing)
    }

    /// What is known, a line each.
    pub(crate) fn lines(&self) -> String {
        self.lock().iter().map(CheckResult::line).collect()
    }

    pub(crate) fn results(&self) -> Vec<CheckResult> {
        self.lock().clone()
    }

    fn record(&self, name: &str, result: Result<(), String>, settings: &Settings) {
        let mut results = self.lock();
        let Some(check) = results.iter_mut().find(|check| check.name == name) else {
            return;
        };
        if !check.record(result, settings, clock::now()) {
            return;
        }
        match (check.state, &check.error) {
            (State::Failing, error) => {
                let error = error.as_deref().unwrap_or_default();
                tracing::warn!(check = name, error, "a readiness check fails: not ready");
            }
            _ => tracing::info!(check = name, "a readiness check passes"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<CheckResult>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<St: Clone> Check<St> {
    /// Asks again and again, for as long as the process lives.
    pub(crate) async fn run(self, state: St, checks: Arc<Checks>, settings: Settings) {
        let mut turns = interval(settings.interval);
        // One that takes long is not asked again at once.
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turns.tick().await;
            let ask = async { (self.run)(state.clone()).await };
            let ask = AssertUnwindSafe(ask).catch_unwind();
            let result = match timeout(settings.timeout, ask).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(anyhow!("it panicked")),
                Err(_) => Err(anyhow!("no answer within {:?}", settings.timeout)),
            };
            let result = result.map_err(|error| format!("{error:#}"));
            checks.record(self.name, result, &settings);
        }
    }
}

fn age<S: Serializer>(since: &Instant, sink: S) -> Result<S::Ok, S::Error> {
    sink.serialize_u64(crate::report::millis(since.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn states(results: &[bool]) -> Vec<State> {
        let settings = Settings::default();
        let mut check = CheckResult::new("database", Instant::now());
        let record = |passed: &bool| {
            let result = if *passed {
                Ok(())
            } else {
                Err("no".to_owned())
            };
            check.record(result, &settings, Instant::now());
            check.state
        };
        results.iter().map(record).collect()
    }

    #[test]
    fn the_first_result_counts_at_once() {
        assert_eq!(states(&[true]), [State::Passing]);
        assert_eq!(states(&[false]), [State::Failing]);
    }

    #[test]
    fn a_blip_changes_nothing_and_three_failures_in_a_row_do() {
        use State::{Failing, Passing};
        assert_eq!(
            states(&[true, false, false, true, false, false, false, true]),
            [
                Passing, Passing, Passing, Passing, Passing, Passing, Failing, Passing
            ]
        );
    }

    #[test]
    fn without_checks_all_pass_and_one_that_was_not_asked_does_not() {
        assert!(Checks::default().pass());
        let checks = Checks::new(["database"].into_iter());
        assert!(!checks.pass());
        assert!(checks.lines().starts_with("database: not checked yet for"));
        checks.record("database", Ok(()), &Settings::default());
        assert!(checks.pass());
    }
}
