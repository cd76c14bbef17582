//! `rehearse bench`: what the runtime costs, as ratios to plain actix-web with the same routes.
//!
//! Two figures, because each has what the other lacks. Throughput is what users would see, and
//! carries the machine's noise: so both arms take turns, and the spread is shown. Instructions
//! are the same on a busy machine, and say nothing of caches or system calls.

mod cores;
mod exchange;
mod figures;
mod generator;
mod instructions;
mod options;
mod server;
mod text;
mod throughput;

use std::path::PathBuf;

use anyhow::{Context, bail};
use serde::Serialize;

pub use self::options::Bench;

use self::cores::Pinning;
use self::figures::Goal;
use self::instructions::Instructions;
use self::throughput::Throughput;
use crate::binaries::Binaries;
use crate::limits;
use crate::model::address::AddressPool;

/// The profile that ships, and what it is compared with at least.
const IMAGE: &str = "image";
const SAME_PROFILE: Goal = Goal::AtLeast(0.98);
const IMAGE_PROFILE: Goal = Goal::AtLeast(0.95);

/// How the figures are shown.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// As one JSON document, instead of text.
    pub json: bool,
    /// Without progress on standard error.
    pub quiet: bool,
}

impl Output {
    fn progress(self, line: impl std::fmt::Display) {
        if !self.quiet {
            eprintln!("{line}");
        }
    }

    fn text(self, section: impl std::fmt::Display) {
        if !self.json {
            println!("{section}");
        }
    }
}

/// All figures of a run, as they appear in JSON.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    throughput: Vec<Throughput>,
    /// `None` without valgrind.
    instructions: Option<Instructions>,
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
    fn of(binaries: &Binaries, name: &str) -> Self {
        let (exe, profile) = (binaries.exe(name), binaries.profile());
        Self { exe, profile }
    }
}

/// Measures and prints, the text section by section. Dropping the future ends every process that
/// it has started.
///
/// # Errors
/// If a program cannot be built, does not start, or does not answer as it should; and with
/// `--instructions-only`, if valgrind is missing.
pub async fn run(options: &Bench, binaries: &Binaries, output: Output) -> anyhow::Result<()> {
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
    let pairs = provide(options, binaries, output).await?;
    let addresses = AddressPool::claim()?;
    let mut throughput = Vec::new();
    if !options.instructions_only {
        let pinning = Pinning::find().await;
        for (pair, goal) in pairs.iter().zip([SAME_PROFILE, IMAGE_PROFILE]) {
            let figures =
                throughput::measure(pair, goal, options, pinning, &addresses, output).await?;
            output.text(&figures);
            throughput.push(figures);
        }
    }
    let instructions = if valgrind {
        let figures = instructions::measure(&pairs[0], options.requests, &addresses, output);
        Some(figures.await?).inspect(|figures| output.text(figures))
    } else {
        eprintln!("rehearse: {}", instructions::MISSING);
        None
    };
    if output.json {
        let version = env!("CARGO_PKG_VERSION");
        let report = Report {
            version,
            throughput,
            instructions,
        };
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    Ok(())
}

/// Builds all that will be measured before anything is: first the pair of one profile, then the
/// service as it ships.
async fn provide(
    options: &Bench,
    binaries: &Binaries,
    output: Output,
) -> anyhow::Result<Vec<Pair>> {
    binaries.provide(&["control", "hello"]).await?;
    let pair = |service: &Binaries| Pair {
        control: Build::of(binaries, "control"),
        service: Build::of(service, "hello"),
    };
    let mut pairs = vec![pair(binaries)];
    if !(options.skip_image || options.instructions_only) {
        let image = binaries.in_profile(IMAGE);
        output.progress("hello with profile image: takes minutes unless it is built already");
        let built = image.provide(&["hello"]).await;
        built.context("profile image (--skip-image leaves it out)")?;
        pairs.push(pair(&image));
    }
    Ok(pairs)
}
