//! The drain report: one line of JSON from which an operator sees what the drain met, and whether
//! `drain.min` fits the cluster.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::Write as _,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::exit::Exit;
use crate::lifecycle::{Cause, Load, Phase};

/// kubelet keeps the last 4,096 bytes of a termination message; this leaves room.
const LIMIT: usize = 3_500;

/// Where Kubernetes looks for a container's last words (its `terminationMessagePath`).
const TERMINATION_LOG: &str = "/dev/termination-log";

/// What the routes beyond [`LIMIT`] are summed under.
const OTHERS: &str = "(other routes)";

/// What a service met while it drained, filled in as it goes. Times are whole milliseconds.
///
/// ```
/// # use actix_web::App;
/// # use lastcall::{Cause, Phase, Settings};
/// # actix_web::rt::System::new().block_on(async {
/// let service = lastcall::service!().test(Settings::new(()), |_: &()| App::new()).await;
/// let report = service.drain().await;
/// assert_eq!(report.phase, Some(Phase::Stopped));
/// assert_eq!(report.cause, Some(Cause::Program));
/// assert_eq!(report.at_t0.open, 0, "nobody was connected");
/// println!("{}", serde_json::to_string(&report).unwrap());
/// # });
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The service's name.
    pub service: &'static str,
    /// The service's version.
    pub version: &'static str,
    /// The phase that was entered when this was written.
    pub phase: Option<Phase>,
    /// What T0 was caused by.
    pub cause: Option<Cause>,
    /// Signals after the first, which changed nothing.
    pub repeated_signals: u32,
    /// How long the lame duck was.
    pub lame_duck_ms: Option<u64>,
    /// How long it took from the fence to the end.
    pub draining_ms: Option<u64>,
    /// Connections accepted after T0.
    pub connections_after_t0: u64,
    /// When the last of them came, counted from T0: the propagation delay.
    pub last_connection_ms: Option<u64>,
    /// When the last request came, counted from T0.
    pub last_request_ms: Option<u64>,
    /// When the lame duck saw traffic for the last time.
    pub last_sign_ms: Option<u64>,
    /// Whether `drain.max` ended the lame duck, when there was still traffic.
    pub max_reached: bool,
    /// Connections that would have been reset without the fence.
    pub accepted_after_fence: u64,
    /// Whether the kernel had a fence; absent until it was raised, and where all listeners are somebody else's.
    pub kernel_fence: Option<bool>,
    /// Connections at T0.
    pub at_t0: Load,
    /// Connections once the fence was up.
    pub at_fence: Option<Load>,
    /// Connections when the shutdown hooks began to run.
    pub at_end: Option<Load>,
    /// Responses whose handlers take [`Drain`](crate::Drain), and were told to end.
    pub streams_told: u64,
    /// The other responses that were under way when the drain began, and were finished.
    pub responses_finished: u64,
    /// Requests that came behind the FIN of an idle connection whose client was never told to
    /// leave, and are lost. A lower bound: what comes later still is not seen. Since the start.
    pub crossed: u64,
    /// Connections whose clients went on sending behind the last response, which had told them
    /// that nothing more would be answered.
    pub unanswered: u64,
    /// Peers that went without a word, and were waited for no longer; a response that one of them
    /// did not get is in `cut`.
    pub vanished: u64,
    /// Background work and jobs that have ended well since T0.
    pub background_finished: u64,
    /// Background work and jobs that have failed or panicked since the start, by name.
    pub background_failed: BTreeMap<&'static str, u64>,
    /// Shutdown hooks that failed, or were cut, by name.
    pub hooks_failed: Vec<String>,
    /// What the deadline cut, by route; background work by its name.
    pub cut: BTreeMap<String, u64>,
    /// The exit code: 0 if nothing was cut, 3 if something was, 1 if the drain was aborted.
    pub exit: Option<u8>,
    #[serde(skip)]
    pub(crate) entered: Option<Instant>,
}

/// Whole milliseconds, the unit of every figure in the report.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Report {
    /// The exit code that says how it went: 0 if nothing was cut, 3 if something was, 1 if it was
    /// aborted.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.exit.unwrap_or(Exit::Software.code()).into()
    }

    /// The report of this service, before anything has happened.
    pub(crate) fn of(service: &'static str, version: &'static str) -> Self {
        Self {
            service,
            version,
            ..Self::default()
        }
    }

    /// Notes that a phase begins, and so how long the one before was.
    pub(crate) fn enter(&mut self, phase: Phase, now: Instant) {
        let lasted = self.entered.replace(now).map(|since| millis(now - since));
        match self.phase {
            Some(Phase::LameDuck) => self.lame_duck_ms = lasted,
            Some(Phase::Draining) => self.draining_ms = lasted,
            _ => {}
        }
        self.phase = Some(phase);
    }

    /// Writes the report as it stands to the log, and to where Kubernetes finds it: again at each
    /// phase, so that even a SIGKILL leaves one.
    pub(crate) fn publish(&self) {
        let json = self.json();
        tracing::info!(report = json, "drain report");
        if let Err(error) = write_termination_log(Path::new(TERMINATION_LOG), &json) {
            tracing::warn!(%error, "{TERMINATION_LOG} could not be written");
        }
    }

    /// One line of at most 3.5 KB; the routes that were cut least are summed if it gets longer.
    fn json(&self) -> String {
        let mut report = self.clone();
        loop {
            // A plain structure of numbers and strings always serialises.
            let json = serde_json::to_string(&report).unwrap_or_default();
            if json.len() <= LIMIT || !report.shorten() {
                return json;
            }
        }
    }

    /// Sums one more route. False when there is nothing left to shorten.
    fn shorten(&mut self) -> bool {
        let routes = self.cut.iter().filter(|(route, _)| *route != OTHERS);
        let Some(least) = routes
            .min_by_key(|(_, count)| **count)
            .map(|(route, _)| route.clone())
        else {
            return self.hooks_failed.pop().is_some();
        };
        let count = self.cut.remove(&least).unwrap_or_default();
        *self.cut.entry(OTHERS.to_owned()).or_default() += count;
        true
    }
}

/// Overwrites the file if it exists: outside of Kubernetes there is none, and none is made.
fn write_termination_log(path: &Path, json: &str) -> std::io::Result<()> {
    match OpenOptions::new().write(true).truncate(true).open(path) {
        Ok(mut file) => writeln!(file, "{json}"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_routes_fit_into_a_termination_message_and_none_is_lost() {
        let cut = (0..1000)
            .map(|n| (format!("/a/rather/long/route/{n}"), n))
            .collect();
        let json = Report {
            cut,
            ..Report::default()
        }
        .json();
        assert!(json.len() <= LIMIT, "{}", json.len());
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        let cut = read["cut"].as_object().unwrap();
        let sum: u64 = cut.values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(sum, (0..1000).sum::<u64>());
        assert!(
            cut.contains_key("/a/rather/long/route/999"),
            "the most frequent stay named"
        );
    }

    #[test]
    fn the_length_of_a_phase_is_known_when_the_next_begins() {
        let t0 = Instant::now();
        let mut report = Report::default();
        report.enter(Phase::LameDuck, t0);
        report.enter(Phase::Draining, t0 + Duration::from_millis(3_010));
        report.enter(Phase::Stopped, t0 + Duration::from_millis(3_025));
        assert_eq!(
            (report.lame_duck_ms, report.draining_ms),
            (Some(3_010), Some(15))
        );
    }

    #[test]
    fn the_termination_log_is_overwritten_where_it_exists_and_not_made_where_it_does_not() {
        let folder = std::env::temp_dir().join(format!("lastcall-report-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("termination-log");
        write_termination_log(&path, "{}").unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "something longer").unwrap();
        write_termination_log(&path, "{}").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
