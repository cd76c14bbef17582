//! Instructions per request, counted by callgrind.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs, io};

use anyhow::Context;
use serde::Serialize;

use super::figures::Goal;
use super::options::Counts;
use super::server::Server;
use super::{Measuring, Output, Pair};
use rehearse_arm::ArmName;
use rehearse_arm::progress::thousands;
use rehearse_generator::{Connection, Protocol, Streams};
use rehearse_model::address::AddressPool;

/// What to do without valgrind.
pub(super) const MISSING: &str = "instructions per request are counted by valgrind, which is not \
                                  installed: apt-get install valgrind, or dnf install valgrind";

const GOAL: Goal = Goal::AtMost(1.04);

/// The figures of one pair of executables.
#[derive(Debug, Serialize)]
pub(super) struct Instructions {
    pub(super) protocol: Protocol,
    pub(super) profile: String,
    pub(super) requests: Counts,
    /// Per request.
    pub(super) control: f64,
    /// Per request.
    pub(super) service: f64,
    pub(super) ratio: f64,
    pub(super) goal: Goal,
    pub(super) reached: bool,
}

/// Whether there is a valgrind to run.
pub(super) async fn valgrind() -> bool {
    let mut command = tokio::process::Command::new("valgrind");
    let command = command.arg("--version").stdin(Stdio::null());
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.await.is_ok_and(|status| status.success())
}

/// Counts both arms.
pub(super) async fn measure(
    bench: &Measuring<'_>,
    protocol: Protocol,
    pair: &Pair,
) -> anyhow::Result<Instructions> {
    let requests = bench.options.requests;
    let folder = Folder::new().context("no folder for callgrind's output")?;
    let count = Count {
        protocol,
        addresses: bench.addresses,
        out: folder.0.join("callgrind.out"),
        output: bench.output,
    };
    let control = count.per_request(ArmName::Control, &pair.control.exe, requests);
    let control = control.await?;
    let service = count.per_request(ArmName::Service, &pair.service.exe, requests);
    let service = service.await?;
    let ratio = service / control;
    Ok(Instructions {
        protocol,
        profile: pair.service.profile.clone(),
        requests,
        control,
        service,
        ratio,
        goal: GOAL,
        reached: GOAL.is_reached(ratio),
    })
}

struct Count<'a> {
    protocol: Protocol,
    addresses: &'a AddressPool,
    out: PathBuf,
    output: Output,
}

impl Count<'_> {
    /// The start and what a first request costs are in both totals, and cancel out.
    async fn per_request(&self, arm: ArmName, exe: &Path, n: Counts) -> anyhow::Result<f64> {
        let few = self.total(arm, exe, n.few).await?;
        let many = self.total(arm, exe, n.many).await?;
        Ok(difference((n.few, few), (n.many, many)))
    }

    /// All instructions of a process that answers so many requests on one connection.
    async fn total(&self, arm: ArmName, exe: &Path, requests: u32) -> anyhow::Result<u64> {
        let n = thousands(requests.into());
        self.output.progress(format_args!(
            "callgrind: {arm}, {n} requests by {}",
            self.protocol
        ));
        let out = format!("--callgrind-out-file={}", self.out.display());
        let wrapper = ["valgrind", "--quiet", "--tool=callgrind", &out].map(str::to_owned);
        let mut server = Server::start(arm, self.protocol, exe, &wrapper, self.addresses)?;
        let stream = server.connect().await?;
        match self.protocol {
            Protocol::Http1 => {
                let mut connection = Connection::new(stream);
                for _ in 0..requests {
                    connection.exchange().await?;
                }
            }
            Protocol::Http2 => {
                let (mut connection, mut answered) = (Streams::new(stream, 1), 0);
                while answered < requests {
                    answered += connection.turn().await?;
                }
            }
        }
        server.kill().await?;
        let found = fs::read_to_string(&self.out).context("callgrind has written nothing")?;
        fs::remove_file(&self.out)?;
        counted(&found).context("callgrind has written no total")
    }
}

fn difference((few, a): (u32, u64), (many, b): (u32, u64)) -> f64 {
    (b as f64 - a as f64) / f64::from(many - few)
}

/// The total of callgrind's output: `totals: N`, or the sum of its parts, each `summary: N`.
fn counted(output: &str) -> Option<u64> {
    let numbers = |key: &'static str| {
        let lines = output
            .lines()
            .filter_map(move |line| line.strip_prefix(key));
        lines.filter_map(|value| value.split_whitespace().next()?.parse::<u64>().ok())
    };
    let parts = || numbers("summary:").reduce(|a, b| a + b);
    numbers("totals:").next_back().or_else(parts)
}

/// A folder of this process alone, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        let folder = env::temp_dir().join(format!("rehearse-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_callgrinds_last_line_or_the_sum_of_its_parts() {
        let parts = "events: Ir\npart: 1\nsummary: 4000\nfn=(1)\n16 5\npart: 2\nsummary: 2000\n";
        assert_eq!(counted(parts), Some(6_000));
        assert_eq!(counted(&format!("{parts}\ntotals: 6001 7\n")), Some(6_001));
        assert_eq!(counted("events: Ir\nfn=(1)\n16 5\n"), None);
        assert_eq!(counted("totals: none\n"), None);
    }

    #[test]
    fn what_both_counts_share_cancels_out() {
        let start = 90_000_000;
        let totals = [1_000, 5_000].map(|n: u32| (n, start + 15_320 * u64::from(n)));
        assert_eq!(difference(totals[0], totals[1]), 15_320.0);
    }
}
