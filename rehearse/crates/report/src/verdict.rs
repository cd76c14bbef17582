//! What the figures say about the service, and whether they could have said anything else.

use serde::Serialize;

use super::faults::Fault;
use super::thousands;
use rehearse_arm::ArmName;

/// The outcome of a scenario, from good to bad; the worst is a run's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The service lost nothing (or no more than was allowed), and the control did.
    Pass,
    /// There was no service to judge.
    WithoutService,
    /// The service lost nothing; there was no control to show that a loss would have been seen.
    WithoutControl,
    /// The service lost nothing, and the control neither: the run could not have seen a loss.
    NothingToLose,
    /// The service lost nothing, and a pod of it did not leave in good order.
    PodFault,
    /// The service lost nothing that can be judged; of some responses it cannot be said.
    Unjudged,
    /// The service ended connections over TLS without `close_notify`.
    Truncated,
    /// The service let a client wait for much longer than the control did.
    Slow,
    /// That the service lost nothing is luck.
    Lucky,
    /// A figure is beyond a limit that was asked for.
    Limit,
    /// The service lost something.
    Lost,
    /// There is none: the run was ended before its time.
    Interrupted,
}

/// What a verdict looks at in an arm.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    /// Which arm.
    pub arm: ArmName,
    /// Requests made.
    pub requests: u64,
    /// Requests failed.
    pub failed: u64,
    /// Pods that were replaced, or taken away.
    pub replaced: u64,
}

/// What a scenario, or a run, is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Its arms.
    pub arms: &'a [Tally],
    /// What fails the service beside what it lost.
    pub faults: &'a [Fault],
    /// Requests that the service may lose.
    pub allowed: u64,
}

impl Verdict {
    /// Its name, as in JSON.
    pub fn name(self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json.as_str().unwrap_or_default().to_owned()
    }

    /// 0; 1 if the service lost something, or fails for another reason; 2 if nothing could be shown;
    /// 130 if the run was interrupted.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass | Self::WithoutService => 0,
            Self::WithoutControl | Self::NothingToLose => 2,
            Self::Interrupted => 130,
            Self::PodFault
            | Self::Unjudged
            | Self::Truncated
            | Self::Slow
            | Self::Lucky
            | Self::Limit
            | Self::Lost => 1,
        }
    }
}

impl Judged<'_> {
    /// Judges.
    pub fn verdict(&self) -> Verdict {
        let Some(service) = self.find(ArmName::Service) else {
            return Verdict::WithoutService;
        };
        let worst = self.faults.iter().map(Fault::verdict).max();
        let control = self.find(ArmName::Control).map(|control| control.failed);
        match (worst, control) {
            _ if service.failed > self.allowed => Verdict::Lost,
            (Some(worst), _) => worst,
            // What is lost can be seen.
            _ if service.failed > 0 => Verdict::Pass,
            (None, None) => Verdict::WithoutControl,
            (None, Some(0)) => Verdict::NothingToLose,
            (None, Some(_)) => Verdict::Pass,
        }
    }

    /// The figures so far of a run that has no verdict.
    pub fn interrupted(&self) -> String {
        let lost = self.arms.iter().map(|arm| {
            let (failed, requests) = (thousands(arm.failed), thousands(arm.requests));
            format!(", the {} {failed} of {requests}", arm.arm)
        });
        let lost: String = lost.collect();
        format!("INTERRUPTED: no verdict. Lost so far{lost}.").replacen(", ", ": ", 1)
    }

    /// The verdict with its figures.
    pub fn in_words(&self) -> String {
        let Some(service) = self.find(ArmName::Service) else {
            let others = self.others();
            return format!("NO VERDICT: the service did not take part; {others}.");
        };
        let lost = self.lost(service);
        let beside = format!("in the same run {}", self.others());
        let bound = bound(service);
        match self.verdict() {
            Verdict::Pass => format!("PASS: {lost}; {beside}.{bound}"),
            Verdict::WithoutControl | Verdict::WithoutService => format!(
                "UNPROVEN: {lost}, but without the control there is no proof that a loss would \
                 have been seen.{bound}"
            ),
            Verdict::NothingToLose => format!(
                "NO PROOF: {lost}, but {beside}: this run could not have seen a loss. Try more \
                 steps, clients or requests."
            ),
            _ => {
                let beside = match self.arms.len() {
                    1 => String::new(),
                    _ => format!("; {beside}"),
                };
                let faults = self.faults.iter().map(Fault::in_words);
                let words: Vec<String> = std::iter::once(format!("FAIL: {lost}{beside}."))
                    .chain(faults)
                    .collect();
                words.join(" ")
            }
        }
    }

    fn find(&self, name: ArmName) -> Option<&Tally> {
        self.arms.iter().find(|arm| arm.arm == name)
    }

    fn lost(&self, service: &Tally) -> String {
        let (failed, requests) = (thousands(service.failed), thousands(service.requests));
        let allowed = match self.allowed {
            0 => String::new(),
            most => format!(" (--max-failed is {})", thousands(most)),
        };
        format!("the service lost {failed} of {requests} requests{allowed}")
    }

    /// `the control lost 1,204 of 60,998, the usual practice 31 of 61,011`.
    fn others(&self) -> String {
        let others = self.arms.iter().filter(|arm| arm.arm != ArmName::Service);
        let words = others.enumerate().map(|(index, arm)| {
            let verb = if index == 0 { "lost " } else { "" };
            let (failed, requests) = (thousands(arm.failed), thousands(arm.requests));
            format!("the {} {verb}{failed} of {requests}", arm.arm)
        });
        words.collect::<Vec<_>>().join(", ")
    }
}

/// What none lost says about the rates behind it. Losses come in clusters, one replaced pod at a time,
/// so replacements have a bound of their own.
fn bound(service: &Tally) -> String {
    let Tally {
        requests, replaced, ..
    } = *service;
    if service.failed > 0 {
        return String::new();
    }
    let by_requests = format!(
        " None of {}: below {} % at 95 % confidence.",
        thousands(requests),
        most(requests)
    );
    match replaced {
        0..=3 => by_requests,
        replaced => format!(
            "{by_requests} Losses come by replaced pod, and none of {} lost any: below {} % of them.",
            thousands(replaced),
            most(replaced)
        ),
    }
}

/// The rule of three: with 95 % confidence none of n means a rate below 3/n, here in percent. Rounded
/// up, to two digits, because it is a bound.
fn most(count: u64) -> String {
    let most = 300.0 / count.max(1) as f64;
    let decimals = (1.0 - most.log10().floor()).max(0.0) as usize;
    let scale = 10_f64.powi(decimals as i32);
    let most = (most * scale - 1e-9).ceil() / scale;
    format!("{most:.decimals$}")
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
