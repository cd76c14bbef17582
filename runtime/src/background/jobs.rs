//! Work that outlives its response.

use std::{
    convert::Infallible,
    fmt,
    future::{Future, Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use super::work::supervise;
use crate::{control::Control, drain};

/// Takes work over from a handler that does not wait for its end, as behind a 202: an extractor.
///
/// The drain waits for it, as for a response. What the deadline cuts is counted and named in the drain
/// report, and so is what fails or panics. A plain `actix_web::rt::spawn` would be lost with the
/// process, and nobody would hear of it.
///
/// It runs on the worker's own event loop, and ends with the process: whatever must be done in any case
/// belongs into a queue that outlives it.
///
/// Outside of a service, in a plain `HttpServer` or a test of the `App` alone, it runs as well, uncounted.
///
/// ```
/// use actix_web::{HttpResponse, web};
/// use lastcall::Jobs;
///
/// # async fn send_mail(_: String) -> anyhow::Result<()> { Ok(()) }
/// async fn register(jobs: Jobs, name: web::Path<String>) -> HttpResponse {
///     jobs.spawn("welcome mail", send_mail(name.into_inner()));
///     HttpResponse::Accepted().finish()
/// }
/// ```
#[derive(Clone)]
pub struct Jobs(Option<Arc<Control>>);

impl Jobs {
    /// Does this after the response, or beside it. `name` is what a job of this kind is reported by.
    pub fn spawn<F>(&self, name: &'static str, job: F)
    where
        F: Future<Output = anyhow::Result<()>> + 'static,
    {
        match self.0.clone() {
            Some(control) => {
                actix_rt::spawn(async move { supervise(&control, name, job).await });
            }
            None => {
                actix_rt::spawn(job);
            }
        }
    }
}

impl FromRequest for Jobs {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(drain::control())))
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jobs").finish()
    }
}
