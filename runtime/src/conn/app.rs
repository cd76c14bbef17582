//! The application, as a connection sees it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, ready},
};

use actix_http::{Request, body::MessageBody};
use actix_service::Service;
use actix_web::{Error, dev::ServiceResponse};

/// What actix-web makes of an author's `App`: all that is asked of it, under one name.
pub(crate) trait App:
    Service<Request, Response = ServiceResponse<Self::Body>, Error = Error> + 'static
{
    /// The body of its responses.
    type Body: MessageBody + 'static;
}

impl<S, B> App for S
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Body = B;
}

/// What the application did with a request.
pub(super) enum Called<F> {
    Begun(F),
    Refused(Error),
    Panicked,
}

/// Hands a request to the application, once it has room for one: until then the request stays where
/// it is. A panic is a 500 on this request, and nobody else's business.
#[inline]
pub(super) fn call<A: App>(
    app: &A,
    request: &mut Option<Request>,
    cx: &mut Context<'_>,
) -> Poll<Called<A::Future>> {
    let called = catch_unwind(AssertUnwindSafe(|| {
        if let Err(error) = ready!(app.poll_ready(cx)) {
            return Poll::Ready(Called::Refused(error));
        }
        let request = request.take().expect("it is polled until it is taken");
        Poll::Ready(Called::Begun(app.call(request)))
    }));
    called.unwrap_or(Poll::Ready(Called::Panicked))
}
