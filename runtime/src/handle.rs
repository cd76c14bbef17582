//! What tells a service to go, and knows how it went.

use std::{fmt, net::SocketAddr, sync::Arc};

use anyhow::anyhow;
use tokio::sync::watch;

use crate::{
    Address, Error,
    control::{Control, Notice},
    exit::Exit,
    lifecycle::{Cause, Phase},
    process::instance::{Finished, Standing},
    report::Report,
    status::Status,
};

/// How a service ended, once it has.
pub(crate) type End = watch::Receiver<Option<Result<Finished, Error>>>;

/// What tells a service to go, from any thread, and knows how it went.
///
/// ```
/// # use std::time::Duration;
/// # use actix_web::{App, rt};
/// # use lastcall::{Cause, Error, Report, Settings};
/// # async fn until_a_newer_version_is_there() {}
/// # async fn serve(settings: Settings<()>) -> Result<Report, Error> {
/// let serving = lastcall::service!().bind(settings).await?.serve(|_| App::new()).await?;
/// let handle = serving.handle();
/// rt::spawn(async move {
///     until_a_newer_version_is_there().await;
///     handle.drain();
/// });
/// let report = serving.await?;
/// assert_eq!(report.cause, Some(Cause::Program));
/// # Ok(report)
/// # }
/// # let settings = Settings::new(()).set("http.address", "127.0.0.1:0").set("admin.address", "127.0.0.1:0")
/// #     .set("drain.min", "0s").set("drain.quiet", "0s").set("drain.max", "0s");
/// # rt::System::new().block_on(serve(settings)).unwrap();
/// ```
#[derive(Clone)]
pub struct Handle {
    http: Address,
    admin: SocketAddr,
    pub(crate) scheme: &'static str,
    control: Arc<Control>,
    status: watch::Receiver<Status>,
    end: End,
}

impl Handle {
    pub(crate) fn new(standing: Standing, end: End) -> Self {
        let Standing {
            http,
            admin,
            scheme,
            control,
            status,
        } = standing;
        Self {
            http,
            admin,
            scheme,
            control,
            status,
            end,
        }
    }

    /// The public address, with the port that it has got.
    #[must_use]
    pub fn http_address(&self) -> Address {
        self.http.clone()
    }

    /// The admin address, with the port that it has got.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Begins the drain, as SIGTERM does: with a lame duck, for as long as `drain.min` and its like
    /// say. Once it has begun, this changes nothing.
    pub fn drain(&self) {
        self.control.notify(Notice::Terminate(Cause::Program));
    }

    /// Begins the drain without a lame duck, as SIGINT does; or ends a lame duck.
    pub fn drain_now(&self) {
        self.control.notify(Notice::Terminate(Cause::Sigint));
    }

    /// How many requests are being handled.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.control.ledger.requests()
    }

    /// Waits for the end of the service, and gives its drain report.
    ///
    /// # Errors
    /// When it could not be started, or its thread has panicked.
    pub async fn report(&self) -> Result<Report, Error> {
        let mut end = self.end.clone();
        // Cloned before anything else is waited for: what it is borrowed from is locked meanwhile.
        let ended = end.wait_for(Option::is_some).await.ok();
        match ended.and_then(|ended| ended.clone()) {
            Some(ended) => ended.map(|finished| finished.report),
            None => Err(panicked()),
        }
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it could not be started, or was told to go before it was ready.
    pub(crate) async fn ready(&mut self) -> Result<(), Error> {
        let ready = self.status.wait_for(|status| status.phase >= Phase::Ready);
        let phase = ready.await.map(|status| status.phase);
        match phase {
            Ok(Phase::Ready | Phase::LameDuck | Phase::Draining) => Ok(()),
            _ => Err(failure(&mut self.end).await),
        }
    }
}

/// Why a service ended that was not expected to.
pub(crate) async fn failure(end: &mut End) -> Error {
    match end.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(Err(error))) => error.clone(),
        Ok(Some(Ok(finished))) => {
            let why = match finished.report.cause {
                Some(Cause::Failure) => "background work failed before it was ready",
                _ => "it was told to go before it was ready",
            };
            Error::new(finished.exit, anyhow!(why))
        }
        Ok(None) => panicked(),
        Err(_) => panicked(),
    }
}

fn panicked() -> Error {
    Error::new(Exit::Software, anyhow!("the service's thread has panicked"))
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("phase", &self.status.borrow().phase)
            .finish_non_exhaustive()
    }
}
