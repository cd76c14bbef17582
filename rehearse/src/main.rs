//! `rehearse`: see the library's documentation, or `rehearse --help`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use rehearse::arm::ArmError;
use rehearse::bench;
use rehearse::binaries::{self, Binaries};
use rehearse::cli::{self, Cli};
use rehearse::cluster;
use rehearse::conform;
use rehearse::events::{self, file::Files, line::Header};
use rehearse::limits;
use rehearse::lint;
use rehearse::rehearsal::{self, Conditions};
use rehearse::report::Report;
use rehearse_network::Place;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

const BAD_USAGE: u8 = 64;
const UNAVAILABLE: u8 = 69;
const INTERRUPTED: u8 = 130;

/// The load generator must not starve the servers, which share the cores with it.
const WORKERS: usize = 2;

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == binaries::CONTROL) {
        return rehearse_control::run(std::env::args_os().skip(1));
    }
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(explain(&error)),
    };
    ExitCode::from(start(&cli).unwrap_or_else(|error| {
        eprintln!("rehearse: {error:#}");
        UNAVAILABLE
    }))
}

fn start(cli: &Cli) -> anyhow::Result<u8> {
    let place = Place::with_delay(cli.common.network_delay, WORKERS).context("--network-delay")?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(WORKERS).enable_all().build();
    runtime.context("cannot start")?.block_on(run(cli, &place))
}

/// Help and version go to standard output as they are; of an error, the line that says what is
/// wrong.
fn explain(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        print!("{error}");
        return 0;
    }
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or(&text);
    let words: Vec<&str> = first.split_whitespace().collect();
    eprintln!(
        "rehearse: {}",
        words.join(" ").trim_start_matches("error: ")
    );
    BAD_USAGE
}

async fn run(cli: &Cli, place: &Place) -> anyhow::Result<u8> {
    let common = &cli.common;
    let binaries = Binaries::new(common.bin_dir.as_deref(), common.quiet);
    if let Some(cli::Command::Bench(options)) = &cli.command {
        let output = bench::Output {
            json: common.json,
            quiet: common.quiet,
        };
        return benchmark(options, &binaries, output).await;
    }
    if let Some(cli::Command::Cluster(options)) = &cli.command {
        return on_cluster(cli, options).await;
    }
    if let Some(cli::Command::Lint(options)) = &cli.command {
        return lint::run(options, &binaries, common.json).await;
    }
    if let Some(cli::Command::Conform(options)) = &cli.command {
        return conformance(options, common, &binaries).await;
    }
    let plan = match cli::plan(cli, &binaries) {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!("rehearse: {error}");
            return Ok(BAD_USAGE);
        }
    };
    let descriptors = limits::raise();
    if let Some(needed) = plan
        .scenarios
        .iter()
        .map(limits::needed)
        .find(|n| *n > descriptors)
    {
        eprintln!(
            "rehearse: {needed} descriptors needed, and ulimit -n is {descriptors}: fewer \
                   clients, replicas or arms, or a higher limit"
        );
        return Ok(BAD_USAGE);
    }
    let interrupt = CancellationToken::new();
    on_signal(interrupt.clone())?;
    let conditions = Conditions {
        propagation: common.propagation,
        seed: common.seed.unwrap_or_else(any_seed),
        addresses: Arc::new(place.addresses()?),
        sides: place.sides(),
        network_delay: common.network_delay,
        limits: cli.limits(),
        quiet: common.quiet,
    };
    let files = match files(cli, conditions.seed, conditions.propagation.to_string()) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("rehearse: {error:#}");
            return Ok(BAD_USAGE);
        }
    };
    tokio::select! {
        built = binaries.provide(&plan.programs) => built?,
        () = interrupt.cancelled() => return Ok(interrupted()),
    }
    play(cli, &plan, &conditions, files, &interrupt).await
}

fn files(cli: &Cli, seed: u64, propagation: String) -> anyhow::Result<Files> {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let header = Header {
        version: events::line::VERSION,
        rehearse: env!("CARGO_PKG_VERSION").to_owned(),
        command: std::env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        began: since_1970.unwrap_or_default().as_secs(),
        seed,
        propagation,
    };
    let cli::Files {
        events,
        report,
        junit,
    } = cli.files();
    let [events, report, junit] = [&events, &report, &junit].map(Option::as_deref);
    Files::create(events, report, junit, &header)
}

async fn benchmark(
    options: &bench::Bench,
    binaries: &Binaries,
    output: bench::Output,
) -> anyhow::Result<u8> {
    let interrupt = CancellationToken::new();
    on_signal(interrupt.clone())?;
    tokio::select! {
        done = bench::run(options, binaries, output) => done.map(|()| 0),
        () = interrupt.cancelled() => Ok(interrupted()),
    }
}

async fn conformance(
    options: &conform::Conform,
    common: &cli::Common,
    binaries: &Binaries,
) -> anyhow::Result<u8> {
    let suite = match conform::suite(options, common, binaries) {
        Ok(suite) => suite,
        Err(error) => {
            eprintln!("rehearse: {error}");
            return Ok(BAD_USAGE);
        }
    };
    let interrupt = CancellationToken::new();
    on_signal(interrupt.clone())?;
    tokio::select! {
        done = suite.run(binaries) => done,
        () = interrupt.cancelled() => Ok(interrupted()),
    }
}

async fn on_cluster(cli: &Cli, options: &cluster::Cluster) -> anyhow::Result<u8> {
    let common = &cli.common;
    let seed = common.seed.unwrap_or_else(any_seed);
    let propagation =
        "the cluster's own; when an endpoint changed is known, and not when a node learnt of it";
    let files = match cluster::check(options).await {
        Ok(()) => files(cli, seed, propagation.to_owned()),
        Err(cluster::Refused::Unavailable(error)) => return Err(error),
        Err(error) => Err(error.into()),
    };
    let files = match files {
        Ok(files) => files,
        Err(error) => {
            eprintln!("rehearse: {error:#}");
            return Ok(BAD_USAGE);
        }
    };
    let interrupt = CancellationToken::new();
    on_signal(interrupt.clone())?;
    let conditions = cluster::Conditions {
        seed,
        limits: cli.limits(),
        output: cluster::Output {
            json: common.json,
            quiet: common.quiet,
        },
        files,
    };
    let code = cluster::run(options, conditions, &interrupt).await?;
    Ok(code.unwrap_or_else(|| {
        eprintln!("rehearse: interrupted; what was changed on the cluster has been taken back");
        INTERRUPTED
    }))
}

async fn play(
    cli: &Cli,
    plan: &cli::Plan,
    conditions: &Conditions,
    mut files: Files,
    interrupt: &CancellationToken,
) -> anyhow::Result<u8> {
    let Cli { common, .. } = cli;
    let mut reports = Vec::new();
    for scenario in &plan.scenarios {
        if !common.quiet {
            eprintln!("{}", scenario.title());
        }
        match rehearsal::run(scenario, conditions, interrupt).await {
            Ok(report) => reports.push(report),
            Err(ArmError::Interrupted) => return Ok(interrupted()),
            Err(error) => return Err(error.into()),
        }
        if let Some(report) = reports.last() {
            if !common.json {
                println!("{}", report.text());
            }
            files.scenario(report)?;
        }
    }
    let report = Report::new(conditions, reports);
    match common.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => println!("{}", report.footer()),
    }
    files.finish(report.scenarios.iter(), None)?;
    Ok(report.exit_code)
}

fn any_seed() -> u64 {
    fastrand::u64(..1 << 32)
}

fn interrupted() -> u8 {
    eprintln!("rehearse: interrupted; every process has been ended");
    INTERRUPTED
}

fn on_signal(interrupt: CancellationToken) -> anyhow::Result<()> {
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ];
    for kind in kinds {
        let mut arrivals = signal(kind).context("cannot handle signals")?;
        let interrupt = interrupt.clone();
        tokio::spawn(async move {
            arrivals.recv().await;
            interrupt.cancel();
        });
    }
    Ok(())
}
