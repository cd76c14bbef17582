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

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use actix_web::{App, web};
    use serde::{Deserialize, Serialize};

    use crate::{Error, Invalid, Required, Service, Settings};

    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    struct Own {
        url: Required<String>,
        low: u32,
    }

    fn service() -> Service<Own> {
        let positive = |own: &Own| match own.low {
            0 => Err(Invalid::new("service.low", "must be above zero")),
            _ => Ok(()),
        };
        Service::new("checked", "1.0.0").validate(positive)
    }

    fn expect(error: &Error, exit: u8, line: &str) {
        assert_eq!(error.to_string(), line);
        let exit = ExitCode::from(exit);
        assert_eq!(format!("{:?}", error.exit_code()), format!("{exit:?}"));
    }

    #[actix_web::test]
    async fn what_is_bound_is_checked_as_what_runs() {
        let unset = service().bind(Settings::new(Own::default())).await;
        let line = "must be set: service.url (LASTCALL__SERVICE__URL)";
        expect(&unset.unwrap_err(), 64, line);

        let set = Settings::new(Own::default()).set("service.url", "here");
        let invalid = service().bind(set.clone()).await;
        let line = "service.low = 0 (default): must be above zero";
        expect(&invalid.unwrap_err(), 64, line);

        let mistaken = service().default("service.low", "high").bind(set).await;
        let line = "service.low = \"high\" (set by the program): \
                    must be a whole number from 0 to 4294967295";
        expect(&mistaken.unwrap_err(), 70, line);
    }

    #[actix_web::test]
    async fn a_default_lies_under_what_a_test_says() {
        let settings = Settings::new(Own::default()).set("service.url", "here");
        let routes = |own: &Own| {
            assert_eq!((own.url.as_str(), own.low), ("here", 7));
            App::new().route("/", web::get().to(async || "Hello"))
        };
        let service = service()
            .default("service.low", 7)
            .default("service.url", "there")
            .default("http.address", "192.0.2.1:80")
            .test(settings, routes)
            .await;
        assert!(service.address().ip().is_loopback());
        assert_eq!(service.drain().await.exit, Some(0));
    }
}
