//! One service: from its settings, over its open port, to its last report.
//!
//! It neither knows nor asks whose thread it runs on: that of the process, or one among several.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App, body::MessageBody};
use anyhow::{Context as _, anyhow};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use prometheus_client::registry::Registry;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::spawn_local,
};

use super::{
    Failure,
    admin_listener::AdminListener,
    given::{Given, Listeners},
    public_port::{self, PublicPort, Taken},
};
use crate::{
    Address,
    admin::View,
    background::{Background, Context, Start, Tasks},
    checks::Checks,
    control::Control,
    drive::{Driver, Opened},
    exit::Exit,
    lifecycle::Schedule,
    metrics::{Gauges, Metrics},
    report::Report,
    rules::{Rule, Rules},
    settings::{Author, Budget, Effective},
    signals::Signals,
    status::Status,
    telemetry::BoxedLayer,
    threads::{self, Thread},
    tls::Tls,
    worker::Application,
};

/// Everything that can be asked of settings.
pub(crate) trait AnySettings: DeserializeOwned + Serialize + Clone + Send + 'static {}

impl<S: DeserializeOwned + Serialize + Clone + Send + 'static> AnySettings for S {}

/// What the metrics and the drain report call a service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

/// What the author of a service has put together, but the application.
pub(crate) struct Parts<S, St> {
    pub(crate) identity: Identity,
    pub(crate) begin: Begin<S, St>,
    pub(crate) tasks: Tasks<St>,
    pub(crate) metrics: Vec<Register>,
    pub(crate) layers: Vec<MakeLayer<S>>,
    pub(crate) rules: Rules,
    pub(crate) given: Given,
    pub(crate) author: Author<S>,
}

/// Adds the author's own metrics.
pub(crate) type Register = Box<dyn FnOnce(&mut Registry) + Send>;

/// Makes a layer of the author's own, by the service's settings.
pub(crate) type MakeLayer<S> = Box<dyn FnOnce(&S) -> BoxedLayer + Send>;

/// Where a service's state comes from.
pub(crate) enum Begin<S, St> {
    /// It is there.
    With(St),
    /// From the start hook.
    Start(Start<S, St>),
}

/// Opens the public port: it is an application, whose type nobody else needs to know.
pub(crate) type Open<S, St> =
    Box<dyn FnOnce(PublicPort, S, St) -> LocalBoxFuture<'static, Result<Opened, Failure>> + Send>;

/// [`Open`] for this application.
pub(crate) fn opener<S, St, A, T, B>(app: A) -> Open<S, St>
where
    S: Clone + Send + 'static,
    St: Clone + Send + 'static,
    A: Fn(&S, &St) -> App<T> + Send + Clone + 'static,
    T: Application<B>,
    B: MessageBody + 'static,
{
    Box::new(|port, service, state| port.open(move || app(&service, &state)).boxed_local())
}

/// A service, before it runs.
pub(crate) struct Instance<S, St> {
    pub(crate) parts: Parts<S, St>,
    pub(crate) settings: Effective<S>,
    pub(crate) budget: Budget,
    pub(crate) tls: Option<Arc<Tls>>,
    /// None where its handle alone tells it to go.
    pub(crate) signals: Option<Signals>,
    /// Those that it need not bind.
    pub(crate) listeners: Listeners,
}

/// What a service tells while it starts, and what it waits for.
pub(crate) struct Channels<S, St> {
    /// Told where it can be reached, once that is known: then it takes its public address before its
    /// start hook runs, and else after it.
    pub(crate) bound: Option<oneshot::Sender<Standing>>,
    /// The public addresses beside `http.address`, and the application.
    pub(crate) open: oneshot::Receiver<(Vec<Taken>, Open<S, St>)>,
}

/// A service that has its addresses, and answers at its admin port.
pub(crate) struct Standing {
    pub(crate) http: Address,
    pub(crate) admin: SocketAddr,
    /// How URLs of the public address begin.
    pub(crate) scheme: &'static str,
    pub(crate) control: Arc<Control>,
    pub(crate) status: watch::Receiver<Status>,
}

/// How a service ended.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) exit: Exit,
    pub(crate) report: Report,
}

impl<S, St> Channels<S, St> {
    /// For a service that has its application already, and of which nobody wants to know more.
    pub(crate) fn at_once(open: Open<S, St>) -> Self {
        let (send, receiver) = oneshot::channel();
        // The receiver is here.
        let _ = send.send((Vec::new(), open));
        Self {
            bound: None,
            open: receiver,
        }
    }
}

impl<S, St> Instance<S, St>
where
    S: AnySettings,
    St: Clone + Send + 'static,
{
    /// Serves until it is told to go and everything is finished.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) async fn run(self, channels: Channels<S, St>) -> Result<Finished, Failure> {
        let Self {
            parts,
            settings,
            budget,
            tls,
            signals,
            listeners,
        } = self;
        let Identity { name, version } = parts.identity;
        let (notify, notices) = mpsc::unbounded_channel();
        let control = Control::new(settings.drain.clone(), parts.rules, notify);
        if let Some(signals) = signals {
            spawn_local(signals.forward(Arc::clone(&control)));
        }
        let metrics = Metrics::new(name, version);
        parts.metrics.into_iter().for_each(|add| metrics.add(add));
        let checks = Checks::new(parts.tasks.checks.iter().map(|check| check.name));
        let context = context(&settings, &control, &checks);
        let service = settings.service.clone();
        let (background, thread, state) = begin(parts.begin, parts.tasks, service, context)?;
        let driver = Driver::new(
            schedule(&settings, &budget, parts.rules),
            Report::of(name, version),
            Arc::clone(&control),
            notices,
            background,
        );
        let view = View {
            control: Arc::clone(&control),
            metrics: Arc::clone(&metrics),
            readiness: settings.lifecycle.readiness,
            live_within: settings.lifecycle.live_within,
            checks: Arc::clone(&checks),
            status: driver.status(),
        };
        metrics.collect(Gauges {
            control: Arc::clone(&control),
            checks,
            status: driver.status(),
        });
        #[cfg(feature = "tls")]
        if let Some(tls) = &tls {
            metrics.collect(crate::tls::Gauges(Arc::clone(tls)));
        }
        let limits = public_port::limits(&settings.http);
        let Listeners { public, admin } = listeners;
        let admin = AdminListener::open(settings.admin.address, admin, limits, view).await?;
        let standing = Standing {
            http: settings.http.address.clone(),
            admin: admin.address,
            scheme: if tls.is_some() { "https" } else { "http" },
            control,
            status: driver.status(),
        };
        let ended = driver
            .run(open(
                channels,
                standing,
                public,
                (metrics, tls),
                settings,
                state,
            ))
            .await;
        let ended = match ended {
            Ok((finished, workers)) if finished.exit != Exit::Aborted => {
                threads::end(workers.into_iter().chain(thread).collect()).await;
                Ok(finished)
            }
            Ok((aborted, _)) => Ok(aborted),
            Err(failure) => Err(failure),
        };
        admin.close().await;
        ended
    }
}

/// What hooks and tasks need, if there are any; and the state, or the way that it comes.
type Begun<St> = (Option<Background>, Option<Thread>, Starting<St>);

/// A service's state, on its way from the start hook.
enum Starting<St> {
    Done(St),
    Hook(oneshot::Receiver<anyhow::Result<St>>),
}

fn begin<S, St>(
    begin: Begin<S, St>,
    tasks: Tasks<St>,
    service: S,
    context: Context,
) -> Result<Begun<St>, Failure>
where
    S: AnySettings,
    St: Clone + Send + 'static,
{
    let start: Start<S, St> = match begin {
        Begin::With(state) if tasks.is_empty() => return Ok((None, None, Starting::Done(state))),
        Begin::With(state) => Box::new(|_| async { Ok(state) }.boxed_local()),
        Begin::Start(start) => start,
    };
    let started = Background::start(context, service, start, tasks)
        .map_err(|error| (Exit::OsErr, error.into()))?;
    let state = Starting::Hook(started.state);
    Ok((Some(started.background), Some(started.thread), state))
}

fn context<S>(settings: &Effective<S>, control: &Arc<Control>, results: &Arc<Checks>) -> Context {
    Context {
        control: Arc::clone(control),
        results: Arc::clone(results),
        checks: settings.checks.clone(),
        failure: settings.lifecycle.background_failure,
        blocking_threads: settings.http.blocking_threads as usize,
    }
}

impl<St> Starting<St> {
    async fn done(self) -> Result<St, Failure> {
        let hook = match self {
            Self::Done(state) => return Ok(state),
            Self::Hook(hook) => hook,
        };
        let started = hook
            .await
            .unwrap_or_else(|_| Err(anyhow!("its thread has gone")));
        started
            .context("the start hook failed")
            .map_err(|error| (Exit::Unavailable, error))
    }
}

/// Everything from the start hook to the open port.
async fn open<S, St>(
    channels: Channels<S, St>,
    standing: Standing,
    given: Vec<Taken>,
    (metrics, tls): (Arc<Metrics>, Option<Arc<Tls>>),
    settings: Effective<S>,
    state: Starting<St>,
) -> Result<Opened, Failure> {
    let Effective {
        http, log, service, ..
    } = settings;
    let (control, admin) = (Arc::clone(&standing.control), standing.admin);
    let mut taken = given;
    if let Some(tell) = channels.bound {
        take(&mut taken, &http.address)?;
        let http = taken.first().map(|first| first.bound.address());
        // Whoever has asked may have turned to something else: then it is never served.
        let _ = tell.send(Standing {
            http: http.unwrap_or(standing.http),
            ..standing
        });
    }
    let state = state.done().await?;
    let served = channels.open.await;
    let (more, open) = served.map_err(|_| (Exit::Ok, anyhow!("it was dropped unserved")))?;
    take(&mut taken, &http.address)?;
    taken.extend(more);
    let port = PublicPort {
        control,
        metrics,
        taken,
        observe: public_port::observe(&http, &log),
        tls,
        http,
        admin,
    };
    open(port, service, state).await
}

/// Takes the address of `http.address`, where nothing is taken or given already.
fn take(taken: &mut Vec<Taken>, address: &Address) -> Result<(), Failure> {
    if taken.is_empty() {
        let name = public_port::KEY;
        let bound = public_port::bind(name, address)?;
        taken.push(Taken { name, bound });
    }
    Ok(())
}

fn schedule<S>(settings: &Effective<S>, budget: &Budget, rules: Rules) -> Schedule {
    let drain = &settings.drain;
    let mut schedule = Schedule {
        min: drain.min,
        quiet: drain.quiet,
        max: drain.max,
        patience: drain.patience,
        cut_after: budget.cut_at,
    };
    if rules.lack(Rule::LameDuck) {
        (schedule.min, schedule.quiet, schedule.max) = Default::default();
    }
    if rules.lack(Rule::Deadline) {
        schedule.cut_after = Duration::from_secs(3600);
    }
    schedule
}
