//! An application that shows in each response what it has understood.

use std::panic::resume_unwind;

use actix_web::{
    App, HttpRequest, HttpResponse, Result,
    dev::{ServiceFactory, ServiceRequest},
    error::ErrorImATeapot,
    web::{self, Bytes},
};
use futures_util::{StreamExt as _, stream};

/// What the handler does, by the first letter of the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads the body, and sends it back.
    Echo,
    /// Sends the body back while it comes.
    Reflect,
    /// Answers in three pieces.
    Stream,
    /// Answers in many pieces of the kernel's choice.
    Large,
    Panic,
    Error,
    /// Sends a piece, and fails.
    Break,
    /// Answers a little later.
    Later,
    /// Answers without a look at the body.
    #[default]
    Ignore,
    /// Answers 204, and with a body.
    Empty,
}

/// What a large response has beside its name.
pub(super) const LARGE: usize = 100_000;

impl Kind {
    pub(super) const ALL: [(Self, u8); 10] = [
        (Self::Echo, b'e'),
        (Self::Reflect, b'r'),
        (Self::Stream, b's'),
        (Self::Large, b'l'),
        (Self::Panic, b'p'),
        (Self::Error, b'x'),
        (Self::Break, b'b'),
        (Self::Later, b't'),
        (Self::Ignore, b'i'),
        (Self::Empty, b'n'),
    ];

    pub(super) fn of(path: &str) -> Self {
        let letter = path.as_bytes().get(1);
        let known = Self::ALL.iter().find(|(_, known)| Some(known) == letter);
        known.map_or(Self::Ignore, |(kind, _)| *kind)
    }
}

pub(super) fn app() -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new().default_service(web::to(answer))
}

async fn answer(request: HttpRequest, mut body: web::Payload) -> Result<HttpResponse> {
    let name = format!("{} {};", request.method(), request.uri().path());
    let piece = Bytes::from(name.clone());
    Ok(match Kind::of(request.uri().path()) {
        Kind::Echo => {
            let mut whole = name.into_bytes();
            while let Some(chunk) = body.next().await {
                whole.extend_from_slice(&chunk?);
            }
            HttpResponse::Ok().body(whole)
        }
        Kind::Reflect => HttpResponse::Ok().streaming(stream::iter([Ok(piece)]).chain(body)),
        Kind::Stream => {
            let pieces = (0..3).map(move |_| Result::<_>::Ok(piece.clone()));
            HttpResponse::Ok().streaming(stream::iter(pieces))
        }
        Kind::Large => HttpResponse::Ok().body(name + &"x".repeat(LARGE)),
        // Past the hook, which takes panics for a finding.
        Kind::Panic => resume_unwind(Box::new("a handler's bug")),
        Kind::Error => return Err(ErrorImATeapot(name)),
        Kind::Break => {
            let pieces = [Ok(piece), Err(ErrorImATeapot("a stream's bug"))];
            HttpResponse::Ok().streaming(stream::iter(pieces))
        }
        Kind::Later => {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            HttpResponse::Ok().body(name)
        }
        Kind::Ignore => HttpResponse::Ok().body(name),
        Kind::Empty => HttpResponse::NoContent().body(name),
    })
}
