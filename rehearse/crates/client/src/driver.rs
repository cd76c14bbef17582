//! What all modes share: one request at a time, each when it is due, all in the log.

use std::pin::pin;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::failure::Fault;
use super::log::{Answer, Trace};
use super::schedule::{Pace, Schedule, intended};
use super::shared::Shared;

/// Who makes the requests of one schedule.
pub(super) trait Caller: Send + 'static {
    /// Makes one request. Says in `trace` where it went, and what came of that.
    fn request(
        &mut self,
        deadline: Instant,
        trace: &mut Trace,
    ) -> impl Future<Output = Result<Answer, Fault>> + Send;

    /// Which client it belongs to.
    fn client(&self) -> usize;

    /// From this request to the next.
    fn pace(&self) -> Pace;

    /// What there is to do between two requests. It never ends by itself, and must be cancel-safe.
    fn idle(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// After the last request.
    fn leave(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// Runs one task for each of `count` callers until all have ended. Dropping the future aborts them.
pub(super) async fn run<C: Caller>(
    shared: &Arc<Shared>,
    count: usize,
    caller: impl Fn(usize) -> C,
) {
    let mut clients = JoinSet::new();
    for index in 0..count {
        let client = Client {
            shared: Arc::clone(shared),
            caller: caller(index),
            schedule: Schedule::new(shared.plan.seed, index),
        };
        clients.spawn(client.run());
    }
    let all = async {
        while let Some(ended) = clients.join_next().await {
            // A client that panicked would have dropped its request from the log.
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    };
    let note_stop = async {
        shared.stop.cancelled().await;
        let _ = shared.stopped.set(Instant::now());
        std::future::pending().await
    };
    tokio::select! {
        () = all => {}
        () = note_stop => {}
    }
}

struct Client<C> {
    shared: Arc<Shared>,
    caller: C,
    schedule: Schedule,
}

impl<C: Caller> Client<C> {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let mut due = self.schedule.first(shared.started, self.caller.pace());
        let mut free = shared.started;
        while let Some(intended) = self.wait(due).await {
            let mut trace = Trace::new(Instant::now());
            let deadline = trace.started + shared.plan.timeout;
            let result = self.caller.request(deadline, &mut trace).await;
            let failed = result.is_err();
            free = Instant::now();
            shared.enter(self.caller.client(), intended, &trace, result);
            due = self.schedule.next(self.caller.pace(), due, free, failed);
        }
        self.caller.leave().await;
        // What fell due after the stop, or to a client that was free to start it, was not missed.
        let until = shared
            .stopped
            .get()
            .map_or(free, |stopped| free.min(*stopped));
        let unstarted = self.schedule.missed(self.caller.pace(), due, until);
        shared.log().unstarted += unstarted;
    }

    /// Waits for a request's due time and returns its intended start; `None` at the stop.
    async fn wait(&mut self, due: Instant) -> Option<Instant> {
        if self.shared.stop.is_cancelled() {
            return None;
        }
        if due <= Instant::now() {
            return Some(due);
        }
        let (mut stopped, mut timer) = (pin!(self.shared.stop.cancelled()), pin!(sleep_until(due)));
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => return None,
                () = &mut timer => return Some(intended(due, Instant::now())),
                () = self.caller.idle() => {}
            }
        }
    }
}
