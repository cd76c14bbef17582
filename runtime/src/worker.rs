//! A thread that serves connections.

use std::{rc::Rc, sync::Arc};

use actix_service::{Service, ServiceFactory, Transform, map_config};
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{AppConfig, ServiceRequest, ServiceResponse},
};
use anyhow::anyhow;
use futures_util::future::{Ready, ready};
use tokio::sync::{mpsc, oneshot};

use crate::{
    acceptor::WorkerHandle,
    conn::{Limits, Observe, ToWorker, Worker},
    control::{Control, Counters},
    drain,
    exit::Exit,
    metrics::{Metrics, Routes},
    process::Failure,
    threads::Thread,
    tls::Tls,
};

/// The reason is not in what actix-web returns.
const REFUSED: &str = "the application could not be built: one of its services or middleware refused to start, and \
    may have said why in its own log";

/// What an [`App`] is made of, whatever it is wrapped in: the bounds of `HttpServer::new`, under one
/// name.
///
/// To be named where whatever application there is, is handed on:
///
/// ```
/// use actix_web::{App, body::MessageBody, middleware::Logger, web};
/// use lastcall::{Application, Error, Report, Settings};
///
/// async fn ours<T, B>(app: impl Fn() -> App<T> + Send + Clone + 'static) -> Result<Report, Error>
/// where
///     T: Application<B>,
///     B: MessageBody + 'static,
/// {
///     let bound = lastcall::service!().bind(Settings::<()>::from_environment()).await?;
///     bound.serve(move |_| app()).await?.await
/// }
///
/// let service = ours(|| App::new().wrap(Logger::default()).route("/", web::get().to(async || "Hi")));
/// # drop(service);
/// ```
pub trait Application<B>:
    ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<B>,
        Error = Error,
        InitError = (),
    > + 'static
{
}

impl<T, B> Application<B> for T where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static
{
}

/// What every worker of a listener has in common.
#[derive(Clone, Debug)]
pub(crate) struct WorkerConfig {
    pub(crate) control: Arc<Control>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limits: Limits,
    pub(crate) observe: Observe,
    pub(crate) app: AppConfig,
    /// If it speaks TLS.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Threads for what blocks (`web::block`).
    pub(crate) blocking_threads: usize,
}

/// Starts a worker on a thread of its own, and returns once its application stands.
///
/// # Errors
/// When the system has no thread to give, or the application cannot be built, or panics meanwhile.
///
/// # Panics
/// Where there is no `System`.
pub(crate) async fn start<T, B>(
    name: String,
    settings: WorkerConfig,
    app: impl FnOnce() -> App<T> + Send + 'static,
) -> Result<(WorkerHandle, Thread), Failure>
where
    T: Application<B>,
    B: MessageBody + 'static,
{
    let counters = Arc::<Counters>::default();
    let (sender, messages) = mpsc::unbounded_channel();
    let (ready, stands) = oneshot::channel();
    let worker = WorkerHandle {
        counters: Arc::clone(&counters),
        messages: sender,
    };
    let blocking_threads = settings.blocking_threads;
    let thread = Thread::start(name, blocking_threads, move || {
        drain::enter(Arc::clone(&settings.control));
        let heard = Arc::clone(&counters);
        actix_rt::spawn(async move { heard.pulse.answer().await });
        actix_rt::spawn(serve(settings, counters, app, messages, ready));
    });
    let thread = thread.map_err(|error| (Exit::OsErr, error.into()))?;
    match stands.await {
        Ok(true) => Ok((worker, thread)),
        Ok(false) => Err((Exit::Unavailable, anyhow!(REFUSED))),
        Err(_) => Err((
            Exit::Software,
            anyhow!("the application panicked while it was built"),
        )),
    }
}

/// Serves what arrives until the process leaves.
pub(crate) async fn serve<T, B>(
    settings: WorkerConfig,
    counters: Arc<Counters>,
    app: impl FnOnce() -> App<T>,
    mut messages: mpsc::UnboundedReceiver<ToWorker>,
    ready: oneshot::Sender<bool>,
) where
    T: Application<B>,
    B: MessageBody + 'static,
{
    let routes = Rc::new(Routes::new(settings.metrics));
    let app = app().wrap(LearnRoutes(Rc::clone(&routes)));
    let factory = map_config(app, |()| settings.app.clone());
    let Ok(service) = factory.new_service(()).await else {
        let _ = ready.send(false);
        return;
    };
    let _ = ready.send(true);
    let mut stage = settings.control.watch();
    let worker = Worker::new(
        service,
        settings.control,
        counters,
        settings.limits,
        routes,
        settings.observe,
        settings.tls,
    );
    loop {
        tokio::select! {
            Some(message) = messages.recv() => worker.hear(message),
            Ok(()) = stage.changed() => worker.wake_all(),
            else => return,
        }
    }
}

/// Shows the application's routes to the accounting; requests pass through untouched.
struct LearnRoutes(Rc<Routes>);

struct LearnRoutesService<S> {
    routes: Rc<Routes>,
    service: S,
}

impl<S> Transform<S, ServiceRequest> for LearnRoutes
where
    S: Service<ServiceRequest>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Transform = LearnRoutesService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(LearnRoutesService {
            routes: Rc::clone(&self.0),
            service,
        }))
    }
}

impl<S> Service<ServiceRequest> for LearnRoutesService<S>
where
    S: Service<ServiceRequest>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    actix_service::forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        self.routes.learn(request.resource_map());
        self.service.call(request)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::web;

    use super::*;
    use crate::conn;

    #[tokio::test]
    async fn a_connection_is_small_whatever_its_application() {
        let routes = Rc::new(Routes::new(Metrics::new("", "")));
        let app = App::new()
            .wrap(actix_web::middleware::DefaultHeaders::new())
            .wrap(LearnRoutes(routes))
            .route("/", web::get().to(async || "hello"));
        let factory = map_config(app, |()| AppConfig::default());
        let service = factory.new_service(()).await.unwrap();
        let size = conn::size(&service);
        assert!(size <= 1_024, "{size} bytes");
    }
}
