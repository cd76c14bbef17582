//! A process from its first instruction to its exit code.

mod admin_listener;
mod serve;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    thread,
};

use actix_web::{App, body::MessageBody};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;

use crate::{
    background::{Hook, Start},
    cli::{Cli, Command},
    exit::Exit,
    kernel, probe,
    rules::Rules,
    settings::{self, Loaded},
    signals::Signals,
    worker::Application,
};

/// Why a service could not be started, and the exit code that says so.
type Failure = (Exit, anyhow::Error);

/// What the author of a service has put together.
pub(crate) struct Parts<S, St> {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) begin: Begin<S, St>,
    pub(crate) rules: Rules,
}

/// Where a service's state comes from.
pub(crate) enum Begin<S, St> {
    /// It is there, and nothing is to be done at the end: no thread is needed for hooks.
    With(St),
    /// From a start hook; and the shutdown hooks.
    Start(Start<S, St>, Vec<Hook<St>>),
}

/// Everything that can be asked of settings.
pub(crate) trait AnySettings:
    DeserializeOwned + Serialize + Default + Clone + Send + Sync + 'static
{
}

impl<S: DeserializeOwned + Serialize + Default + Clone + Send + Sync + 'static> AnySettings for S {}

/// Runs the process. See [`crate::Service::run`].
pub(crate) fn run<S, St, A, T, B>(parts: Parts<S, St>, app: A) -> ExitCode
where
    S: AnySettings,
    St: Clone + Send + Sync + 'static,
    A: Fn(&S, &St) -> App<T> + Send + Sync + 'static,
    T: Application<B>,
    B: MessageBody + 'static,
{
    let process = || actix_rt::System::new().block_on(begin(parts, app));
    let exit = catch_unwind(AssertUnwindSafe(process)).unwrap_or(Exit::Software);
    exit.into()
}

async fn begin<S, St, A, T, B>(parts: Parts<S, St>, app: A) -> Exit
where
    S: AnySettings,
    St: Clone + Send + Sync + 'static,
    A: Fn(&S, &St) -> App<T> + Send + Sync + 'static,
    T: Application<B>,
    B: MessageBody + 'static,
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
    let cli = match Cli::parse(parts.name, parts.version) {
        Ok(cli) => cli,
        Err(answer) => return answer.print(),
    };
    let mut loaded: Loaded<S> = match settings::load(cli.config.as_deref(), std::env::vars_os()) {
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
                Ok(budget) => serve::serve(signals, parts, loaded, budget, app).await,
                Err(error) => fail(error.exit(), error),
            }
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
