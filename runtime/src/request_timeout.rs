use std::{
    cell::Cell,
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use pin_project_lite::pin_project;

thread_local! {
    /// What the route of the handler that was polled last says, if anything.
    static AT_HAND: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// How long handlers may take, for some routes: a middleware for an `App`, a scope or a resource, in the
/// place of `http.request_timeout`. The innermost counts.
///
/// The time runs from the last byte of a request's head to the last byte of its response. A handler
/// that takes longer is dropped, and answered in its place is 504; if its response has begun, the
/// connection ends instead (over HTTP/2 the stream), so that its client does not take it for whole. A
/// [`Duration::MAX`] is no limit.
///
/// A response whose handler takes [`Drain`](crate::Drain) has no end of its own, so only a limit of its
/// route ends it once it has begun, and not `http.request_timeout`. Neither ends a WebSocket.
///
/// Outside of a service, in a plain `HttpServer` or a test of the `App` alone, it has no effect.
///
/// ```
/// use std::time::Duration;
///
/// use actix_web::{App, HttpResponse, web};
/// use lastcall::RequestTimeout;
///
/// async fn report() -> HttpResponse {
///     HttpResponse::Ok().finish()
/// }
///
/// App::new()
///     .route("/", web::get().to(report))
///     // It may take its time.
///     .service(
///         web::resource("/yearly")
///             .wrap(RequestTimeout::new(Duration::from_secs(120)))
///             .get(report),
///     );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTimeout(Duration);

impl RequestTimeout {
    /// So long, at most.
    #[must_use]
    pub const fn new(limit: Duration) -> Self {
        Self(limit)
    }

    /// What the route of the handler says that has just been polled: to be asked each time, since it is
    /// forgotten by it.
    #[inline]
    pub(crate) fn of_last_polled() -> Option<Duration> {
        let limit = AT_HAND.get();
        if limit.is_some() {
            AT_HAND.set(None);
        }
        limit
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequestTimeout
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Transform = RequestTimeoutService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let limit = self.0;
        ready(Ok(RequestTimeoutService { limit, service }))
    }
}

/// A service whose handlers have a [`RequestTimeout`].
#[derive(Debug)]
pub struct RequestTimeoutService<S> {
    limit: Duration,
    service: S,
}

impl<S, B> Service<ServiceRequest> for RequestTimeoutService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Limited<S::Future>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        Limited {
            limit: self.limit,
            response: self.service.call(request),
        }
    }
}

pin_project! {
    /// A response that says its limit whenever it is polled: so the connection learns it, whatever lies
    /// between the two.
    #[derive(Debug)]
    pub struct Limited<F> {
        limit: Duration,
        #[pin]
        response: F,
    }
}

impl<F: Future> Future for Limited<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let polled = this.response.poll(cx);
        // The innermost is the first to say.
        AT_HAND.set(AT_HAND.get().or(Some(*this.limit)));
        polled
    }
}
