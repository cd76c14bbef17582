//! Middleware with room for few requests at once, and that says so before it is called.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_service::{Service, Transform};
use actix_web::{
    Error,
    dev::{ServiceRequest, ServiceResponse},
};
use futures_util::future::{LocalBoxFuture, Ready, ready};

/// So many requests at once.
const ROOM: usize = 2;

/// See the module's documentation.
pub(super) struct Crowded;

/// What it makes of the service behind it.
pub(super) struct CrowdedService<S> {
    service: S,
    crowd: Rc<Crowd>,
}

#[derive(Default)]
struct Crowd {
    count: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
}

/// A request that is under way.
struct Place(Rc<Crowd>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.count.update(|count| count - 1);
        self.0.waiting.take().into_iter().for_each(Waker::wake);
    }
}

impl<S> Transform<S, ServiceRequest> for Crowded
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>,
    S::Future: 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = CrowdedService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let crowd = Rc::default();
        ready(Ok(CrowdedService { service, crowd }))
    }
}

impl<S> Service<ServiceRequest> for CrowdedService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>,
    S::Future: 'static,
{
    type Response = ServiceResponse;
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<ServiceResponse, Error>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.crowd.count.get() < ROOM {
            return Poll::Ready(Ok(()));
        }
        self.crowd.waiting.borrow_mut().push(cx.waker().clone());
        Poll::Pending
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        assert!(
            self.crowd.count.get() < ROOM,
            "it has not said that it is ready"
        );
        self.crowd.count.update(|count| count + 1);
        let (place, called) = (Place(Rc::clone(&self.crowd)), self.service.call(request));
        Box::pin(async move {
            let _place = place;
            called.await
        })
    }
}
