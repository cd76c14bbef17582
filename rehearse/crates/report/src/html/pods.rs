//! A pod's life, and at which moment of it something happened.

use super::line::{Pod, PodChange};
use super::routing::Routed;

/// A pod's life, in milliseconds from the beginning of its scenario.
#[derive(Debug)]
pub(super) struct Life<'a> {
    pub(super) number: u64,
    pub(super) address: &'a str,
    pub(super) created: Option<f64>,
    pub(super) ready: Option<f64>,
    pub(super) unready: Option<f64>,
    pub(super) deleted: Option<f64>,
    pub(super) prestop_ended: Option<f64>,
    pub(super) sigterm: Option<f64>,
    pub(super) sigkill: Option<f64>,
    pub(super) exited: Option<f64>,
    /// Its exit code or signal.
    pub(super) exit: Option<&'a str>,
    /// While clients' nodes route new connections to it.
    pub(super) routed: Routed,
}

impl<'a> Life<'a> {
    pub(super) fn new(number: u64, address: &'a str) -> Self {
        Self {
            number,
            address,
            created: None,
            ready: None,
            unready: None,
            deleted: None,
            prestop_ended: None,
            sigterm: None,
            sigkill: None,
            exited: None,
            exit: None,
            routed: Vec::new(),
        }
    }

    pub(super) fn change(&mut self, pod: &'a Pod) {
        let moment = match pod.what {
            PodChange::Created => &mut self.created,
            PodChange::Ready => &mut self.ready,
            PodChange::Unready => &mut self.unready,
            PodChange::Deleted => &mut self.deleted,
            PodChange::PrestopEnded => &mut self.prestop_ended,
            PodChange::Sigterm => &mut self.sigterm,
            PodChange::Sigkill => &mut self.sigkill,
            PodChange::Exited => {
                self.exit = pod.detail.as_deref();
                &mut self.exited
            }
            PodChange::Reported | PodChange::TornDown => return,
        };
        // A pod may become ready more than once: its life begins with the first time.
        moment.get_or_insert(pod.at_ms);
    }

    /// The first moment that is known of it.
    pub(super) fn begin(&self) -> f64 {
        let moments = [self.created, self.ready, self.deleted, self.sigterm];
        let known = moments.into_iter().flatten().chain(self.exited);
        known.min_by(f64::total_cmp).unwrap_or(0.0)
    }

    /// When the clients' node stopped routing to a deleted pod.
    pub(super) fn unrouted(&self) -> Option<f64> {
        let deleted = self.deleted?;
        let (_, until) = self.routed.last()?;
        until.filter(|until| *until >= deleted)
    }

    /// How it ended, in words.
    pub(super) fn outcome(&self) -> String {
        let killed = if self.sigkill.is_some() {
            "SIGKILL, "
        } else {
            ""
        };
        match (self.exited, self.exit) {
            (Some(_), Some(exit)) => format!("{killed}exited ({exit})"),
            (Some(_), None) => format!("{killed}exited"),
            (None, _) if self.deleted.is_some() => format!("{killed}its end was not seen"),
            (None, _) => "it outlived the run".to_owned(),
        }
    }

    /// Which part of its life a moment belongs to.
    pub(super) fn phase(&self, at: f64) -> Phase {
        let past = |moment: Option<f64>| moment.is_some_and(|moment| moment <= at);
        match self.routed.last() {
            Some((_, until)) if past(self.exited) => match past(*until) {
                true => Phase::Gone,
                false => Phase::Dangling,
            },
            None if past(self.exited) => Phase::Gone,
            _ if past(self.sigterm) => Phase::Draining,
            _ if past(self.deleted) => Phase::PreStop,
            _ if past(self.ready) => Phase::Serving,
            _ => Phase::Starting,
        }
    }
}

/// A part of a pod's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not yet ready.
    Starting,
    /// Ready, and not deleted.
    Serving,
    /// Deleted, and SIGTERM not yet sent.
    PreStop,
    /// Sent SIGTERM, and not yet gone.
    Draining,
    /// Exited while the clients' node still routes to it.
    Dangling,
    /// Exited, and the clients' node knows.
    Gone,
}

impl Phase {
    pub(super) const ALL: [Self; 6] = [
        Self::Starting,
        Self::Serving,
        Self::PreStop,
        Self::Draining,
        Self::Dangling,
        Self::Gone,
    ];

    /// Its name, and its bounds.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Starting => ("starting", "created → ready"),
            Self::Serving => ("serving", "ready → deleted"),
            Self::PreStop => ("deleted, before SIGTERM", "T0 → SIGTERM"),
            Self::Draining => ("shutting down", "SIGTERM → exit"),
            Self::Dangling => ("exited, still routed to", "exit → clients’ node knows"),
            Self::Gone => ("exited, no longer routed to", "afterwards"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life() -> Life<'static> {
        Life {
            created: Some(0.0),
            ready: Some(10.0),
            deleted: Some(20.0),
            sigterm: Some(30.0),
            exited: Some(40.0),
            routed: vec![(11.0, Some(50.0))],
            ..Life::new(1, "a")
        }
    }

    #[test]
    fn each_moment_has_its_phase() {
        let phases = [5.0, 15.0, 25.0, 35.0, 45.0, 55.0].map(|at| life().phase(at));
        assert_eq!(phases, Phase::ALL);
    }

    #[test]
    fn a_pod_whose_end_was_not_seen_shuts_down_forever() {
        let mut life = life();
        (life.exited, life.routed) = (None, Vec::new());
        assert_eq!(life.phase(1e9), Phase::Draining);
        assert_eq!(life.unrouted(), None);
    }
}
