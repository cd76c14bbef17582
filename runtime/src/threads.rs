//! The threads of a service: arbiters of one actix `System`, so that an actor of the system's registry
//! exists once for the whole process, as under `HttpServer`.

use std::{io, thread, time::Duration};

use actix_rt::Arbiter;
use tokio::{runtime::Builder, sync::oneshot, time::timeout};

/// How long threads may take to end, and to drop what they hold. One that a handler blocks is left
/// behind: the process ends with it.
const END: Duration = Duration::from_millis(500);

/// A thread with an event loop. Dropped, it ends, and drops what it holds, but nobody waits for that.
#[derive(Debug)]
pub(crate) struct Thread(Option<Arbiter>);

impl Thread {
    /// Starts one, in the current `System`.
    ///
    /// # Errors
    /// When the system has no thread or no descriptors to give.
    ///
    /// # Panics
    /// Where there is no `System`.
    pub(crate) fn start(blocking_threads: usize) -> io::Result<Self> {
        let arbiter = Arbiter::try_with_tokio_rt(move || {
            Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(blocking_threads)
                .build()
        });
        Ok(Self(Some(arbiter?)))
    }

    /// Does this on it.
    pub(crate) fn run(&self, act: impl FnOnce() + Send + 'static) {
        if let Some(arbiter) = &self.0 {
            arbiter.spawn_fn(act);
        }
    }

    /// Lets it live for as long as what runs on it wants, which is to end it.
    pub(crate) fn detach(mut self) {
        self.0.take();
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(arbiter) = &self.0 {
            arbiter.stop();
        }
    }
}

/// Ends threads, and waits until they have dropped what they hold.
pub(crate) async fn end(mut threads: Vec<Thread>) {
    let arbiters: Vec<_> = threads
        .iter_mut()
        .filter_map(|thread| thread.0.take())
        .collect();
    for arbiter in &arbiters {
        arbiter.stop();
    }
    let (ended, all) = oneshot::channel();
    let joining = thread::Builder::new().spawn(move || {
        for arbiter in arbiters {
            // One that has panicked has ended, too.
            let _ = arbiter.join();
        }
        // Whoever asked may have stopped waiting.
        let _ = ended.send(());
    });
    if joining.is_ok() && timeout(END, all).await.is_err() {
        tracing::warn!("a thread is blocked, and left behind");
    }
}
