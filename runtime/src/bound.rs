//! A service within a program that has a `main`, or an event loop, of its own.

use std::{
    fmt,
    future::{Future, IntoFuture},
    io,
    mem::take,
    net::SocketAddr,
    path::Path,
    pin::Pin,
    thread,
};

use actix_rt::System;
use actix_web::{App, body::MessageBody};
use anyhow::{Context as _, anyhow};
use tokio::sync::{oneshot, watch};

use crate::{
    Address, Error, address,
    exit::Exit,
    handle::{Handle, failure},
    kernel,
    listener::{self, Versions},
    process::{
        Failure,
        instance::{AnySettings, Channels, Finished, Instance, Open, Parts, opener},
        public_port::{Taken, cannot_listen},
    },
    report::Report,
    service::{Stateless, With},
    settings::{Settings, SettingsError},
    signals::Signals,
    threads,
    worker::Application,
};

/// A service that has its addresses and answers probes (alive, not ready), and waits for the
/// application that it is to serve. [`Service::bind`](crate::Service::bind) makes one.
///
/// Nobody can connect to its public address yet.
///
/// ```
/// # use actix_web::{App, rt};
/// # use lastcall::{Error, Settings};
/// # async fn serve() -> Result<(), Error> {
/// let settings = Settings::new(())
///     .set("http.address", "127.0.0.1:0")
///     .set("admin.address", "127.0.0.1:0");
/// let mut bound = lastcall::service!().bind(settings).await?;
/// let second = bound.listen(([127, 0, 0, 1], 0).into())?;
/// println!("http://{} and http://{second}", bound.http_address());
/// let serving = bound.serve(|_| App::new()).await?;
/// # serving.handle().drain_now();
/// let report = serving.await?;
/// # assert_eq!(report.exit, Some(0));
/// # Ok(())
/// # }
/// # rt::System::new().block_on(serve()).unwrap();
/// ```
#[must_use = "it serves nothing until `serve` is called"]
pub struct Bound<S, M: crate::service::State = Stateless> {
    more: Vec<Taken>,
    handle: Handle,
    open: oneshot::Sender<Served<S, M::Value>>,
}

/// What a bound service waits for: its further addresses, and its application.
type Served<S, St> = (Vec<Taken>, Open<S, St>);

/// How the errors of a further address name it.
const FURTHER: &str = "the address given to `listen`";

/// A service that serves. Awaited, it gives the drain report once all is over: [`Bound`] has an example.
#[derive(Debug)]
#[must_use = "await its end, lest the program end before it"]
pub struct Serving {
    handle: Handle,
}

/// Binds a service, which lives on a thread of its own from here on: an event loop that the
/// program blocks can hold up neither probes nor the drain.
pub(crate) async fn bind<S, M>(
    mut parts: Parts<S, M::Value>,
    settings: Settings<S>,
    signals: bool,
) -> Result<Bound<S, M>, Error>
where
    S: AnySettings,
    M: crate::service::State,
{
    let refused = |error: SettingsError| Error::new(error.exit(), error.into());
    let mut loaded = parts.author.load(settings).map_err(refused)?;
    loaded.rules = parts.rules;
    let tls = parts.author.accept(&loaded).map_err(refused)?;
    let limit = kernel::raise_descriptor_limit().ok();
    let budget = loaded.fit(limit).map_err(refused)?;
    let listeners = take(&mut parts.given).listeners();
    let listeners = listeners.map_err(|(exit, error)| Error::new(exit, error))?;
    for misspelt in loaded.misspelt {
        tracing::warn!("{misspelt}");
    }
    let settings = loaded.settings;
    let (bound, standing) = oneshot::channel();
    let (open, application) = oneshot::channel();
    let (send_end, mut end) = watch::channel(None);
    let life = move || async move {
        let run = async {
            let signals = signals.then(Signals::catch).transpose();
            let signals = signals
                .context("signals cannot be caught")
                .map_err(|error| (Exit::OsErr, error))?;
            let instance = Instance {
                parts,
                settings,
                budget,
                tls,
                signals,
                listeners,
            };
            let channels = Channels {
                bound: Some(bound),
                open: application,
            };
            instance.run(channels).await
        };
        let ended: Result<Finished, Failure> = run.await;
        send_end.send_replace(Some(ended.map_err(|(exit, error)| Error::new(exit, error))));
    };
    spawn(life)?;
    let Ok(standing) = standing.await else {
        return Err(failure(&mut end).await);
    };
    Ok(Bound {
        more: Vec::new(),
        handle: Handle::new(standing, end),
        open,
    })
}

/// Runs the life of a service on a thread of its own: as one of the program's `System`, so that its actors
/// are the application's, too, or with a `System` of its own where there is none.
fn spawn<F>(life: impl FnOnce() -> F + Send + 'static) -> Result<(), Error>
where
    F: Future<Output = ()> + 'static,
{
    let system = System::try_current();
    let spawned = threads::event_loop(1).and_then(|event_loop| {
        let thread = thread::Builder::new().name("lastcall".to_owned());
        thread.spawn(|| event_loop(system).block_on(life()))
    });
    spawned
        .map(drop)
        .map_err(|error| Error::new(Exit::OsErr, error.into()))
}

impl<S, M: crate::service::State> Bound<S, M> {
    /// The public address, with the port that it has got.
    #[must_use]
    pub fn http_address(&self) -> Address {
        self.handle.http_address()
    }

    /// The admin address, with the port that it has got.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.handle.admin_address()
    }

    /// What tells it to go.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes a further public address, for the same application: opened with the first, closed with it, and
    /// within the same `http.max_connections`. Gives it with the port that it has got.
    ///
    /// `0.0.0.0` and `[::]` go together on one port.
    ///
    /// # Errors
    /// The system's: the port is in use, the address is not this machine's, no permission.
    pub fn listen(&mut self, address: SocketAddr) -> Result<SocketAddr, Error> {
        let of_all = |other: &SocketAddr| {
            let (one, other) = (address, *other);
            one.port() == other.port() && one.ip().is_unspecified() && other.ip().is_unspecified()
        };
        let taken = self.more.iter().map(|taken| taken.bound.address());
        let taken = taken.chain([self.handle.http_address()]);
        let mut ports = taken.filter_map(|taken| taken.socket_address());
        let beside = ports.find(of_all);
        let versions = match beside {
            // `[::]` takes the connections of IPv4, too.
            Some(other) if other.is_ipv6() && address.is_ipv4() => return Ok(address),
            Some(other) if other.is_ipv4() && address.is_ipv6() => Versions::Own,
            _ => Versions::All,
        };
        let bound = listener::bind_port(address, versions);
        let taken = self.add(&Address::Tcp(address), bound)?;
        Ok(taken.socket_address().unwrap_or(address))
    }

    /// Takes the path of a Unix socket as a further public address, as [`listen`](Self::listen) does.
    ///
    /// A socket that is there already is replaced when the service is opened, whether its process has gone or
    /// serves there until then.
    ///
    /// # Errors
    /// When the path is not absolute, or too long. The system's: no such folder, no permission; or there is
    /// something that is no socket.
    pub fn listen_unix(&mut self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let address = address::unix(path).map_err(|expected| {
            let what = format!("{FURTHER} = \"{}\": must be {expected}", path.display());
            Error::new(Exit::Software, anyhow!(what))
        })?;
        let bound = listener::bind(&address);
        self.add(&address, bound).map(drop)
    }

    fn add(
        &mut self,
        address: &Address,
        bound: io::Result<listener::Bound>,
    ) -> Result<Address, Error> {
        let bound = bound.map_err(|error| {
            let (exit, error) = cannot_listen(FURTHER, address, error);
            Error::new(exit, error)
        })?;
        let address = bound.address();
        let name = FURTHER;
        self.more.push(Taken { name, bound });
        Ok(address)
    }

    async fn serve_opened(self, open: Open<S, M::Value>) -> Result<Serving, Error> {
        let Self {
            more,
            mut handle,
            open: sender,
        } = self;
        // If it has ended meanwhile, the phase tells.
        let _ = sender.send((more, open));
        handle.ready().await?;
        Ok(Serving { handle })
    }
}

impl<S: Clone + Send + 'static> Bound<S, Stateless> {
    /// Serves this application, which is called once for each worker, and returns when the service is
    /// ready.
    ///
    /// # Errors
    /// When it cannot be started, or was told to go before it was ready.
    pub async fn serve<A, T, B>(self, app: A) -> Result<Serving, Error>
    where
        A: Fn(&S) -> App<T> + Send + Clone + 'static,
        T: Application<B>,
        B: MessageBody + 'static,
    {
        self.serve_opened(opener(move |settings: &S, (): &()| app(settings)))
            .await
    }
}

impl<S, St> Bound<S, With<St>>
where
    S: Clone + Send + 'static,
    St: Clone + Send + 'static,
{
    /// Serves this application, which is called once for each worker with the state that the start
    /// hook returned, and returns when the service is ready.
    ///
    /// # Errors
    /// When the start hook fails, or the service cannot be started, or was told to go before it was
    /// ready.
    pub async fn serve<A, T, B>(self, app: A) -> Result<Serving, Error>
    where
        A: Fn(&S, &St) -> App<T> + Send + Clone + 'static,
        T: Application<B>,
        B: MessageBody + 'static,
    {
        self.serve_opened(opener(app)).await
    }
}

impl Serving {
    /// The public address, with the port that it has got.
    #[must_use]
    pub fn http_address(&self) -> Address {
        self.handle.http_address()
    }

    /// The admin address.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.handle.admin_address()
    }

    /// What tells it to go.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl IntoFuture for Serving {
    type Output = Result<Report, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.handle.report().await })
    }
}

impl<S, M: crate::service::State> fmt::Debug for Bound<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound")
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}
