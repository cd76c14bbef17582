//! What the simulated process serves.

use std::time::Duration;

use actix_web::{
    App, HttpResponse, Responder,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    web::{self, Bytes},
};
use futures_util::stream;

use super::crowded::Crowded;
use crate::Drain;

/// The length of a large response: more than the kernels of both sides take.
pub(super) const LARGE: usize = 24 * 1024;

pub(super) fn app() -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .wrap(Crowded)
        .route("/quick", web::get().to(async || "quick"))
        .route("/slow/{millis}", web::get().to(slow))
        .route("/echo", web::post().to(async |body: Bytes| body))
        .route("/large", web::get().to(async || "l".repeat(LARGE)))
        .route("/pieces/{count}", web::get().to(pieces))
        .route("/events", web::get().to(events))
}

async fn slow(millis: web::Path<u64>) -> impl Responder {
    tokio::time::sleep(Duration::from_millis(*millis)).await;
    "slow"
}

async fn pieces(count: web::Path<u64>) -> impl Responder {
    let pieces = stream::unfold(*count, async |left| {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let left = left.checked_sub(1)?;
        Some((Ok::<_, actix_web::Error>(Bytes::from("piece")), left))
    });
    HttpResponse::Ok().streaming(Box::pin(pieces))
}

async fn events(drain: Drain) -> impl Responder {
    let events = stream::unfold(Some(drain), async |drain| {
        let drain = drain?;
        let told = tokio::time::timeout(Duration::from_millis(700), drain.told()).await;
        let (event, next) = match told {
            Ok(()) => ("last", None),
            Err(_) => ("event", Some(drain)),
        };
        Some((Ok::<_, actix_web::Error>(Bytes::from(event)), next))
    });
    HttpResponse::Ok().streaming(Box::pin(events))
}
