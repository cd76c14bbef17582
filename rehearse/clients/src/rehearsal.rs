//! One arm: its pods are replaced one after another, under all clients at once.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::Options;
use crate::arm::Arm;
use crate::balancer::{self, Balancer};
use crate::client::{Body, Client, Kind};
use crate::pod::{self, End, Pod};
use crate::report::Column;

const BALANCER: SocketAddrV4 = SocketAddrV4::new(balancer::ADDRESS, balancer::PORT);

/// Within this a balancer must answer.
const START: Duration = Duration::from_secs(20);

/// Long enough that all requests of a burst are in flight at once.
const BURST_TAKES: Duration = Duration::from_millis(300);

/// Replaces the arm's pods, and gives what its clients say.
pub(crate) fn rehearse(
    options: &Options,
    arm: &Arm,
    kinds: &[Kind],
    seed: u64,
) -> anyhow::Result<Column> {
    prepare_network()?;
    // The same for each arm.
    let mut random = fastrand::Rng::with_seed(seed);
    let mut balancer = Balancer::start(options)?;
    let mut started = 0..;
    let mut start = || Pod::start(options, arm, started.next().context("out of addresses")?);
    let mut pods = VecDeque::new();
    for _ in 0..options.replicas.get() {
        pods.push_back(start()?);
    }
    balancer.route(&addresses(&pods))?;
    wait_until_routed(options, arm)?;
    let clients: Vec<Client> = kinds
        .iter()
        .map(|kind| Client::start(options, arm, kind))
        .collect::<Result<_, _>>()?;
    for client in &clients {
        client.wait_until_up()?;
    }

    let mut ending = Vec::new();
    let mut next = Instant::now();
    for n in 1..=options.replacements {
        eprint!("\r{arm}: replacement {n} of {} ", options.replacements);
        burst(options, arm)?;
        pods.push_back(start()?);
        let old = pods.pop_front().context("there is at least one replica")?;
        let propagation = options.propagation.draw(&mut random);
        ending.push(replace(old, &pods, &mut balancer, arm.sleep, propagation)?);
        next += options.every;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    eprintln!();
    let ends: Vec<End> = ending
        .into_iter()
        .map(|end| end.join().expect("waiting for a process does not panic"))
        .collect::<Result<_, _>>()?;
    let figures = clients
        .into_iter()
        .map(Client::end)
        .collect::<Result<_, _>>()?;
    Ok(Column {
        arm: arm.to_string(),
        figures,
        ends,
    })
}

fn wait_until_routed(options: &Options, arm: &Arm) -> anyhow::Result<()> {
    let begun = Instant::now();
    let path = arm.path(Body::None, Duration::ZERO);
    while !pod::answers(BALANCER, &path) {
        let results = options.results.display();
        ensure!(
            begun.elapsed() < START,
            "the balancer does not answer: see {results}"
        );
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The old pod is told to go. The balancer, which has sent everything to it so far, learns late.
fn replace(
    old: Pod,
    left: &VecDeque<Pod>,
    balancer: &mut Balancer,
    sleep: Duration,
    propagation: Duration,
) -> anyhow::Result<JoinHandle<anyhow::Result<End>>> {
    let ending = thread::spawn(move || old.replaced(sleep));
    thread::sleep(propagation);
    balancer.route(&addresses(left))?;
    Ok(ending)
}

/// So many requests at once, as in a busy moment: a balancer has a connection for each afterwards.
fn burst(options: &Options, arm: &Arm) -> anyhow::Result<()> {
    let request = || -> anyhow::Result<()> {
        let path = arm.path(Body::None, BURST_TAKES);
        let answered = pod::answers(SocketAddrV4::new(balancer::ADDRESS, balancer::PORT), &path);
        ensure!(
            answered,
            "a request of a burst failed while nothing was replaced"
        );
        Ok(())
    };
    thread::scope(|scope| {
        let requests: Vec<_> = (0..options.burst).map(|_| scope.spawn(request)).collect();
        let mut requests = requests.into_iter();
        requests.try_for_each(|r| r.join().expect("a request does not panic"))
    })
}

fn addresses(pods: &VecDeque<Pod>) -> Vec<Ipv4Addr> {
    pods.iter().map(|pod| pod.address).collect()
}

fn prepare_network() -> anyhow::Result<()> {
    for arguments in [
        "link set lo up",
        "route replace local 10.77.0.0/16 dev lo",
        "address replace 10.78.0.1/32 dev lo",
    ] {
        let status = Command::new("ip").args(arguments.split(' ')).status();
        let status = status.context("cannot start ip: is iproute2 installed?")?;
        ensure!(
            status.success(),
            "ip {arguments}: not in a network namespace of one's own?"
        );
    }
    Ok(())
}
