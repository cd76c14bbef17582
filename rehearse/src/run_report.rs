//! A run under the model, summed up.

use serde::Serialize;

use crate::rehearsal::Conditions;
use rehearse_report::{ScenarioReport, Verdict};

/// A whole run, as it appears in JSON.
#[derive(Debug, Serialize)]
pub struct Report {
    /// This program's version.
    pub version: &'static str,
    /// Repeats the run's delays and schedules.
    pub seed: u64,
    /// How late nodes learnt of changes, in words.
    pub propagation: String,
    /// How long a packet took between clients and services, one way, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_delay_ms: Option<u128>,
    /// One a service.
    pub scenarios: Vec<ScenarioReport>,
    /// The worst of the scenarios' verdicts.
    pub verdict: Verdict,
    /// What this process exits with.
    pub exit_code: u8,
}

impl Report {
    /// Sums up a run. One that was over before any scenario was interrupted.
    pub fn new(conditions: &Conditions, scenarios: Vec<ScenarioReport>) -> Self {
        let verdict = scenarios.iter().map(|scenario| scenario.verdict).max();
        let verdict = verdict.unwrap_or(Verdict::Interrupted);
        Self {
            version: env!("CARGO_PKG_VERSION"),
            seed: conditions.seed,
            propagation: conditions.propagation.to_string(),
            network_delay_ms: conditions.network_delay.map(|delay| delay.as_millis()),
            scenarios,
            verdict,
            exit_code: verdict.exit_code(),
        }
    }

    /// What is needed to repeat the run.
    pub fn footer(&self) -> String {
        let network = self.network_delay_ms.map_or_else(String::new, |delay| {
            format!(" Each packet between clients and services took {delay} ms.")
        });
        format!(
            "Latencies in milliseconds, from each request's intended start; by kind of client: \
             failed/all.\nPropagation: {}.{network} Repeat with --seed {}.",
            self.propagation, self.seed
        )
    }
}
