//! Background work, which lives as long as the process, and is waited for when it drains.

use std::{fmt, future::Future, panic::AssertUnwindSafe, sync::Arc};

use anyhow::anyhow;
use futures_util::{FutureExt as _, future::LocalBoxFuture};

use super::running::Running;
use crate::{
    control::{Control, Notice, Stage},
    lifecycle::Cause,
    settings::BackgroundFailure,
};

/// Background work, and the name by which it is reported.
pub(crate) struct Work<St> {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn FnOnce(St, Stop) -> LocalBoxFuture<'static, anyhow::Result<()>> + Send>,
}

/// Tells background work when to stop: at T0, or when the process drains, as it chooses.
///
/// What takes no new work, such as a consumer of a queue, stops at T0, and has the lame duck's time to
/// finish what it has begun. What requests still need while they are served, such as a cache's refresh,
/// stops at the drain.
///
/// ```no_run
/// # use actix_web::{App, rt};
/// # use lastcall::Stop;
/// # async fn next_message() -> anyhow::Result<String> { Ok(String::new()) }
/// # async fn handle(_: String) -> anyhow::Result<()> { Ok(()) }
/// async fn consume(stop: Stop) -> anyhow::Result<()> {
///     loop {
///         tokio::select! {
///             () = stop.at_t0() => return Ok(()),
///             // What is taken is finished: the drain waits for it.
///             message = next_message() => handle(message?).await?,
///         }
///     }
/// }
///
/// lastcall::service!()
///     .background("consumer", |(), stop| consume(stop))
///     .run(|_: &()| App::new());
/// ```
#[derive(Clone)]
pub struct Stop(Arc<Control>);

impl Stop {
    pub(super) fn new(control: Arc<Control>) -> Self {
        Self(control)
    }

    /// Waits until the process is told to go. Requests are still served from then on.
    pub async fn at_t0(&self) {
        self.wait(Stage::Goodbye).await;
    }

    /// Waits until no more requests are accepted.
    pub async fn at_drain(&self) {
        self.wait(Stage::Drain).await;
    }

    async fn wait(&self, stage: Stage) {
        // The control outlives all work, so the sender cannot be gone.
        let _ = self.0.watch().wait_for(|now| *now >= stage).await;
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.0.stage()).finish()
    }
}

impl<St> Work<St> {
    /// Does it, and sees to its end.
    pub(super) async fn run(self, control: Arc<Control>, state: St, failure: BackgroundFailure) {
        let stop = Stop::new(Arc::clone(&control));
        let work = async { (self.run)(state, stop).await };
        let failed = !supervise(&control, self.name, work).await;
        if failed && failure == BackgroundFailure::Drain {
            control.notify(Notice::Terminate(Cause::Failure));
        }
    }
}

/// Runs something, counted while it does. A failure or a panic is logged and counted by its name. True
/// if it has ended well.
pub(super) async fn supervise(
    control: &Arc<Control>,
    name: &'static str,
    run: impl Future<Output = anyhow::Result<()>>,
) -> bool {
    let running = Running::begin(control, name);
    let ended = AssertUnwindSafe(run).catch_unwind().await;
    let ended = ended.unwrap_or_else(|_| Err(anyhow!("it panicked")));
    running.ended(ended.is_ok());
    if let Err(error) = &ended {
        tracing::error!(name, error = format!("{error:#}"), "background work failed");
    }
    ended.is_ok()
}
