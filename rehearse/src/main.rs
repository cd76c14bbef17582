//! `rehearse`: see the library's documentation, or `rehearse --help`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context;
use rehearse::bench;
use rehearse::binaries::{self, Binaries};
use rehearse::cli::{self, BadInput, Cli, Command, Output, Plan, Programs, Rehearsal, Seed};
use rehearse::conform;
use rehearse::limits;
use rehearse::lint;
use rehearse::rehearsal::{self, Conditions};
use rehearse_cluster::Cluster;
use rehearse_network::Place;
use rehearse_report::events::{self, file::Files, line::Header};
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
    let delay = cli
        .rehearsal()
        .and_then(|rehearsal| rehearsal.network_delay);
    let place = Place::with_delay(delay, WORKERS).context("--network-delay")?;
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
    refused(words.join(" ").trim_start_matches("error: "))
}

fn refused(error: impl std::fmt::Display) -> u8 {
    eprintln!("rehearse: {error}");
    BAD_USAGE
}

async fn run(cli: &Cli, place: &Place) -> anyhow::Result<u8> {
    let interrupt = CancellationToken::new();
    on_signal(&interrupt)?;
    let code = match (&cli.command, cli.rehearsal()) {
        (_, Some(told)) => {
            let binaries = binaries(&told.programs, told.output).over(told.transport());
            let plan = cli::plan(cli, &binaries);
            rehearse(plan, told, &binaries, place, &interrupt).await?
        }
        (Some(Command::Cluster(options)), _) if options.model => {
            let told = cli::rehearsal_on_model(options)?;
            let binaries = binaries(&told.programs, told.output);
            let plan = cli::plan_on_model(options, &told, &binaries);
            rehearse(plan, &told, &binaries, place, &interrupt).await?
        }
        (Some(Command::Bench(options)), _) => {
            let binaries = binaries(&options.programs, options.output);
            bench::run(options, &binaries, &interrupt).await?
        }
        (Some(Command::Lint(options)), _) => {
            let binaries = binaries(&options.programs, options.output);
            let work = lint::run(options, &binaries);
            let code = interrupt.run_until_cancelled(work).await;
            code.unwrap_or(Ok(INTERRUPTED))?
        }
        (Some(Command::Conform(options)), _) => {
            let binaries = binaries(&options.programs, options.output).over(options.transport());
            match conform::plan(options, &binaries) {
                Ok(plan) => plan.run(&binaries, &interrupt).await?,
                Err(error) => refused(error),
            }
        }
        (Some(Command::Cluster(options)), _) => return on_cluster(options, &interrupt).await,
        _ => 0,
    };
    if code == INTERRUPTED {
        eprintln!("rehearse: interrupted; every process has been ended");
    }
    Ok(code)
}

fn binaries(programs: &Programs, output: Output) -> Binaries {
    Binaries::new(programs.bin_dir.as_deref(), output.quiet)
}

async fn on_cluster(options: &Cluster, interrupt: &CancellationToken) -> anyhow::Result<u8> {
    let seed = seed(options.seed);
    let propagation =
        "the cluster's own; when an endpoint changed is known, and not when a node learnt of it";
    let files = match rehearse_cluster::check(options, limits::raise()).await {
        Ok(()) => files(&options.files, seed, propagation.to_owned()),
        Err(rehearse_cluster::Refused::Unavailable(error)) => return Err(error),
        Err(error) => Err(error.into()),
    };
    let files = match files {
        Ok(files) => files,
        Err(error) => return Ok(refused(format_args!("{error:#}"))),
    };
    let conditions = rehearse_cluster::Conditions {
        seed,
        limits: options.limits,
        output: options.output,
        files,
    };
    rehearse_cluster::run(options, conditions, interrupt).await
}

async fn rehearse(
    plan: Result<Plan, BadInput>,
    told: &Rehearsal,
    binaries: &Binaries,
    place: &Place,
    interrupt: &CancellationToken,
) -> anyhow::Result<u8> {
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return Ok(refused(error)),
    };
    let descriptors = limits::raise();
    let needed = plan.scenarios.iter().map(limits::needed).max().unwrap_or(0);
    if needed > descriptors {
        return Ok(refused(format_args!(
            "{needed} descriptors needed, and ulimit -n is {descriptors}: fewer clients, replicas or \
             arms, or a higher limit"
        )));
    }
    let conditions = Conditions {
        propagation: told.propagation,
        seed: seed(told.seed),
        addresses: Arc::new(place.addresses()?),
        sides: place.sides(),
        network_delay: told.network_delay,
        limits: told.limits,
        quiet: told.output.quiet,
    };
    let files = match files(
        &told.files,
        conditions.seed,
        conditions.propagation.to_string(),
    ) {
        Ok(files) => files,
        Err(error) => return Ok(refused(format_args!("{error:#}"))),
    };
    tokio::select! {
        built = binaries.provide(&plan.programs) => built?,
        () = interrupt.cancelled() => {
            return rehearsal::finish(&conditions, told.output, files, Vec::new());
        }
    }
    rehearsal::run(&plan.scenarios, &conditions, told.output, files, interrupt).await
}

fn files(paths: &cli::Files, seed: u64, propagation: String) -> anyhow::Result<Files> {
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
    let paths = [&paths.events, &paths.report, &paths.junit].map(Option::as_deref);
    let [events, report, junit] = paths;
    Files::create(events, report, junit, &header)
}

fn seed(args: Seed) -> u64 {
    args.seed.unwrap_or_else(|| fastrand::u64(..1 << 32))
}

fn on_signal(interrupt: &CancellationToken) -> anyhow::Result<()> {
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
