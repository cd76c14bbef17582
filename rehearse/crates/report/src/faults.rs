//! What fails a service beside the requests that it lost.

use std::time::Duration;

use clap::Args;

use super::options;
use super::options::count;
use super::{ArmReport, Verdict, thousands};
use rehearse_arm::ArmName;
use rehearse_arm::load::Kind;

/// So much longer than the control's longest request the service's may be, of the same kind of client:
/// who waits for longer has been left standing.
const LONGER: Duration = Duration::from_secs(5);

/// A heading in the help.
const FAILS: &str = "What fails the service";

/// From so many requests on that were to be expected to cross the end of their connection, it is by
/// luck that none did.
const EXPECTED: f64 = 1.0;

/// What is demanded of the service.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = FAILS)]
pub struct Limits {
    /// Requests that it may lose
    #[arg(long = "max-failed", value_name = "N", value_parser = count, default_value = "0")]
    pub failed: u64,
    /// Within which 99 of 100 complete responses must have come
    #[arg(long = "max-p99", value_name = "TIME", value_parser = options::time)]
    pub p99: Option<Duration>,
    /// Within which every complete response must have come [default: 5s beyond the control's longest of the
    /// same kind of client, or the service's own median if that is longer]
    #[arg(long = "max-longest", value_name = "TIME", value_parser = options::time)]
    pub longest: Option<Duration>,
    /// Connections that it may end while they are idle without a word before [default: any number, as
    /// long as less than one request is to be expected to be lost so]
    #[arg(long = "max-unannounced-closes", value_name = "N", value_parser = count)]
    pub unannounced_closes: Option<u64>,
}

/// Why the service fails, though it lost nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// So many of its pods did not leave in good order.
    Pods(u64),
    /// So many responses may have been cut: nobody can know.
    Unjudged(u64),
    /// So many connections over TLS it ended without `close_notify`, while no request was due.
    Truncated(u64),
    /// Clients of this kind waited for so much longer than the control's, in milliseconds.
    Slow {
        /// Which clients.
        kind: Kind,
        /// Their longest request.
        longest: f64,
        /// The longest of the control's.
        control: f64,
    },
    /// So many requests were to be expected to be lost, and it is luck that none was.
    Lucky {
        /// Connections that were ended without a word.
        closes: u64,
        /// Requests to be expected to cross their ends.
        expected: f64,
    },
    /// A figure is beyond a limit that was asked for, in words.
    Limit(String),
}

impl Fault {
    /// What it makes of a run.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Pods(_) => Verdict::PodFault,
            Self::Unjudged(_) => Verdict::Unjudged,
            Self::Truncated(_) => Verdict::Truncated,
            Self::Slow { .. } => Verdict::Slow,
            Self::Lucky { .. } => Verdict::Lucky,
            Self::Limit(_) => Verdict::Limit,
        }
    }

    /// What it is, as a sentence.
    pub fn in_words(&self) -> String {
        match self {
            Self::Pods(pods) => {
                format!("{pods} of its pods did not leave in good order (see above).")
            }
            Self::Unjudged(responses) => format!(
                "{} of its responses have a body that only the connection's end delimits: whether \
                 they are complete nobody can know. Give them a length, or send them in chunks.",
                thousands(*responses)
            ),
            Self::Truncated(connections) => format!(
                "It ended {} connections over TLS without close_notify: their clients cannot know \
                 that nothing was cut.",
                thousands(*connections)
            ),
            Self::Slow {
                kind,
                longest,
                control,
            } => format!(
                "A request ({}) took {}, and none of the control's more than {}.",
                kind.name(),
                time(*longest),
                time(*control)
            ),
            Self::Lucky { closes, expected } => format!(
                "It ended {} connections without a word, and {expected:.1} requests were to be \
                 expected to cross their ends and be lost: that fewer were is luck.",
                thousands(*closes)
            ),
            Self::Limit(words) => words.clone(),
        }
    }
}

/// What fails the service's arm, beside the control's if there is one.
pub fn of(arms: &[ArmReport], limits: &Limits) -> Vec<Fault> {
    let arm = |name| arms.iter().find(|arm| arm.arm == name);
    let Some(service) = arm(ArmName::Service) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let truncated = service.total.tls.as_ref().map_or(0, |tls| tls.truncated);
    let counted = [
        (service.pods.faults, Fault::Pods as fn(u64) -> Fault),
        (service.total.unjudged, Fault::Unjudged),
        (truncated, Fault::Truncated),
    ];
    let counted = counted.into_iter().filter(|(count, _)| *count > 0);
    faults.extend(counted.map(|(count, fault)| fault(count)));
    if let (Some(control), None) = (arm(ArmName::Control), limits.longest) {
        faults.extend(slow(service, control));
    }
    faults.extend(lucky(&[service], limits));
    faults.extend(over(service, limits));
    faults
}

/// Whether more is to be expected to be lost than may be, of all the service's requests in these arms.
pub fn lucky(service: &[&ArmReport], limits: &Limits) -> Option<Fault> {
    let totals = || service.iter().map(|arm| &arm.total);
    let failed: u64 = totals().map(|total| total.failures.total()).sum();
    let expected: f64 = totals().map(|total| total.expected_crossed).sum();
    let closes = totals().map(|total| total.unannounced_closes).sum();
    let lucky = failed <= limits.failed && expected >= EXPECTED + limits.failed as f64;
    // Who says how many closes there may be has judged them.
    (lucky && limits.unannounced_closes.is_none()).then_some(Fault::Lucky { closes, expected })
}

/// The kind of client that waited for longest beyond the control's, if that is too long; or beyond
/// what is usual of the service, which may be slower than the control by nature.
fn slow(service: &ArmReport, control: &ArmReport) -> Option<Fault> {
    let kinds = service.clients.iter().filter_map(|own| {
        let mut others = control.clients.iter();
        let other = others.find(|other| other.kind == own.kind && other.outcome.complete > 0)?;
        let usual = own.outcome.percentile(50.0);
        let least = other.outcome.max_ms().max(usual);
        Some((
            own.kind,
            own.outcome.max_ms(),
            other.outcome.max_ms(),
            least,
        ))
    });
    let beyond = |of: &(Kind, f64, f64, f64)| of.1 - of.3;
    let worst = kinds.max_by(|a, b| beyond(a).total_cmp(&beyond(b)))?;
    let (kind, longest, control, _) = worst;
    (beyond(&worst) > ms(LONGER)).then_some(Fault::Slow {
        kind,
        longest,
        control,
    })
}

fn over(service: &ArmReport, limits: &Limits) -> impl Iterator<Item = Fault> {
    let total = &service.total;
    let late = |limit: Option<Duration>, option: &str, what: &str, seen: f64| {
        let limit = limit.filter(|limit| seen > ms(*limit))?;
        let seen = time(seen);
        Some(format!("{what} {seen}, and {option} is {limit:?}."))
    };
    let closes = limits
        .unannounced_closes
        .filter(|most| total.unannounced_closes > *most)
        .map(|most| {
            let closes = thousands(total.unannounced_closes);
            format!(
                "It ended {closes} connections without a word, and --max-unannounced-closes is \
                 {most}."
            )
        });
    let p99 = late(
        limits.p99,
        "--max-p99",
        "One request in a hundred took more than",
        total.percentile(99.0),
    );
    let longest = late(
        limits.longest,
        "--max-longest",
        "The longest request took",
        total.max_ms(),
    );
    [p99, longest, closes]
        .into_iter()
        .flatten()
        .map(Fault::Limit)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Such as `10.02s`, as limits are written.
fn time(ms: f64) -> String {
    format!("{:?}", Duration::from_micros((ms * 1_000.0) as u64))
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
