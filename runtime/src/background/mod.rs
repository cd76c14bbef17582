//! What runs beside the requests: the start hook and the shutdown hooks, background work, readiness
//! checks, and jobs that handlers hand over.
//!
//! All but the jobs have a thread of their own, with an event loop that lives as long as the process:
//! what a start hook spawns (a pool's housekeeping) goes on, and a hook that blocks its thread keeps
//! neither signals nor probes from being answered.

mod jobs;
mod running;
mod work;

use std::{
    io,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::anyhow;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use tokio::sync::{mpsc, oneshot};

pub use self::{jobs::Jobs, work::Stop};
pub(crate) use self::{running::Running, work::Work};
use crate::{
    checks::{Check, Checks},
    control::{Control, Notice},
    settings::{self, BackgroundFailure},
    threads::Thread,
};

/// The start hook: from the service's settings to its state.
pub(crate) type Start<S, St> =
    Box<dyn FnOnce(S) -> LocalBoxFuture<'static, anyhow::Result<St>> + Send>;

/// A shutdown hook, and the name by which a failure is reported.
pub(crate) struct Hook<St> {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnOnce(St) -> LocalBoxFuture<'static, anyhow::Result<()>> + Send>,
}

/// What the thread does, beside running the start hook.
pub(crate) struct Tasks<St> {
    pub(crate) hooks: Vec<Hook<St>>,
    pub(crate) work: Vec<Work<St>>,
    pub(crate) checks: Vec<Check<St>>,
}

/// What its tasks need to know.
pub(crate) struct Context {
    pub(crate) control: Arc<Control>,
    pub(crate) results: Arc<Checks>,
    pub(crate) checks: settings::Checks,
    pub(crate) failure: BackgroundFailure,
    pub(crate) blocking_threads: usize,
}

impl<St> Default for Tasks<St> {
    fn default() -> Self {
        let (hooks, work, checks) = Default::default();
        Self {
            hooks,
            work,
            checks,
        }
    }
}

impl Tasks<()> {
    /// The same, beside those that need state.
    pub(crate) fn for_state<St: 'static>(self) -> Tasks<St> {
        let hook = |Hook { name, run }: Hook<()>| Hook {
            name,
            run: Box::new(|_: St| run(())) as Box<_>,
        };
        let work = |Work { name, run }: Work<()>| Work {
            name,
            run: Box::new(|_: St, stop| run((), stop)) as Box<_>,
        };
        let check = |Check { name, run }: Check<()>| Check {
            name,
            run: Box::new(move |_: St| run(())) as Box<_>,
        };
        Tasks {
            hooks: self.hooks.into_iter().map(hook).collect(),
            work: self.work.into_iter().map(work).collect(),
            checks: self.checks.into_iter().map(check).collect(),
        }
    }
}

impl<St> Tasks<St> {
    /// Whether no thread is needed.
    pub(crate) fn is_empty(&self) -> bool {
        self.hooks.is_empty() && self.work.is_empty() && self.checks.is_empty()
    }
}

/// The names of the shutdown hooks that have not returned, the next one last.
type Pending = Arc<Mutex<Vec<&'static str>>>;

/// The way to tell the thread to run the shutdown hooks.
#[derive(Debug)]
pub(crate) struct Background {
    run_hooks: mpsc::UnboundedSender<()>,
    pending: Pending,
}

/// What the thread has been started with.
pub(crate) struct Started<St> {
    pub(crate) background: Background,
    pub(crate) thread: Thread,
    /// What the start hook returns.
    pub(crate) state: oneshot::Receiver<anyhow::Result<St>>,
}

impl Background {
    /// Starts the thread and the start hook, and once that is done, everything else.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(crate) fn start<S, St>(
        context: Context,
        settings: S,
        start: Start<S, St>,
        tasks: Tasks<St>,
    ) -> io::Result<Started<St>>
    where
        S: Send + 'static,
        St: Clone + Send + 'static,
    {
        let (run_hooks, told) = mpsc::unbounded_channel();
        let (send_state, state) = oneshot::channel();
        let names = tasks.hooks.iter().map(|hook| hook.name).collect();
        let pending = Pending::new(Mutex::new(names));
        let done = Arc::clone(&pending);
        let thread = Thread::start("background", context.blocking_threads, move || {
            actix_rt::spawn(async move {
                let Some(state) = started(start, settings, send_state).await else {
                    return;
                };
                let hooks = begin(&context, tasks, &state);
                run_at_end(&context.control, hooks, state, &done, told).await;
            });
        })?;
        Ok(Started {
            background: Self { run_hooks, pending },
            thread,
            state,
        })
    }

    pub(crate) fn run_hooks(&self) {
        // The thread is gone only if it panicked; the deadline covers that.
        let _ = self.run_hooks.send(());
    }

    /// The hooks that have not returned, the one that is running first.
    pub(crate) fn unfinished(&self) -> Vec<&'static str> {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.iter().rev().copied().collect()
    }
}

/// Runs the start hook, and sends its state to whoever waits for it.
async fn started<S, St: Clone>(
    start: Start<S, St>,
    settings: S,
    send: oneshot::Sender<anyhow::Result<St>>,
) -> Option<St> {
    let started = AssertUnwindSafe(async { start(settings).await })
        .catch_unwind()
        .await;
    let state = started.unwrap_or_else(|_| Err(anyhow!("the start hook panicked")));
    let kept = state.as_ref().ok().cloned();
    // Whoever waited has gone only if the process is to go.
    let _ = send.send(state);
    kept
}

/// Starts background work and readiness checks; what is left is for the end.
fn begin<St: Clone + 'static>(context: &Context, tasks: Tasks<St>, state: &St) -> Vec<Hook<St>> {
    for check in tasks.checks {
        let results = Arc::clone(&context.results);
        actix_rt::spawn(check.run(state.clone(), results, context.checks.clone()));
    }
    for work in tasks.work {
        let control = Arc::clone(&context.control);
        actix_rt::spawn(work.run(control, state.clone(), context.failure));
    }
    tasks.hooks
}

/// Runs the shutdown hooks, once that is told.
async fn run_at_end<St: Clone>(
    control: &Control,
    hooks: Vec<Hook<St>>,
    state: St,
    pending: &Pending,
    mut told: mpsc::UnboundedReceiver<()>,
) {
    if told.recv().await.is_none() {
        return;
    }
    let mut failed = Vec::new();
    // What was set up last may lean on what was set up first.
    for hook in hooks.into_iter().rev() {
        let run = AssertUnwindSafe(async { (hook.run)(state.clone()).await }).catch_unwind();
        let result = run.await.unwrap_or_else(|_| Err(anyhow!("it panicked")));
        if let Err(error) = result {
            let error = format!("{error:#}");
            tracing::error!(hook = hook.name, %error, "a shutdown hook failed");
            failed.push(hook.name.to_owned());
        }
        pending.lock().unwrap_or_else(PoisonError::into_inner).pop();
    }
    control.notify(Notice::HooksDone(failed));
}
