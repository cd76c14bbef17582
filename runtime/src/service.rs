mod settings;

use std::{fmt, future::Future, marker::PhantomData, os::fd::OwnedFd, process::ExitCode};

use actix_web::{App, body::MessageBody};
use futures_util::FutureExt as _;
use prometheus_client::registry::Registry;
use serde::{Serialize, de::DeserializeOwned};
use tracing_subscriber::Layer;

#[cfg(feature = "sabotage")]
use crate::rules::Rule;
use crate::{
    Bound, Error, Settings,
    background::{Hook, Stop, Tasks, Work},
    bound::bind,
    checks::Check,
    exit::Exit,
    process::{
        self,
        given::Given,
        instance::{Begin, Identity, MakeLayer, Parts, Register, opener},
    },
    rules::Rules,
    settings::Author,
    telemetry::Telemetry,
    test::{TestService, for_a_test},
    worker::Application,
};

/// A service without a start hook: its application is made from its settings alone.
#[derive(Debug)]
pub enum Stateless {}

/// A service whose application is made from its settings and the state `St` that its start hook
/// returns.
#[derive(Debug)]
pub struct With<St>(PhantomData<St>);

/// Whether a service has state: [`Stateless`], or [`With`].
///
/// To be named where a service is handed on before it runs:
///
/// ```
/// use lastcall::{Service, State, With};
///
/// /// Adds what all our services have.
/// fn ours<S, M: State>(service: Service<S, M>) -> Service<S, M> {
///     service.default("drain.min", "8s").default("http.request_timeout", "30s")
/// }
///
/// #[derive(Clone)]
/// struct Pool;
///
/// fn with_pool(service: Service<()>) -> Service<(), With<Pool>> {
///     service.start(async |_| Ok(Pool))
/// }
///
/// ours(with_pool(lastcall::service!()));
/// ```
pub trait State: sealed::Sealed {
    /// The state, `()` if there is none.
    type Value: Clone + Send + 'static;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Stateless {}
    impl<St> Sealed for super::With<St> {}
}

impl State for Stateless {
    type Value = ();
}

impl<St: Clone + Send + 'static> State for With<St> {
    type Value = St;
}

/// A service before it runs, whose own settings are `S`. [`service!`](crate::service!) makes one by its
/// crate's name.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use actix_web::{App, web};
/// use lastcall::Service;
///
/// fn main() -> ExitCode {
///     Service::new("greeter", "1.4.0")
///         .run(|_: &()| App::new().route("/", web::get().to(async || "Hello")))
/// }
/// ```
pub struct Service<S, M: State = Stateless> {
    identity: Identity,
    begin: Begin<S, M::Value>,
    tasks: Tasks<M::Value>,
    metrics: Vec<Register>,
    layers: Vec<MakeLayer<S>>,
    signals: bool,
    given: Given,
    rules: Rules,
    author: Author<S>,
}

impl<S> Service<S> {
    /// A service of this name and version, which `--version`, the metrics and the drain report
    /// show.
    #[must_use]
    pub fn new(name: &'static str, version: &'static str) -> Self {
        Self {
            identity: Identity { name, version },
            begin: Begin::With(()),
            tasks: Tasks::default(),
            metrics: Vec::new(),
            layers: Vec::new(),
            signals: true,
            given: Given::default(),
            rules: Rules::default(),
            author: Author::default(),
        }
    }

    /// Adds what must be done before the public port is open: open pools, warm caches.
    ///
    /// The process is in `Starting` meanwhile: alive and not ready. An error ends it with exit
    /// code 69 and is logged with its causes; a signal ends it at once with 0. The hook has a
    /// thread and an event loop of its own, which live as long as the process: what it spawns
    /// goes on. The state it returns is handed to the application, and to whatever is added behind
    /// this call.
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
    /// lastcall::service!()
    ///     .start(async |_: &Settings| Pool::open().await)
    ///     .on_shutdown("pool", |pool: Pool| pool.close())
    ///     .run(|_: &Settings, pool: &Pool| App::new().app_data(web::Data::new(pool.clone())));
    /// ```
    #[must_use]
    pub fn start<St, F>(self, start: F) -> Service<S, With<St>>
    where
        S: 'static,
        St: Clone + Send + 'static,
        F: AsyncFnOnce(&S) -> anyhow::Result<St> + Send + 'static,
    {
        Service {
            identity: self.identity,
            begin: Begin::Start(Box::new(|settings| {
                async move { start(&settings).await }.boxed_local()
            })),
            tasks: self.tasks.for_state(),
            metrics: self.metrics,
            layers: self.layers,
            signals: self.signals,
            given: self.given,
            rules: self.rules,
            author: self.author,
        }
    }
}

impl<S, M: State> Service<S, M> {
    /// Starts the log that `log.*` asks for, and traces, for a subscriber of the program's own: see
    /// [`Telemetry`].
    ///
    /// # Errors
    /// Bad settings.
    pub fn telemetry(&self, settings: &Settings<S>) -> Result<Telemetry, Error>
    where
        S: DeserializeOwned + Serialize + Clone,
    {
        let loaded = self.author.load(settings.clone());
        let settings = loaded.map_err(|e| Error::new(e.exit(), e.into()))?.settings;
        let started = Telemetry::start(&settings, self.identity);
        started.map_err(|error| Error::new(Exit::Usage, error))
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

    /// Adds what must be done when the last response is out and before the process ends: close
    /// pools, flush buffers. Hooks run one after the other, the last one added first.
    ///
    /// A hook that fails is logged and named in the drain report. One that is still running when
    /// the grace period is about to end is cut, and the exit code is 3.
    #[must_use]
    pub fn on_shutdown<F, R>(mut self, name: &'static str, hook: F) -> Self
    where
        F: FnOnce(M::Value) -> R + Send + 'static,
        R: Future<Output = anyhow::Result<()>> + 'static,
    {
        let run = Box::new(|state| async move { hook(state).await }.boxed_local());
        self.tasks.hooks.push(Hook { name, run });
        self
    }

    /// Adds work that goes on beside the requests, for as long as the process lives: a consumer of a
    /// queue, a cache's refresh. It begins when the start hook is done, on its thread.
    ///
    /// The drain waits for it: it is to return once [`Stop`] tells it to, and what it has begun is
    /// finished. What has not returned when the deadline comes is cut, and named in the drain report.
    /// If it fails or panics, it is named there, too, and the process drains and ends with exit code
    /// 70; with `lifecycle.background_failure = "ignore"` it goes on without it.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use actix_web::App;
    /// # async fn refresh() -> anyhow::Result<()> { Ok(()) }
    /// lastcall::service!()
    ///     .background("refresh", async |(), stop| {
    ///         let mut turns = tokio::time::interval(Duration::from_secs(60));
    ///         loop {
    ///             tokio::select! {
    ///                 () = stop.at_drain() => return Ok(()),
    ///                 _ = turns.tick() => refresh().await?,
    ///             }
    ///         }
    ///     })
    ///     .run(|(): &()| App::new());
    /// ```
    #[must_use]
    pub fn background<F, R>(mut self, name: &'static str, work: F) -> Self
    where
        F: FnOnce(M::Value, Stop) -> R + Send + 'static,
        R: Future<Output = anyhow::Result<()>> + 'static,
    {
        let run = Box::new(|state, stop| async move { work(state, stop).await }.boxed_local());
        self.tasks.work.push(Work { name, run });
        self
    }

    /// Adds a readiness check: whether something that the service needs is there. While it fails,
    /// `/readyz` does, and shows which check, since when and why.
    ///
    /// It is asked in the background, each `checks.interval`, and what it has said last is what a probe
    /// sees, so that no probe waits for it. A single failure changes nothing:
    /// `checks.failure_threshold`.
    ///
    /// Mind what it makes of an outage: if all replicas depend on one database, and that is away, all
    /// become unready at once, and clients get refused connections in the place of errors that the
    /// service could have explained. Check what this replica alone may lack; for what all share, an
    /// error for each request is mostly better.
    ///
    /// ```no_run
    /// # use actix_web::App;
    /// # #[derive(Clone)]
    /// # struct Pool;
    /// # impl Pool {
    /// #     async fn open() -> anyhow::Result<Self> { Ok(Self) }
    /// #     async fn ping(self) -> anyhow::Result<()> { Ok(()) }
    /// # }
    /// lastcall::service!()
    ///     .start(async |(): &()| Pool::open().await)
    ///     .check("database", |pool: Pool| pool.ping())
    ///     .run(|(): &(), _: &Pool| App::new());
    /// ```
    #[must_use]
    pub fn check<F, R>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn(M::Value) -> R + Send + 'static,
        R: Future<Output = anyhow::Result<()>> + 'static,
    {
        let run = Box::new(move |state| check(state).boxed_local());
        self.tasks.checks.push(Check { name, run });
        self
    }

    /// Adds metrics of the service's own, which `/metrics` shows beside Lastcall's. The registry is
    /// [`prometheus_client`](crate::prometheus_client)'s; a handle on a metric is cloned into
    /// whatever counts. Names that begin with `lastcall_` or `http_server_` are Lastcall's.
    ///
    /// ```no_run
    /// # use actix_web::{App, web};
    /// # #[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
    /// # struct Settings {}
    /// use lastcall::prometheus_client::{metrics::counter::Counter, registry::Registry};
    ///
    /// let sold = Counter::<u64>::default();
    /// let shown = sold.clone();
    /// lastcall::service!()
    ///     .metrics(move |registry: &mut Registry| registry.register("sold", "Things sold", shown))
    ///     .run(move |_: &Settings| App::new().app_data(web::Data::new(sold.clone())));
    /// ```
    #[must_use]
    pub fn metrics(mut self, register: impl FnOnce(&mut Registry) + Send + 'static) -> Self {
        self.metrics.push(Box::new(register));
        self
    }

    /// Adds a layer to the `tracing` subscriber that [`run`](Service::run) sets, beside the log: to report
    /// errors elsewhere, to look at tasks. It sees everything, whatever `log.level` says; filter it
    /// by itself. A program that [binds](Self::bind) has a subscriber of its own:
    /// see [`Telemetry`](crate::Telemetry).
    ///
    /// ```no_run
    /// # use actix_web::App;
    /// # #[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
    /// # struct Settings { audit: std::path::PathBuf }
    /// use tracing_subscriber::{Layer, filter::Targets};
    ///
    /// lastcall::service!()
    ///     .layer(|settings: &Settings| {
    ///         let file = tracing_appender::rolling::daily(&settings.audit, "audit");
    ///         let audit = Targets::new().with_target("audit", tracing::Level::INFO);
    ///         tracing_subscriber::fmt::layer().with_writer(file).with_filter(audit)
    ///     })
    ///     .run(|_: &Settings| App::new());
    /// ```
    #[must_use]
    pub fn layer<L>(mut self, make: impl FnOnce(&S) -> L + Send + 'static) -> Self
    where
        L: Layer<tracing_subscriber::Registry> + Send + Sync,
    {
        self.layers
            .push(Box::new(|settings| make(settings).boxed()));
        self
    }

    /// Serves from a listener that the program has, in the place of `http.address`: a
    /// [`TcpListener`](std::net::TcpListener), a [`UnixListener`](std::os::unix::net::UnixListener), or the
    /// descriptor of one. Called again, it takes a further one.
    ///
    /// Others may accept from the same socket, and it outlives this service: the drain only stops accepting.
    /// Who is in the queue then, or comes later, waits there for whoever accepts next, and so nobody is
    /// refused. Those who hold the socket see that it does not block any more.
    ///
    /// ```
    /// # use actix_web::App;
    /// # use lastcall::{Error, Settings};
    /// # async fn serve() -> Result<(), Error> {
    /// let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    /// let address = listener.local_addr().unwrap();
    /// let held = listener.try_clone().unwrap();
    /// # let settings = Settings::new(()).set("admin.address", "127.0.0.1:0").set("drain.min", "0s")
    /// #     .set("drain.quiet", "0s").set("drain.max", "0s");
    /// let bound = lastcall::service!().listen_on(listener).bind(settings).await?;
    /// assert_eq!(bound.http_address(), address.into());
    /// let serving = bound.serve(|(): &()| App::new()).await?;
    /// serving.handle().drain();
    /// serving.await?;
    /// // For the next service, which will serve this client.
    /// assert!(std::net::TcpStream::connect(held.local_addr().unwrap()).is_ok());
    /// # Ok(())
    /// # }
    /// # actix_web::rt::System::new().block_on(serve()).unwrap();
    /// ```
    #[must_use]
    pub fn listen_on(mut self, listener: impl Into<OwnedFd>) -> Self {
        self.given.by_program.push(listener.into());
        self
    }

    /// Leaves the signals to the program: what is [bound](Self::bind) is told to go by its
    /// [`Handle`](crate::Handle) alone. [`run`](Service::run) pays no heed to this, since process 1 of
    /// a container that catches no SIGTERM cannot be stopped.
    #[must_use]
    pub fn disable_signals(mut self) -> Self {
        self.signals = false;
        self
    }

    /// Takes the service's addresses, for a program that has a `main` of its own, or for one with several
    /// services.
    ///
    /// From here on it answers at its admin address that it is alive and not ready yet. It lives
    /// on a thread of its own, which belongs to the current actix `System`, where there is one, and so do
    /// its workers. Any event loop will do: `#[actix_web::main]`, `#[tokio::main]`, a test's. The signals that
    /// mean T0 are caught, unless they are [disabled](Self::disable_signals). Logging is left to the
    /// program, and so is the exit code.
    ///
    /// ```no_run
    /// use std::process::ExitCode;
    ///
    /// use actix_web::{App, web};
    /// use lastcall::{Error, Settings};
    ///
    /// async fn serve() -> Result<ExitCode, Error> {
    ///     let settings = Settings::<()>::from_environment();
    ///     let bound = lastcall::service!().bind(settings).await?;
    ///     println!("http://{}", bound.http_address());
    ///     let serving = bound.serve(|_| App::new().route("/", web::get().to(async || "Hello"))).await?;
    ///     Ok(serving.await?.exit_code())
    /// }
    ///
    /// #[actix_web::main]
    /// async fn main() -> ExitCode {
    ///     serve().await.unwrap_or_else(|error| {
    ///         eprintln!("error: {error}");
    ///         error.exit_code()
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    /// When the settings cannot be used, or an address cannot be taken.
    pub async fn bind(self, settings: Settings<S>) -> Result<Bound<S, M>, Error>
    where
        S: DeserializeOwned + Serialize + Clone + Send + 'static,
    {
        let signals = self.signals;
        bind(self.parts(), settings, signals).await
    }

    fn parts(self) -> Parts<S, M::Value> {
        Parts {
            identity: self.identity,
            begin: self.begin,
            tasks: self.tasks,
            metrics: self.metrics,
            layers: self.layers,
            rules: self.rules,
            given: self.given,
            author: self.author,
        }
    }
}

impl<S> Service<S, Stateless>
where
    S: DeserializeOwned + Serialize + Clone + Send + 'static,
{
    /// Runs the process: reads the command line and the settings, serves, drains.
    ///
    /// `app` is called once for each worker thread. To be called from an ordinary `main`: within an
    /// event loop it ends with exit code 70, and [`bind`](Self::bind) is the way.
    pub fn run<A, T, B>(self, app: A) -> ExitCode
    where
        S: Default,
        A: Fn(&S) -> App<T> + Send + Clone + 'static,
        T: Application<B>,
        B: MessageBody + 'static,
    {
        let open = opener(move |settings: &S, (): &()| app(settings));
        process::run(self.parts(), open)
    }

    /// Serves within a test: see [`crate::test`].
    ///
    /// # Panics
    /// When the service cannot be started.
    pub async fn test<A, T, B>(self, settings: Settings<S>, app: A) -> TestService
    where
        A: Fn(&S) -> App<T> + Send + Clone + 'static,
        T: Application<B>,
        B: MessageBody + 'static,
    {
        let bound = self.disable_signals().bind(for_a_test(settings)).await;
        TestService::new(match bound {
            Ok(bound) => bound.serve(app).await,
            Err(error) => Err(error),
        })
    }
}

impl<S, St> Service<S, With<St>>
where
    S: DeserializeOwned + Serialize + Clone + Send + 'static,
    St: Clone + Send + 'static,
{
    /// Runs the process, with the state that the start hook returned: reads the command line and the
    /// settings, starts, serves, drains.
    ///
    /// `app` is called once for each worker thread. To be called from an ordinary `main`: within an
    /// event loop it ends with exit code 70, and [`bind`](Self::bind) is the way.
    pub fn run<A, T, B>(self, app: A) -> ExitCode
    where
        S: Default,
        A: Fn(&S, &St) -> App<T> + Send + Clone + 'static,
        T: Application<B>,
        B: MessageBody + 'static,
    {
        process::run(self.parts(), opener(app))
    }

    /// Serves within a test: see [`crate::test`].
    ///
    /// # Panics
    /// When the service cannot be started, or its start hook fails.
    pub async fn test<A, T, B>(self, settings: Settings<S>, app: A) -> TestService
    where
        A: Fn(&S, &St) -> App<T> + Send + Clone + 'static,
        T: Application<B>,
        B: MessageBody + 'static,
    {
        let bound = self.disable_signals().bind(for_a_test(settings)).await;
        TestService::new(match bound {
            Ok(bound) => bound.serve(app).await,
            Err(error) => Err(error),
        })
    }
}

impl<S, M: State> fmt::Debug for Service<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.identity.name)
            .finish_non_exhaustive()
    }
}
