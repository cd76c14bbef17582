use std::{
    cell::Cell,
    future::{Ready, ready},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform},
    error::PayloadError,
    web::Bytes,
};
use futures_core::Stream;

thread_local! {
    /// The limits of the body that is being read at this moment.
    static AT_HAND: Cell<BodyLimits> = const { Cell::new(BodyLimits::new()) };
}

/// How slowly the bodies of requests may come, for some routes: a middleware for an `App`, a scope or
/// a resource, in the place of `http.body_timeout` and `http.body_rate`. What is not said here is
/// as it is around it, and in the end as it is set.
///
/// Only the time is counted in which a handler waits for the body. A body that comes too slowly
/// makes the handler's read fail, and the request is answered by 408.
///
/// Outside of [`Service::run`](crate::Service::run), in a plain `HttpServer` or a test, it has no
/// effect.
///
/// ```
/// use std::time::Duration;
///
/// use actix_web::{App, HttpResponse, web};
/// use lastcall::BodyLimits;
///
/// async fn upload(body: web::Bytes) -> HttpResponse {
///     HttpResponse::Ok().body(format!("{} bytes", body.len()))
/// }
///
/// App::new()
///     // Sensors, which send a few bytes an hour.
///     .service(
///         web::resource("/readings")
///             .wrap(BodyLimits::new().timeout(Duration::from_secs(7_200)))
///             .post(upload),
///     )
///     // Files: 100 kB/s after the first five seconds.
///     .service(
///         web::scope("/files")
///             .wrap(BodyLimits::new().timeout(Duration::from_secs(5)).rate(100_000))
///             .route("", web::post().to(upload)),
///     );
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyLimits {
    timeout: Option<Duration>,
    rate: Option<u64>,
}

impl BodyLimits {
    /// No limits but those that are set.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            timeout: None,
            rate: None,
        }
    }

    /// How long a body may stand still; [`Duration::MAX`] for ever, whatever the rate.
    #[must_use]
    pub const fn timeout(self, timeout: Duration) -> Self {
        let timeout = Some(timeout);
        Self { timeout, ..self }
    }

    /// How many bytes of it must come in a second, on average, once it has been waited for as long
    /// as it may stand still. 0 is no limit.
    #[must_use]
    pub const fn rate(self, bytes_per_second: u64) -> Self {
        let rate = Some(bytes_per_second);
        Self { rate, ..self }
    }

    /// These, and `others` where they say nothing.
    pub(crate) fn or(self, others: Self) -> Self {
        Self {
            timeout: self.timeout.or(others.timeout),
            rate: self.rate.or(others.rate),
        }
    }

    /// The limits of the body that is being read at this moment, as far as its route has some.
    pub(crate) fn at_hand() -> Self {
        AT_HAND.get()
    }

    /// How long a body may stand still. For ever, where nobody has said anything.
    pub(crate) fn standing(self) -> Duration {
        self.timeout.unwrap_or(Duration::MAX)
    }

    /// How long a body may be waited for of which so many bytes have come.
    pub(crate) fn whole(self, arrived: u64) -> Duration {
        match self.rate {
            None | Some(0) => Duration::MAX,
            Some(rate) => {
                let earned = Duration::from_secs_f64(arrived as f64 / rate as f64);
                self.standing().saturating_add(earned)
            }
        }
    }
}

impl<S, B> Transform<S, ServiceRequest> for BodyLimits
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Transform = BodyLimitsService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let limits = *self;
        ready(Ok(BodyLimitsService { limits, service }))
    }
}

/// A service whose requests' bodies have [`BodyLimits`].
#[derive(Debug)]
pub struct BodyLimitsService<S> {
    limits: BodyLimits,
    service: S,
}

impl<S, B> Service<ServiceRequest> for BodyLimitsService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let payload = request.parts_mut().1;
        if !matches!(payload, Payload::None) {
            *payload = Payload::Stream {
                payload: Box::pin(Limited {
                    limits: self.limits,
                    payload: payload.take(),
                }),
            };
        }
        self.service.call(request)
    }
}

/// A body that says its limits while it is read: whatever else lies between the handler and the
/// connection, and whichever task reads, the connection's end of it is reached within that read.
struct Limited {
    limits: BodyLimits,
    payload: Payload,
}

/// Puts back what was at hand before, after a panic, too.
struct Before(BodyLimits);

impl Drop for Before {
    fn drop(&mut self) {
        AT_HAND.set(self.0);
    }
}

impl Stream for Limited {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The innermost middleware is asked first, and has the last word.
        let before = Before(AT_HAND.get());
        AT_HAND.set(before.0.or(self.limits));
        Pin::new(&mut self.payload).poll_next(cx)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{
        App,
        test::{TestRequest, call_service, init_service, read_body},
        web,
    };
    use futures_util::{StreamExt as _, stream};

    use super::*;

    /// Answers with the limits that its body was read under.
    async fn limits(mut body: web::Payload) -> String {
        let seen = body.next().await.expect("one chunk").expect("no failure");
        String::from_utf8_lossy(&seen).into_owned()
    }

    async fn seen(path: &str) -> String {
        let second = Duration::from_secs;
        let app = App::new()
            .wrap(BodyLimits::new().timeout(second(1)).rate(1))
            .route("/outer", web::post().to(limits))
            .service(
                web::scope("/inner")
                    .wrap(BodyLimits::new().timeout(second(2)))
                    .service(
                        web::resource("/most")
                            .wrap(BodyLimits::new().rate(3))
                            .post(limits),
                    )
                    .route("", web::post().to(limits)),
            );
        let app = init_service(app).await;
        let body = stream::once(async {
            let limits = BodyLimits::at_hand();
            Ok(Bytes::from(format!(
                "{:?} {:?}",
                limits.timeout, limits.rate
            )))
        });
        let mut request = TestRequest::post().uri(path).to_request();
        *request.payload() = Payload::Stream {
            payload: Box::pin(body),
        };
        let text = read_body(call_service(&app, request).await).await;
        assert_eq!(BodyLimits::at_hand(), BodyLimits::new(), "put back");
        String::from_utf8_lossy(&text).into_owned()
    }

    #[actix_web::test]
    async fn the_innermost_limit_counts_and_what_it_does_not_say_is_as_it_is_around_it() {
        assert_eq!(seen("/outer").await, "Some(1s) Some(1)");
        assert_eq!(seen("/inner").await, "Some(2s) Some(1)");
        assert_eq!(seen("/inner/most").await, "Some(2s) Some(3)");
    }
}
