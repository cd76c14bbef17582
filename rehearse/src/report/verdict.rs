//! What the figures say about the service, and whether they could have said anything else.

use serde::Serialize;

use super::thousands;
use crate::scenario::ArmName;

/// The outcome of a scenario, from good to bad; the worst is a run's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The service lost nothing, and the control did.
    Pass,
    /// The service lost nothing; there was no control to show that a loss would have been seen.
    WithoutControl,
    /// There was no service to judge.
    WithoutService,
    /// The service lost nothing, and the control neither: the run could not have seen a loss.
    NothingToLose,
    /// The service lost nothing, and a pod of it did not leave in good order.
    PodFault,
    /// The service lost something.
    Lost,
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
    /// Pods that did not leave in good order.
    pub pod_faults: u64,
}

impl Verdict {
    /// Judges the arms of one scenario.
    pub fn of(arms: &[Tally]) -> Self {
        let Some(service) = find(arms, ArmName::Service) else {
            return Self::WithoutService;
        };
        match find(arms, ArmName::Control).map(|control| control.failed) {
            _ if service.failed > 0 => Self::Lost,
            _ if service.pod_faults > 0 => Self::PodFault,
            None => Self::WithoutControl,
            Some(0) => Self::NothingToLose,
            Some(_) => Self::Pass,
        }
    }

    /// Its name, as in JSON.
    pub fn name(self) -> String {
        let json = serde_json::to_value(self).unwrap_or_default();
        json.as_str().unwrap_or_default().to_owned()
    }

    /// 0; 1 if the service lost something or left badly; 2 if nothing could be shown.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass | Self::WithoutControl | Self::WithoutService => 0,
            Self::NothingToLose => 2,
            Self::PodFault | Self::Lost => 1,
        }
    }

    /// The verdict with its figures.
    pub fn in_words(self, arms: &[Tally]) -> String {
        let Some(service) = find(arms, ArmName::Service) else {
            return format!(
                "NO VERDICT: the service did not take part; {}.",
                others(arms)
            );
        };
        let lost = format!("the service lost {}", share(service));
        let beside = format!("in the same run {}", others(arms));
        let bound = bound(service.requests);
        match self {
            Self::Pass => format!("PASS: {lost}; {beside}. {bound}"),
            Self::WithoutControl | Self::WithoutService => format!(
                "UNPROVEN: {lost}, but without the control there is no proof that a loss would \
                 have been seen. {bound}"
            ),
            Self::NothingToLose => format!(
                "NO PROOF: {lost}, but {beside}: this run could not have seen a loss. Try more \
                 steps, clients or requests."
            ),
            Self::PodFault => {
                format!("FAIL: {lost}, but not all of its pods left in good order (see above).")
            }
            Self::Lost if arms.len() > 1 => format!("FAIL: {lost}; {beside}."),
            Self::Lost => format!("FAIL: {lost}."),
        }
    }
}

fn find(arms: &[Tally], name: ArmName) -> Option<&Tally> {
    arms.iter().find(|arm| arm.arm == name)
}

fn share(arm: &Tally) -> String {
    let (failed, requests) = (thousands(arm.failed), thousands(arm.requests));
    format!("{failed} of {requests} requests")
}

/// `the control lost 1,204 of 60,998, the usual practice 31 of 61,011`.
fn others(arms: &[Tally]) -> String {
    let others = arms.iter().filter(|arm| arm.arm != ArmName::Service);
    let words = others.enumerate().map(|(index, arm)| {
        let verb = if index == 0 { "lost " } else { "" };
        format!(
            "the {} {verb}{} of {}",
            arm.arm,
            thousands(arm.failed),
            thousands(arm.requests)
        )
    });
    words.collect::<Vec<_>>().join(", ")
}

/// What none of `requests` says about the rate behind it: with 95 % confidence below 3/n. Rounded
/// up, to two digits, because it is a bound.
fn bound(requests: u64) -> String {
    let most = 300.0 / requests.max(1) as f64;
    let decimals = (1.0 - most.log10().floor()).max(0.0) as usize;
    let scale = 10_f64.powi(decimals as i32);
    let most = (most * scale - 1e-9).ceil() / scale;
    format!(
        "None of {}: below {most:.decimals$} % at 95 % confidence.",
        thousands(requests)
    )
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
