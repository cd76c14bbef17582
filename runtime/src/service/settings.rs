//! What an author says of a service's settings and command line.

use futures_util::FutureExt as _;
use serde_json::Value;

use super::{Service, State};
use crate::settings::{Command, Invalid};

impl<S, M: State> Service<S, M> {
    /// Changes the default of a setting, Lastcall's own ones included, by its path. The file and the
    /// environment are laid over it.
    ///
    /// The value is what would stand in the file. That there is such a setting, and that it takes
    /// such a value, is checked at the start: if not, the exit code is 70.
    ///
    /// ```no_run
    /// # use actix_web::App;
    /// lastcall::service!()
    ///     .default("http.keep_alive", "10s")
    ///     .default("http.max_connections", 500)
    ///     .run(|_: &()| App::new());
    /// ```
    #[must_use]
    pub fn default(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.author.defaults.push((key, value.into()));
        self
    }

    /// Adds a check of the service's settings, for what their types cannot tell. Where it fails,
    /// the process says which setting has which value, who set it, and the problem, and ends with
    /// exit code 64, before a port is bound. The subcommand `check` says so, too.
    ///
    /// ```no_run
    /// # use actix_web::App;
    /// # use lastcall::Invalid;
    /// # #[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
    /// # struct Settings { low: u32, high: u32 }
    /// lastcall::service!()
    ///     .validate(|settings: &Settings| match settings.low <= settings.high {
    ///         true => Ok(()),
    ///         false => Err(Invalid::new("service.low", "must be at most service.high")),
    ///     })
    ///     .run(|_: &Settings| App::new());
    /// ```
    #[must_use]
    pub fn validate<F>(mut self, check: F) -> Self
    where
        F: Fn(&S) -> Result<(), Invalid> + Send + 'static,
    {
        self.author.checks.push(Box::new(check));
        self
    }

    /// Adds a subcommand, which `--help` shows as it is `about`. It is given the settings, checked as
    /// for serving, and the log is as there; no port is bound, and no start hook runs.
    ///
    /// An error is logged with its causes, and the exit code is 69. A signal ends the process at
    /// once, with exit code 1. It has a thread and an event loop of its own. A name that every
    /// service has, such as `check`, is refused at the start: the exit code is 70.
    ///
    /// ```no_run
    /// # use actix_web::App;
    /// # #[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
    /// # struct Settings { database: String }
    /// # async fn migrate(database: &str) -> anyhow::Result<()> { Ok(()) }
    /// lastcall::service!()
    ///     .command("migrate", "Bring the database's schema up to date", async |settings: &Settings| {
    ///         migrate(&settings.database).await
    ///     })
    ///     .run(|_: &Settings| App::new());
    /// ```
    #[must_use]
    pub fn command<F>(mut self, name: &'static str, about: &'static str, run: F) -> Self
    where
        S: 'static,
        F: AsyncFnOnce(&S) -> anyhow::Result<()> + Send + 'static,
    {
        let run = Box::new(|settings| async move { run(&settings).await }.boxed_local());
        self.author.commands.push(Command { name, about, run });
        self
    }
}
