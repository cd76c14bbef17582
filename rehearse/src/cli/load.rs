//! What the options of the load mean.

use std::time::Duration;

use super::clients::Clients;
use super::commands::Service;
use super::options::Rehearsal;
use super::plan::{BadInput, bad};
use rehearse_arm::load::{Load, Routes};
use rehearse_client::Method;

/// What servers commonly allow on one connection (RFC 9113, 6.5.2, recommends no less).
const MOST_STREAMS: usize = 100;

/// That of clients a few hundred kilometres away.
const USUAL_RTT: Duration = Duration::from_millis(10);

/// Some three times around the earth.
const LONGEST_RTT: Duration = Duration::from_secs(1);

/// How many of each kind a service gets unless told otherwise.
#[derive(Clone, Copy)]
pub(super) struct UsualLoad {
    clients: usize,
    slow_clients: usize,
    rate: f64,
    pub(super) uploads: usize,
    pub(super) downloads: usize,
    pub(super) events: usize,
    pub(super) websockets: usize,
    h2: usize,
}

impl Service {
    pub(super) fn usual_load(self) -> UsualLoad {
        let none = UsualLoad {
            clients: 0,
            slow_clients: 0,
            rate: 0.0,
            uploads: 0,
            downloads: 0,
            events: 0,
            websockets: 0,
            h2: 0,
        };
        match self {
            Self::Hello => UsualLoad {
                clients: 200,
                slow_clients: 100,
                rate: 100.0,
                ..none
            },
            Self::Slow => UsualLoad {
                clients: 100,
                slow_clients: 20,
                rate: 20.0,
                uploads: 20,
                ..none
            },
            Self::Streaming => UsualLoad {
                clients: 50,
                slow_clients: 20,
                rate: 20.0,
                uploads: 10,
                downloads: 10,
                events: 50,
                websockets: 20,
                h2: 5,
            },
        }
    }

    pub(super) fn usual_replicas(self) -> usize {
        match self {
            Self::Hello => 6,
            Self::Slow => 10,
            Self::Streaming => 4,
        }
    }
}

/// The part of a load that any program understands.
pub(super) fn load(
    rehearsal: &Rehearsal,
    args: &Clients,
    routes: Routes,
    usual: UsualLoad,
) -> Result<Load, BadInput> {
    let (clients, rate) = (
        args.clients.unwrap_or(usual.clients),
        args.rate.unwrap_or(usual.rate),
    );
    if !(0.0..=100_000.0).contains(&rate) {
        return bad("--rate", rate, "must be 0 to 100000 a second");
    }
    let h2 = args.h2.unwrap_or(usual.h2);
    if !(1..=MOST_STREAMS).contains(&args.streams) {
        let allowed = format!("must be 1 to {MOST_STREAMS}");
        return bad("--streams", args.streams, &allowed);
    }
    if args.timeout.is_zero() {
        return bad("--timeout", "0s", "must be longer than 0s");
    }
    Ok(Load {
        routes,
        clients,
        think: args.think,
        slow_clients: args.slow_clients.unwrap_or(usual.slow_clients),
        slow_think: args.slow_think,
        method: Method::Get,
        rate,
        uploads: 0,
        downloads: 0,
        events: 0,
        websockets: 0,
        h2,
        streams: args.streams,
        slow_streams: false,
        timeout: args.timeout,
        rtt: rtt(args.rtt, rehearsal.network_delay)?,
        network: 2 * rehearsal.network_delay.unwrap_or_default(),
        // Certificates are made when the scenario begins.
        tls: None,
    })
}

/// What the clients' network takes beside a real one.
fn rtt(given: Option<Duration>, network_delay: Option<Duration>) -> Result<Duration, BadInput> {
    let usual = match network_delay {
        Some(_) => Duration::ZERO,
        None => USUAL_RTT,
    };
    let rtt = given.unwrap_or(usual);
    if rtt > LONGEST_RTT {
        let rtt = humantime::format_duration(rtt);
        return bad("--rtt", rtt, "must be at most 1s");
    }
    Ok(rtt)
}

/// Clients whose routes not every service has.
pub(super) fn only(
    service: Service,
    owners: &[Service],
    option: &'static str,
    given: Option<usize>,
    usual: usize,
) -> Result<usize, BadInput> {
    match given {
        Some(n @ 1..) if !owners.contains(&service) => {
            let owners: Vec<&str> = owners.iter().map(|owner| owner.name()).collect();
            bad(
                option,
                n,
                &format!("only with --service {}", owners.join(" or ")),
            )
        }
        given => Ok(given.unwrap_or(usual)),
    }
}

pub(super) fn at_least_one(option: &'static str, n: usize) -> Result<usize, BadInput> {
    if n == 0 {
        bad(option, n, "must be at least 1")
    } else {
        Ok(n)
    }
}

/// A load of nobody would show nothing.
pub(super) fn not_empty(load: Load) -> Result<Load, BadInput> {
    if load.total() == 0 {
        return bad(
            "--clients",
            0,
            "must be at least 1 if there are no other clients",
        );
    }
    Ok(load)
}
