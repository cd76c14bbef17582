use std::{fmt, future::Future, process::ExitCode};

use actix_service::ServiceFactory;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use futures_util::FutureExt as _;
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "sabotage")]
use crate::rules::Rule;
use crate::{
    background::{Hook, Start},
    process::{self, Begin, Parts},
    rules::Rules,
};

/// A service before it runs. [`service!`](crate::service!) makes one by its crate's name.
pub struct Service {
    name: &'static str,
    version: &'static str,
    rules: Rules,
}

/// A service with a start hook, whose settings are `S` and whose state is `St`.
pub struct Started<S, St> {
    name: &'static str,
    version: &'static str,
    start: Start<S, St>,
    hooks: Vec<Hook<St>>,
    rules: Rules,
}

impl Service {
    /// A service of this name and version, which `--version`, the metrics and the drain report
    /// show.
    #[must_use]
    pub fn new(name: &'static str, version: &'static str) -> Self {
        let rules = Rules::default();
        Self {
            name,
            version,
            rules,
        }
    }

    /// Does without a rule of the drain, by its name: for tests that show its loss is seen.
    ///
    /// # Panics
    /// When there is no such rule.
    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    #[must_use]
    pub fn without(mut self, rule: &str) -> Self {
        let Some(known) = Rule::named(rule) else {
            panic!("{rule}: no such rule");
        };
        self.rules = Rules::without(known);
        self
    }

    /// Adds what must be done before the public port is bound: open pools, warm caches.
    ///
    /// The process is in `Starting` meanwhile: alive and not ready. An error ends it with exit
    /// code 69 and is logged with its causes; a signal ends it at once with 0. The hook has a
    /// thread and an event loop of its own, which live as long as the process: what it spawns
    /// goes on. The state it returns is handed to [`Started::run`] and to the shutdown hooks.
    ///
    /// ```no_run
    /// # use actix_web::{App, web};
    /// # #[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
    /// # struct Settings {}
    /// # #[derive(Clone)]
    /// # struct Pool;
    /// # impl Pool {
    /// #     async fn open() -> anyhow::Result<Self> { Ok(Self) }
    /// #     async fn close(self) -> anyhow::Result<()> { Ok(()) }
    /// # }
    /// runtime::service!()
    ///     .start(async |_: &Settings| Pool::open().await)
    ///     .on_shutdown("pool", |pool: Pool| pool.close())
    ///     .run(|_: &Settings, pool: &Pool| App::new().app_data(web::Data::new(pool.clone())));
    /// ```
    pub fn start<S, St, F>(self, start: F) -> Started<S, St>
    where
        S: 'static,
        F: AsyncFnOnce(&S) -> anyhow::Result<St> + Send + 'static,
    {
        Started {
            name: self.name,
            version: self.version,
            start: Box::new(|settings| async move { start(&settings).await }.boxed_local()),
            hooks: Vec::new(),
            rules: self.rules,
        }
    }

    /// Adds a shutdown hook: see [`Started::on_shutdown`].
    pub fn on_shutdown<S, F, R>(self, name: &'static str, hook: F) -> Started<S, ()>
    where
        S: 'static,
        F: FnOnce(()) -> R + Send + 'static,
        R: Future<Output = anyhow::Result<()>> + 'static,
    {
        self.start(async |_: &S| Ok(())).on_shutdown(name, hook)
    }

    /// Runs the process: reads the command line and the settings, serves, drains.
    ///
    /// `app` is called once for each worker thread.
    pub fn run<S, A, T, B>(self, app: A) -> ExitCode
    where
        S: DeserializeOwned + Serialize + Default + Clone + fmt::Debug + Send + Sync + 'static,
        A: Fn(&S) -> App<T> + Send + Sync + 'static,
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let parts = Parts {
            name: self.name,
            version: self.version,
            begin: Begin::With(()),
            rules: self.rules,
        };
        process::run(parts, move |settings: &S, (): &()| app(settings))
    }
}

impl<S, St> Started<S, St> {
    /// Adds what must be done when the last response is out and before the process ends: close
    /// pools, flush buffers. Hooks run one after the other, the last one added first.
    ///
    /// A hook that fails is logged and named in the drain report. One that is still running when
    /// the grace period is about to end is cut, and the exit code is 3.
    #[must_use]
    pub fn on_shutdown<F, R>(mut self, name: &'static str, hook: F) -> Self
    where
        F: FnOnce(St) -> R + Send + 'static,
        R: Future<Output = anyhow::Result<()>> + 'static,
        St: 'static,
    {
        let run = Box::new(|state| async move { hook(state).await }.boxed_local());
        self.hooks.push(Hook { name, run });
        self
    }

    /// Runs the process, as [`Service::run`] does, with the state that the start hook returned.
    pub fn run<A, T, B>(self, app: A) -> ExitCode
    where
        S: DeserializeOwned + Serialize + Default + Clone + fmt::Debug + Send + Sync + 'static,
        St: Clone + Send + Sync + 'static,
        A: Fn(&S, &St) -> App<T> + Send + Sync + 'static,
        T: ServiceFactory<
                ServiceRequest,
                Config = (),
                Response = ServiceResponse<B>,
                Error = Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let begin = Begin::Start(self.start, self.hooks);
        process::run(
            Parts {
                name: self.name,
                version: self.version,
                begin,
                rules: self.rules,
            },
            app,
        )
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<S, St> fmt::Debug for Started<S, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
