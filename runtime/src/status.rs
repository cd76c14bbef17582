//! What `/status` shows.

use std::{collections::BTreeMap, time::Instant};

use serde::Serialize;

use crate::{
    checks::{CheckResult, Checks},
    control::{Control, Workers},
    lifecycle::{Cause, Load, Phase},
};

/// The lifecycle, as the driver publishes it.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) phase: Phase,
    pub(crate) termination: Option<(Instant, Cause)>,
    /// `/prestop` may be answered.
    pub(crate) lame_duck_over: bool,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            phase: Phase::Starting,
            termination: None,
            lame_duck_over: false,
        }
    }
}

/// The answer to `GET /status`.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    phase: Phase,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_t0_ms: Option<u128>,
    lame_duck_over: bool,
    connections: Load,
    requests: usize,
    workers: Workers,
    streams_told: u64,
    responses_finished: u64,
    /// How much runs, by name.
    background: BTreeMap<&'static str, usize>,
    checks: Vec<CheckResult>,
}

impl Status {
    pub(crate) fn page(&self, control: &Control, workers: Workers, checks: &Checks) -> Page {
        Page {
            phase: self.phase,
            cause: self.termination.map(|(_, cause)| cause),
            since_t0_ms: self.termination.map(|(t0, _)| t0.elapsed().as_millis()),
            lame_duck_over: self.lame_duck_over,
            connections: control.ledger.load(),
            requests: control.ledger.requests(),
            workers,
            streams_told: control.ledger.streams_told.get(),
            responses_finished: control.ledger.responses_finished.get(),
            background: control.ledger.background.by_name(),
            checks: checks.results(),
        }
    }
}
