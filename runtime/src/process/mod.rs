//! A process from its first instruction to its exit code.

mod admin_listener;
mod command;
pub(crate) mod given;
mod inherited;
pub(crate) mod instance;
pub(crate) mod public_port;

use std::{
    mem::take,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
};

use serde_json::Value as Json;
use tokio::sync::oneshot;

use self::instance::{AnySettings, Channels, Instance, Open, Parts};
use crate::{
    cli::{self, Cli, Command},
    exit::Exit,
    kernel, probe,
    settings::{self, Budget, Effective, Loaded, Settings, SettingsError},
    signals::Signals,
    telemetry::Telemetry,
    tls::Tls,
};

/// Why a service could not be started, and the exit code that says so.
pub(crate) type Failure = (Exit, anyhow::Error);

const WITHIN_A_RUNTIME: &str = "run() was called from asynchronous code, whose event loop it would \
    block: make `main` an ordinary function, or call bind(), serve() and await the end";

/// Runs the process. See [`crate::Service::run`].
pub(crate) fn run<S, St>(mut parts: Parts<S, St>, open: Open<S, St>) -> ExitCode
where
    S: AnySettings + Default,
    St: Clone + Send + 'static,
{
    // While there is one thread: the environment is changed.
    parts.given.inherit();
    if tokio::runtime::Handle::try_current().is_ok() {
        return fail(Exit::Software, WITHIN_A_RUNTIME).into();
    }
    let process = || actix_rt::System::new().block_on(begin(parts, open));
    let exit = catch_unwind(AssertUnwindSafe(process)).unwrap_or(Exit::Software);
    exit.into()
}

async fn begin<S, St>(parts: Parts<S, St>, open: Open<S, St>) -> Exit
where
    S: AnySettings + Default,
    St: Clone + Send + 'static,
{
    // Before anything else: see `Signals::catch`.
    let signals = match Signals::catch() {
        Ok(signals) => signals,
        Err(error) => {
            return fail(
                Exit::OsErr,
                format_args!("signals cannot be caught: {error}"),
            );
        }
    };
    let commands = &parts.author.commands;
    let own = commands.iter().map(|own| (own.name, own.about)).collect();
    if let Some(mistake) = cli::mistake(&own) {
        return fail(Exit::Software, mistake);
    }
    let cli = match Cli::parse(parts.identity.name, parts.identity.version, &own) {
        Ok(cli) => cli,
        Err(answer) => return answer.print(),
    };
    match cli.command {
        Command::Prestop | Command::Healthcheck => {
            let source = from_here(Json::Null, cli.config);
            match parts.author.load(source) {
                Ok(loaded) => probe(signals, cli.command, &loaded.settings).await,
                Err(error) => fail(error.exit(), error),
            }
        }
        _ => match parts.author.load(from_here(S::default(), cli.config)) {
            Ok(loaded) => with_settings(signals, cli.command, parts, loaded, open).await,
            Err(error) => fail(error.exit(), error),
        },
    }
}

/// What is said in the file and in this process's environment, over these defaults.
fn from_here<S>(defaults: S, file: Option<PathBuf>) -> Settings<S> {
    Settings::new(defaults)
        .with_file(file)
        .with_variables(std::env::vars_os())
}

async fn with_settings<S, St>(
    signals: Signals,
    command: Command,
    mut parts: Parts<S, St>,
    mut loaded: Loaded<S>,
    open: Open<S, St>,
) -> Exit
where
    S: AnySettings,
    St: Clone + Send + 'static,
{
    loaded.rules = parts.rules;
    let accepted = parts.author.accept(&loaded);
    let limit = kernel::raise_descriptor_limit().ok();
    if command == Command::Check {
        return check(&mut loaded, accepted, limit);
    }
    let tls = match accepted {
        Ok(tls) => tls,
        Err(error) => return fail(error.exit(), error),
    };
    if let Command::Own(index) = command {
        let own = parts.author.commands.swap_remove(index);
        return match logged(&mut parts, loaded) {
            Ok((settings, _telemetry)) => command::run(signals, own, settings).await,
            Err(exit) => exit,
        };
    }
    match loaded.fit(limit) {
        Ok(budget) => serve(signals, parts, loaded, (budget, tls), open).await,
        Err(error) => fail(error.exit(), error),
    }
}

/// Serves until it is told to go and everything is finished.
async fn serve<S, St>(
    signals: Signals,
    mut parts: Parts<S, St>,
    loaded: Loaded<S>,
    (budget, tls): (Budget, Option<Arc<Tls>>),
    open: Open<S, St>,
) -> Exit
where
    S: AnySettings,
    St: Clone + Send + 'static,
{
    let listeners = match take(&mut parts.given).listeners() {
        Ok(listeners) => listeners,
        Err((exit, error)) => return fail(exit, format_args!("{error:#}")),
    };
    let (settings, _telemetry) = match logged(&mut parts, loaded) {
        Ok(logged) => logged,
        Err(exit) => return exit,
    };
    let instance = Instance {
        parts,
        settings,
        budget,
        tls,
        signals: Some(signals),
        listeners,
    };
    match instance.run(Channels::at_once(open)).await {
        Ok(finished) => finished.exit,
        Err((exit, error)) => {
            tracing::error!(
                error = format!("{error:#}"),
                "the service could not be started"
            );
            exit
        }
    }
}

/// Starts the log, and traces, which go on until what is returned is dropped.
///
/// # Errors
/// The exit code, when what was set cannot be used; what is wrong is said.
fn logged<S, St>(
    parts: &mut Parts<S, St>,
    loaded: Loaded<S>,
) -> Result<(Effective<S>, Telemetry), Exit> {
    let settings = loaded.settings;
    let telemetry = Telemetry::start(&settings, parts.identity)
        .map_err(|error| fail(Exit::Usage, format_args!("{error:#}")))?;
    let layers = take(&mut parts.layers).into_iter();
    telemetry.init(layers.map(|make| make(&settings.service)).collect());
    for misspelt in loaded.misspelt {
        tracing::warn!("{misspelt}");
    }
    Ok((settings, telemetry))
}

/// Says what is wrong in one line.
fn fail(exit: Exit, error: impl std::fmt::Display) -> Exit {
    eprintln!("error: {error}");
    exit
}

/// Prints the effective settings and the budget, and what is wrong with them.
fn check<S: AnySettings>(
    loaded: &mut Loaded<S>,
    accepted: Result<Option<Arc<Tls>>, SettingsError>,
    limit: Option<u64>,
) -> Exit {
    for misspelt in &loaded.misspelt {
        eprintln!("warning: {misspelt}");
    }
    let fit = loaded.fit(limit);
    print!("{}", settings::print(loaded, fit.as_ref().ok()));
    match accepted.map(drop).and(fit.map(drop)) {
        Ok(()) => Exit::Ok,
        Err(error) => fail(error.exit(), error),
    }
}

async fn probe(signals: Signals, command: Command, settings: &Effective<Json>) -> Exit {
    let (admin, grace) = (settings.admin.address, settings.grace_period);
    match command {
        Command::Prestop => ask(signals, move || probe::prestop(admin, grace)).await,
        _ => ask(signals, move || probe::healthcheck(admin)).await,
    }
}

/// Asks a running service something, on a thread of its own, so that a signal still ends it.
async fn ask(
    mut signals: Signals,
    question: impl FnOnce() -> Result<(), probe::ProbeError> + Send + 'static,
) -> Exit {
    let (send, answer) = oneshot::channel();
    let asking = thread::Builder::new().spawn(move || send.send(question()));
    if let Err(error) = asking {
        return fail(Exit::OsErr, error);
    }
    tokio::select! {
        answer = answer => match answer {
            Ok(Ok(())) => Exit::Ok,
            Ok(Err(error)) => fail(error.exit(), error),
            Err(_) => Exit::Software,
        },
        _ = signals.next() => Exit::Aborted,
    }
}
