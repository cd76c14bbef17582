//! Requests a second: both arms in turn, round after round.

use std::path::Path;

use serde::Serialize;

use super::figures::{Goal, Spread};
use super::server::Server;
use super::{Measuring, Pair};
use rehearse_arm::ArmName;
use rehearse_arm::progress::thousands;
use rehearse_generator::{Load, Pinning, Protocol, Turnover};

/// Below this share of its core the server was not the limit.
const SATURATED: f64 = 0.9;

/// The figures of one pair of executables.
#[derive(Debug, Serialize)]
pub(super) struct Throughput {
    pub(super) control_profile: String,
    pub(super) service_profile: String,
    pub(super) protocol: Protocol,
    pub(super) connections: u32,
    /// The connections in words.
    #[serde(skip)]
    pub(super) load: String,
    pub(super) seconds: f64,
    /// Which cores, in words; `None` if nothing was pinned.
    pub(super) pinning: Option<String>,
    pub(super) rounds: Vec<Round>,
    /// Service over control, round by round.
    pub(super) ratio: Spread,
    pub(super) goal: Goal,
    pub(super) reached: bool,
    /// Bytes of a response: control, service.
    pub(super) response_bytes: [usize; 2],
    /// The share of a core that the servers used was too small: something else was the limit, and
    /// the ratio is nearer to 1 than it should be.
    pub(super) unsaturated: bool,
}

/// Both arms' turns.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Round {
    pub(super) control: f64,
    pub(super) service: f64,
    pub(super) ratio: f64,
    /// Share of a core: control, service.
    pub(super) busy: [Option<f64>; 2],
}

impl Round {
    fn of(control: Turnover, service: Turnover) -> Self {
        let [c, s] = [control, service].map(|turn| turn.requests_per_second);
        Self {
            control: c,
            service: s,
            ratio: s / c,
            busy: [control.busy, service.busy],
        }
    }
}

/// Measures all rounds, or until it is interrupted: nothing if that is before the first is over.
pub(super) async fn measure(
    bench: &Measuring<'_>,
    protocol: Protocol,
    pair: &Pair,
    goal: Goal,
) -> anyhow::Result<Option<Throughput>> {
    let options = bench.options;
    let (mut rounds, mut response_bytes) = (Vec::new(), [0; 2]);
    for number in 1..=options.rounds {
        let turns = both_turns(bench, protocol, pair, number);
        let Some(turns) = bench.interrupt.run_until_cancelled(turns).await else {
            break;
        };
        let (c, s) = turns?;
        let round = Round::of(c, s);
        bench.output.progress(format_args!(
            "{protocol}, round {number} of {}, {} against {}: control {} requests/s, service {}, ratio {:.3}",
            options.rounds,
            pair.service.profile,
            pair.control.profile,
            thousands(c.requests_per_second.round() as u64),
            thousands(s.requests_per_second.round() as u64),
            round.ratio,
        ));
        rounds.push(round);
        response_bytes = [c.response_bytes, s.response_bytes];
    }
    if rounds.is_empty() {
        return Ok(None);
    }
    let ratio = Spread::of(rounds.iter().map(|round| round.ratio));
    Ok(Some(Throughput {
        control_profile: pair.control.profile.clone(),
        service_profile: pair.service.profile.clone(),
        protocol,
        connections: protocol.connections(options.connections),
        load: protocol.load(options.connections),
        seconds: options.seconds.as_secs_f64(),
        pinning: bench.pinning.map(|pinning| pinning.to_string()),
        unsaturated: unsaturated(&rounds),
        rounds,
        ratio,
        goal,
        reached: goal.is_reached(ratio.median),
        response_bytes,
    }))
}

/// Each turn has a new process, so that no round inherits another's memory layout, and the arms swap
/// places, so that a machine that slows down favours neither.
async fn both_turns(
    bench: &Measuring<'_>,
    protocol: Protocol,
    pair: &Pair,
    number: u32,
) -> anyhow::Result<(Turnover, Turnover)> {
    let turn = |arm, exe| turn(bench, arm, protocol, exe);
    let control = || turn(ArmName::Control, &pair.control.exe);
    let service = || turn(ArmName::Service, &pair.service.exe);
    Ok(if number % 2 == 1 {
        let control = control().await?;
        (control, service().await?)
    } else {
        let service = service().await?;
        (control().await?, service)
    })
}

async fn turn(
    bench: &Measuring<'_>,
    arm: ArmName,
    protocol: Protocol,
    exe: &Path,
) -> anyhow::Result<Turnover> {
    let (options, pinning) = (bench.options, bench.pinning);
    let wrapper = pinning.map(Pinning::wrapper).unwrap_or_default();
    let mut server = Server::start(arm, protocol, exe, &wrapper, bench.addresses)?;
    drop(server.connect().await?);
    let load = Load {
        address: server.address(),
        pid: server.pid(),
        connections: options.connections,
        protocol,
        duration: options.seconds,
        pinning,
    };
    load.run().await
}

fn unsaturated(rounds: &[Round]) -> bool {
    let idle = |arm: usize| {
        let busy: Vec<f64> = rounds.iter().filter_map(|round| round.busy[arm]).collect();
        !busy.is_empty() && Spread::of(busy).median < SATURATED
    };
    idle(0) || idle(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turnover(requests_per_second: f64, busy: f64) -> Turnover {
        Turnover {
            requests_per_second,
            busy: Some(busy),
            response_bytes: 100,
        }
    }

    #[test]
    fn the_ratio_is_service_over_control() {
        let round = Round::of(turnover(100_000.0, 1.0), turnover(98_000.0, 1.0));
        assert_eq!(round.ratio, 0.98);
    }

    #[test]
    fn a_server_that_waits_for_its_load_is_told_of() {
        let busy = Round::of(turnover(1.0, 0.99), turnover(1.0, 0.97));
        let idle = Round::of(turnover(1.0, 0.99), turnover(1.0, 0.6));
        assert!(!unsaturated(&[busy, idle, busy]), "once is chance");
        assert!(unsaturated(&[idle, busy, idle]));
        let unknown = Round {
            busy: [None; 2],
            ..idle
        };
        assert!(!unsaturated(&[unknown]));
    }
}
