//! The threads of a service. All belong to one actix `System`, so that an actor of its registry exists once
//! for the whole process, as under `HttpServer`.

use std::{
    cell::Cell,
    future::poll_fn,
    io,
    rc::Rc,
    task::Poll,
    thread::{self, JoinHandle},
    time::Duration,
};

use actix_rt::{System, SystemRunner};
use tokio::{runtime::Builder, sync::oneshot, task::yield_now, time::timeout};

/// How long threads may take to end, and to drop what they hold. One that a handler blocks is left
/// behind: the process ends with it.
const END: Duration = Duration::from_millis(500);

/// A thread with an event loop. Dropped, it ends, and drops what it holds, but nobody waits for that.
#[derive(Debug)]
pub(crate) struct Thread {
    /// Dropped, it ends the thread.
    lives: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Thread {
    /// Starts one, which belongs to the current `System`, and does this there first.
    ///
    /// # Errors
    /// When the system has no thread or no descriptors to give.
    ///
    /// # Panics
    /// Where there is no `System`.
    pub(crate) fn start(
        name: impl Into<String>,
        blocking_threads: usize,
        first: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let system = System::current();
        let event_loop = event_loop(blocking_threads)?;
        let (lives, ends) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name(name.into()).spawn(|| {
            let event_loop = event_loop(Some(system));
            let ended = event_loop.block_on(async {
                first();
                flag(ends)
            });
            // Polled whenever any task has something to do, which is with each request: so it only looks at
            // a flag.
            event_loop.block_on(poll_fn(move |_| match ended.get() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }));
        })?;
        Ok(Self { lives, thread })
    }
}

/// Makes an event loop, on the thread that calls what is returned: as one of that `System`, or with one of
/// its own.
///
/// # Errors
/// When the system has no descriptors to give.
pub(crate) fn event_loop(
    blocking_threads: usize,
) -> io::Result<impl FnOnce(Option<System>) -> SystemRunner + Send> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(blocking_threads)
        .build()?;
    Ok(|system: Option<System>| {
        // Not an arbiter that `System` knows: the first future of its event loop, which takes commands, costs
        // each request two hundred instructions, and `System::stop` in a handler would end
        // workers in the middle of their requests.
        let event_loop = System::with_tokio_rt(|| runtime);
        if let Some(system) = system {
            System::set_current(system);
        }
        event_loop
    })
}

/// A flag that is set when that has come, sent or dropped.
fn flag(ends: oneshot::Receiver<()>) -> Rc<Cell<bool>> {
    let ended = Rc::<Cell<bool>>::default();
    let set = Rc::clone(&ended);
    actix_rt::spawn(async move {
        let _ = ends.await;
        set.set(true);
        // Has the flag looked at once more.
        yield_now().await;
    });
    ended
}

/// Ends threads, and waits until they have dropped what they hold.
pub(crate) async fn end(threads: Vec<Thread>) {
    let threads = Vec::from_iter(threads.into_iter().map(|thread| {
        drop(thread.lives);
        thread.thread
    }));
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
