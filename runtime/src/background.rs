//! The thread of the start hook and the shutdown hooks.
//!
//! They have one of their own, with an event loop that lives as long as the process: what a start
//! hook spawns (a pool's housekeeping) goes on, and a hook that blocks its thread keeps neither
//! signals nor probes from being answered.

use std::{
    io,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
};

use actix_rt::Arbiter;
use anyhow::anyhow;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use tokio::sync::{mpsc, oneshot};

use crate::{
    control::{Control, Notice},
    threads,
};

/// The start hook: from the service's settings to its state.
pub(crate) type Start<S, St> =
    Box<dyn FnOnce(S) -> LocalBoxFuture<'static, anyhow::Result<St>> + Send>;

/// A shutdown hook, and the name by which a failure is reported.
pub(crate) struct Hook<St> {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnOnce(St) -> LocalBoxFuture<'static, anyhow::Result<()>> + Send>,
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
    pub(crate) thread: Arbiter,
    /// What the start hook returns.
    pub(crate) state: oneshot::Receiver<anyhow::Result<St>>,
}

impl Background {
    /// Starts the thread and the start hook.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(crate) fn start<S, St>(
        control: Arc<Control>,
        settings: S,
        start: Start<S, St>,
        hooks: Vec<Hook<St>>,
        blocking_threads: usize,
    ) -> io::Result<Started<St>>
    where
        S: Send + 'static,
        St: Clone + Send + 'static,
    {
        let (run_hooks, told) = mpsc::unbounded_channel();
        let (send_state, state) = oneshot::channel();
        let pending = Pending::new(Mutex::new(hooks.iter().map(|hook| hook.name).collect()));
        let done = Arc::clone(&pending);
        let thread = threads::start(blocking_threads)?;
        thread.spawn_fn(move || {
            let life = live(control, settings, start, hooks, done, send_state, told);
            actix_rt::spawn(life);
        });
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

async fn live<S, St: Clone>(
    control: Arc<Control>,
    settings: S,
    start: Start<S, St>,
    hooks: Vec<Hook<St>>,
    pending: Pending,
    send_state: oneshot::Sender<anyhow::Result<St>>,
    mut told: mpsc::UnboundedReceiver<()>,
) {
    let started = AssertUnwindSafe(async { start(settings).await })
        .catch_unwind()
        .await;
    let state = match started.unwrap_or_else(|_| Err(anyhow!("the start hook panicked"))) {
        Ok(state) => state,
        Err(error) => {
            let _ = send_state.send(Err(error));
            return;
        }
    };
    let _ = send_state.send(Ok(state.clone()));
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
