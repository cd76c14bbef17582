//! The threads of a service: arbiters of one actix `System`, so that an actor of the system's registry
//! exists once for the whole process, as under `HttpServer`.

use std::{io, thread, time::Duration};

use actix_rt::Arbiter;
use tokio::{runtime::Builder, sync::oneshot, time::timeout};

/// How long threads may take to end, and to drop what they hold. One that a handler blocks is left
/// behind: the process ends with it.
const END: Duration = Duration::from_millis(500);

/// Starts a thread with an event loop, in the current `System`.
///
/// # Errors
/// When the system has no thread or no descriptors to give.
///
/// # Panics
/// Where there is no `System`.
pub(crate) fn start(blocking_threads: usize) -> io::Result<Arbiter> {
    Arbiter::try_with_tokio_rt(move || {
        Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(blocking_threads)
            .build()
    })
}

/// Ends threads, and waits until they have dropped what they hold.
pub(crate) async fn end(threads: Vec<Arbiter>) {
    for thread in &threads {
        thread.stop();
    }
    let (ended, all) = oneshot::channel();
    let joining = thread::Builder::new().spawn(move || {
        for thread in threads {
            // One that has panicked has ended, too.
            let _ = thread.join();
        }
        // Whoever asked may have stopped waiting.
        let _ = ended.send(());
    });
    if joining.is_ok() && timeout(END, all).await.is_err() {
        tracing::warn!("a thread is blocked, and left behind");
    }
}
