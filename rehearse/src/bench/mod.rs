//! `rehearse bench`: what the runtime costs, as ratios to plain actix-web with the same routes.
//!
//! Two figures, because each has what the other lacks. Throughput is what users would see, and
//! carries the machine's noise: so both arms take turns, and the spread is shown. Instructions
//! are the same on a busy machine, and say nothing of caches or system calls.

mod figures;
mod instructions;
mod options;
mod server;
mod text;
mod throughput;

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use self::options::Bench;

use self::figures::Goal;
use self::instructions::Instructions;
use self::throughput::Throughput;
use crate::binaries::Binaries;
use crate::limits;
use rehearse_generator::{Pinning, Protocol};
use rehearse_model::address::AddressPool;
use rehearse_report::Verdict;
use rehearse_report::options::Output;

/// The profile that ships, and what it is compared with at least.
const IMAGE: &str = "image";
const SAME_PROFILE: Goal = Goal::AtLeast(0.98);
const IMAGE_PROFILE: Goal = Goal::AtLeast(0.95);

/// All figures of a run, as they appear in JSON.
#[derive(Debug, Default, Serialize)]
struct Report {
    version: &'static str,
    /// Whether it was ended before its time: then the figures are those so far.
    interrupted: bool,
    #[serde(flatten)]
    http1: Figures,
    http2: Figures,
}

/// What was measured by one protocol.
#[derive(Debug, Default, Serialize)]
struct Figures {
    throughput: Vec<Throughput>,
    /// `None` without valgrind, or if the run was interrupted before.
    instructions: Option<Instructions>,
}

/// What the measurements of both protocols share.
struct Measuring<'a> {
    options: &'a Bench,
    pairs: &'a [Pair],
    pinning: Option<Pinning>,
    valgrind: bool,
    addresses: &'a AddressPool,
    output: Output,
    interrupt: &'a CancellationToken,
}

impl Measuring<'_> {
    /// Nothing, if this protocol was not asked for, and no more than there was until an interrupt.
    async fn of(&self, protocol: Protocol) -> anyhow::Result<Figures> {
        let (options, output) = (self.options, self.output);
        let mut figures = Figures::default();
        if !options.protocol.contains(&protocol) {
            return Ok(figures);
        }
        // What ships is compared by the protocol that all of it is for.
        let pairs = match protocol {
            Protocol::Http1 => self.pairs,
            Protocol::Http2 => &self.pairs[..1],
        };
        let goals = [SAME_PROFILE, IMAGE_PROFILE];
        let measured = pairs
            .iter()
            .zip(goals)
            .filter(|_| !options.instructions_only);
        for (pair, goal) in measured {
            if let Some(throughput) = throughput::measure(self, protocol, pair, goal).await? {
                output.text(&throughput);
                figures.throughput.push(throughput);
            }
        }
        if self.valgrind {
            let pair = &self.pairs[0];
            let counted = instructions::measure(self, protocol, pair);
            let counted = self.interrupt.run_until_cancelled(counted).await;
            figures.instructions = counted.transpose()?;
            figures.instructions.iter().for_each(|i| output.text(i));
        }
        Ok(figures)
    }
}

/// Two executables to compare.
struct Pair {
    control: Build,
    service: Build,
}

/// An executable, and the profile that built it.
struct Build {
    exe: PathBuf,
    profile: String,
}

impl Build {
    fn of(exe: PathBuf, binaries: &Binaries) -> Self {
        let profile = binaries.profile();
        Self { exe, profile }
    }
}

/// Measures and prints, the text section by section, and hands back the exit code: 0, or 130 if
/// `interrupt` ended it early; then the figures are those so far. When this returns no process is left.
///
/// # Errors
/// If a program cannot be built, does not start, or does not answer as it should; and with
/// `--instructions-only`, if valgrind is missing.
pub async fn run(
    options: &Bench,
    binaries: &Binaries,
    interrupt: &CancellationToken,
) -> anyhow::Result<u8> {
    let output = options.output;
    if cfg!(debug_assertions) {
        eprintln!(
            "rehearse: a debug build; its figures mean nothing: cargo run --release -- bench"
        );
    }
    limits::raise();
    let valgrind = instructions::valgrind().await;
    if options.instructions_only && !valgrind {
        bail!(instructions::MISSING);
    }
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        ..Report::default()
    };
    let provided = provide(options, binaries, output);
    if let Some(pairs) = interrupt.run_until_cancelled(provided).await.transpose()? {
        let bench = Measuring {
            options,
            pairs: &pairs,
            pinning: match options.instructions_only {
                true => None,
                false => Pinning::find().await,
            },
            valgrind,
            addresses: &AddressPool::claim()?,
            output,
            interrupt,
        };
        report.http1 = bench.of(Protocol::Http1).await?;
        report.http2 = bench.of(Protocol::Http2).await?;
    }
    report.interrupted = interrupt.is_cancelled();
    if !valgrind {
        eprintln!("rehearse: {}", instructions::MISSING);
    }
    if output.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(match report.interrupted {
        true => Verdict::Interrupted.exit_code(),
        false => 0,
    })
}

/// Builds all that will be measured before anything is: first the pair of one profile, then the
/// service as it ships.
async fn provide(
    options: &Bench,
    binaries: &Binaries,
    output: Output,
) -> anyhow::Result<Vec<Pair>> {
    binaries.provide(&["hello"]).await?;
    let pair = |service: &Binaries| Pair {
        control: Build::of(binaries.control(), binaries),
        service: Build::of(service.exe("hello"), service),
    };
    let mut pairs = vec![pair(binaries)];
    let by_http1 = options.protocol.contains(&Protocol::Http1);
    if by_http1 && !(options.skip_image || options.instructions_only) {
        let image = binaries.in_profile(IMAGE);
        output.progress("hello with profile image: takes minutes unless it is built already");
        let built = image.provide(&["hello"]).await;
        built.context("profile image (--skip-image leaves it out)")?;
        pairs.push(pair(&image));
    }
    Ok(pairs)
}
