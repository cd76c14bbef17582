use std::{
    cell::{Cell, RefCell},
    collections::hash_map::RandomState,
    convert::Infallible,
    fmt,
    future::{Ready, pending, ready},
    hash::{BuildHasher as _, Hasher as _},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{FromRequest, HttpMessage as _, HttpRequest, dev::Payload};

use crate::clock;
use crate::control::{Control, Stage};

thread_local! {
    /// The control of the process whose worker this thread is.
    static CONTROL: RefCell<Option<Arc<Control>>> = const { RefCell::new(None) };

    /// Some handler on this thread has taken [`Drain`]. Until then no request needs to be asked.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// Makes [`Drain`] work on this thread.
pub(crate) fn enter(control: Arc<Control>) {
    CONTROL.set(Some(control));
}

/// The control of the service whose worker this thread is, if it is one.
pub(crate) fn control() -> Option<Arc<Control>> {
    CONTROL.with_borrow(Clone::clone)
}

/// Left in a request's extensions by [`Drain`].
struct EndsItself;

/// Whether the response to this request ends itself when it is told, because its handler has taken
/// [`Drain`]: then it is not one that the drain finishes.
pub(crate) fn ends_itself(request: &HttpRequest) -> bool {
    TAKEN.get() && request.extensions().contains::<EndsItself>()
}

/// Tells a handler that streams when to end its stream by itself.
///
/// A response without an end (Server-Sent Events, a WebSocket, a long poll) would hold the drain to its
/// deadline and be cut there. A handler that takes this extractor is told when the drain begins,
/// each at its own moment within `drain.jitter`, so that ten thousand clients do not come back at
/// once; it then sends what it wants to say last and ends. A stream that is born while the
/// process drains is told at once.
///
/// The connection of HTTP/1.1 ends with it, so that its client does not come back to the process
/// that it has to leave. A response of this kind that has no length also ends when its client
/// sends a FIN: nobody can be waiting for the whole of it, and a client that has gone would else
/// be noticed only by the next thing that is sent to it.
///
/// Outside of [`Service::run`](crate::Service::run), in a plain `HttpServer` or a test, nobody is
/// ever told.
///
/// ```
/// use actix_web::{HttpResponse, Responder, web::Bytes};
/// use futures_util::stream;
/// use lastcall::Drain;
///
/// async fn wait_for_news(drain: Drain) -> impl Responder {
///     let last = stream::once(async move {
///         drain.told().await;
///         Ok::<_, actix_web::Error>(Bytes::from("retry: 100\n\n"))
///     });
///     HttpResponse::Ok().content_type("text/event-stream").streaming(last)
/// }
/// ```
#[derive(Clone)]
pub struct Drain(Option<Rc<Stream>>);

/// A stream that ends itself.
struct Stream {
    control: Arc<Control>,
    /// This stream's own moment, counted from the beginning of the drain.
    after: Duration,
    counted: Cell<bool>,
}

impl Drain {
    fn new(control: Arc<Control>) -> Self {
        let after = match control.draining_since() {
            Some(_) => Duration::ZERO,
            None => control.drain().jitter.mul_f64(random_fraction()),
        };
        Self(Some(Rc::new(Stream {
            control,
            after,
            counted: Cell::new(false),
        })))
    }

    /// Whether this stream is to end now.
    #[must_use]
    pub fn is_told(&self) -> bool {
        let Some(stream) = self.0.as_ref().filter(|stream| stream.is_due()) else {
            return false;
        };
        stream.count();
        true
    }

    /// Waits until this stream is to end. It may be dropped and called again at will.
    pub async fn told(&self) {
        let Some(stream) = &self.0 else {
            return pending().await;
        };
        let mut stage = stream.control.watch();
        // The control outlives every worker, so the sender cannot be gone.
        let _ = stage.wait_for(|stage| *stage >= Stage::Drain).await;
        if let Some(moment) = stream.moment() {
            tokio::time::sleep_until(moment.into()).await;
        }
        stream.count();
    }
}

impl Stream {
    fn moment(&self) -> Option<Instant> {
        Some(self.control.draining_since()? + self.after)
    }

    fn is_due(&self) -> bool {
        self.moment().is_some_and(|moment| clock::now() >= moment)
    }

    fn count(&self) {
        if !self.counted.replace(true) {
            self.control.ledger.streams_told.add();
        }
    }
}

/// A fraction from 0 to 1; a hasher's random keys are randomness enough to spread clients.
fn random_fraction() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let due = self.0.as_ref().is_some_and(|stream| stream.is_due());
        f.debug_struct("Drain").field("due", &due).finish()
    }
}

impl FromRequest for Drain {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        TAKEN.set(true);
        request.extensions_mut().insert(EndsItself);
        ready(Ok(control().map_or(Self(None), Self::new)))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures_util::{future::poll_immediate, poll};
    use tokio::sync::mpsc;

    use super::*;
    use crate::{rules::Rules, settings};

    fn control(jitter: Duration) -> Arc<Control> {
        let drain = settings::Drain {
            jitter,
            ..settings::Drain::default()
        };
        Control::new(drain, Rules::default(), mpsc::unbounded_channel().0)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_told_within_the_jitter_and_counted_once() {
        let control = control(Duration::from_secs(1));
        let drain = Drain::new(control.clone());
        assert!(poll_immediate(drain.told()).await.is_none());
        control.raise(Stage::Drain, tokio::time::Instant::now().into_std());
        let began = tokio::time::Instant::now();
        drain.told().await;
        drain.told().await;
        assert!(began.elapsed() <= Duration::from_secs(1));
        assert_eq!(control.ledger.streams_told.get(), 1);
    }

    #[tokio::test]
    async fn a_stream_born_in_the_drain_is_told_at_once() {
        let control = control(Duration::from_secs(3600));
        control.raise(Stage::Drain, Instant::now());
        let drain = Drain::new(control);
        assert!(drain.is_told());
        drain.told().await;
    }

    #[tokio::test]
    async fn the_lame_duck_tells_no_stream() {
        let control = control(Duration::ZERO);
        let drain = Drain::new(control.clone());
        control.raise(Stage::Goodbye, Instant::now());
        assert!(!drain.is_told());
        assert_eq!(poll!(std::pin::pin!(drain.told())), Poll::Pending);
    }

    #[tokio::test]
    async fn without_the_runtime_nobody_is_told() {
        assert!(!Drain(None).is_told());
        assert!(poll_immediate(Drain(None).told()).await.is_none());
    }
}
