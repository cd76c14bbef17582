//! A process from its first instruction to its exit code.

mod admin_listener;
pub(crate) mod instance;
pub(crate) mod public_port;

use std::{
    mem::take,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    thread,
};

use tokio::sync::oneshot;

use self::instance::{AnySettings, Channels, Instance, Open, Parts};
use crate::{
    cli::{Cli, Command},
    exit::Exit,
    kernel, probe,
    settings::{self, Budget, Loaded, Settings},
    signals::Signals,
    telemetry::Telemetry,
};

/// Why a service could not be started, and the exit code that says so.
pub(crate) type Failure = (Exit, anyhow::Error);

const WITHIN_A_RUNTIME: &str = "run() was called from asynchronous code, whose event loop it would \
    block: make `main` an ordinary function, or call bind(), serve() and await the end";

/// Runs the process. See [`crate::Service::run`].
pub(crate) fn run<S, St>(parts: Parts<S, St>, open: Open<S, St>) -> ExitCode
where
    S: AnySettings + Default,
    St: Clone + Send + 'static,
{
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
    let cli = match Cli::parse(parts.identity.name, parts.identity.version) {
        Ok(cli) => cli,
        Err(answer) => return answer.print(),
    };
    let source = Settings::new(S::default())
        .with_file(cli.config)
        .with_variables(std::env::vars_os());
    let mut loaded = match settings::load_from(source) {
        Ok(loaded) => loaded,
        Err(error) => return fail(error.exit(), error),
    };
    loaded.rules = parts.rules;
    let (admin, grace) = (loaded.settings.admin.address, loaded.settings.grace_period);
    match cli.command {
        Command::Prestop => ask(signals, move || probe::prestop(admin, grace)).await,
        Command::Healthcheck => ask(signals, move || probe::healthcheck(admin)).await,
        Command::Check => check(&mut loaded),
        Command::Serve => {
            let limit = kernel::raise_descriptor_limit().ok();
            match loaded.fit(limit) {
                Ok(budget) => serve(signals, parts, loaded, budget, open).await,
                Err(error) => fail(error.exit(), error),
            }
        }
    }
}

/// Serves until it is told to go and everything is finished.
async fn serve<S, St>(
    signals: Signals,
    mut parts: Parts<S, St>,
    loaded: Loaded<S>,
    budget: Budget,
    open: Open<S, St>,
) -> Exit
where
    S: AnySettings,
    St: Clone + Send + 'static,
{
    let settings = loaded.settings;
    let telemetry = match Telemetry::start(&settings, parts.identity) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(Exit::Usage, format_args!("{error:#}")),
    };
    let layers = take(&mut parts.layers).into_iter();
    telemetry.init(layers.map(|make| make(&settings.service)).collect());
    for misspelt in loaded.misspelt {
        tracing::warn!("{misspelt}");
    }
    let instance = Instance {
        parts,
        settings,
        budget,
        signals: Some(signals),
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

/// Says what is wrong in one line.
fn fail(exit: Exit, error: impl std::fmt::Display) -> Exit {
    eprintln!("error: {error}");
    exit
}

/// Prints the effective settings and the budget.
fn check<S: AnySettings>(loaded: &mut Loaded<S>) -> Exit {
    for misspelt in &loaded.misspelt {
        eprintln!("warning: {misspelt}");
    }
    let fit = loaded.fit(kernel::raise_descriptor_limit().ok());
    print!("{}", settings::print(loaded, fit.as_ref().ok()));
    match fit {
        Ok(_) => Exit::Ok,
        Err(error) => fail(error.exit(), error),
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
