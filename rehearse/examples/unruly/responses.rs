//! Responses whose bodies are large, long, endless, or never whole.

use std::{io, time::Duration};

use actix_web::{
    HttpResponse, Responder, Result,
    body::SizedStream,
    get,
    http::{StatusCode, header},
    rt::time::sleep,
    web::{self, Bytes, Query, ServiceConfig},
};
use futures_util::{Stream, StreamExt as _, stream};
use lastcall::Drain;
use serde::Deserialize;

use crate::gate::Gate;

pub(crate) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(big).service(big_stream).service(gated_stream);
    cfg.service(trickle).service(events).service(gated_events);
    cfg.service(poll).service(push);
    cfg.service(endless).service(flood).service(generated);
    cfg.service(panic_in_body).service(fail_in_body);
    cfg.route("/status/{code}", web::to(status));
    cfg.route("/head/{kind}", web::to(head)).service(said);
}

/// A body, whatever the status.
async fn status(code: web::Path<u16>) -> HttpResponse {
    let code = StatusCode::from_u16(*code).unwrap_or_default();
    HttpResponse::build(code).body("a body")
}

/// Bodies that nobody may ask for in answer to HEAD.
async fn head(kind: web::Path<String>) -> HttpResponse {
    let panics = stream::repeat_with(|| -> Result<Bytes> { panic!("it was produced") });
    match &**kind {
        "sized" => HttpResponse::Ok().body(SizedStream::new(7, panics)),
        "streamed" => HttpResponse::Ok().streaming(panics),
        "silent" => HttpResponse::Ok().streaming(stream::pending::<Result<Bytes>>()),
        "said" => HttpResponse::Ok().no_chunking(7).streaming(panics),
        // As one answers that knows of HEAD.
        "own" => HttpResponse::Ok()
            .insert_header((header::CONTENT_LENGTH, 7))
            .finish(),
        "none" => HttpResponse::Ok().body(actix_web::body::None::new()),
        _ => HttpResponse::Ok().body("a body"),
    }
}

#[derive(Deserialize)]
struct Said {
    length: u64,
}

/// Ten bytes, whatever length is announced.
#[get("/said")]
async fn said(said: Query<Said>) -> HttpResponse {
    let ten = stream::iter([Ok::<_, actix_web::Error>(Bytes::from_static(b"0123456789"))]);
    HttpResponse::Ok().no_chunking(said.length).streaming(ten)
}

#[derive(Deserialize)]
struct Size {
    bytes: usize,
}

/// Byte `i` of every large body is `i % 251`: a prime, so that a block lost or doubled shows.
fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i % 251) as u8).collect()
}

#[get("/big")]
async fn big(size: Query<Size>) -> Vec<u8> {
    pattern(size.bytes)
}

#[get("/big-stream")]
async fn big_stream(size: Query<Size>) -> HttpResponse {
    let body = Bytes::from(pattern(size.bytes));
    let chunks = (0..size.bytes).step_by(64 * 1024);
    let chunks = chunks.map(move |at| Result::<_>::Ok(body.slice(at..body.len().min(at + 65536))));
    HttpResponse::Ok().streaming(stream::iter(chunks))
}

/// A beginning, and an end when the test lets go.
#[get("/gated-stream")]
async fn gated_stream(gate: Query<Gate>) -> HttpResponse {
    let end = async move {
        gate.wait().await?;
        Result::<_>::Ok(Bytes::from_static(b", an end"))
    };
    let begin = stream::iter([Ok(Bytes::from_static(b"a beginning"))]);
    HttpResponse::Ok().streaming(Box::pin(begin.chain(stream::once(end))))
}

#[derive(Deserialize)]
struct Trickle {
    chunks: usize,
    every_ms: u64,
}

#[get("/trickle")]
async fn trickle(how: Query<Trickle>) -> HttpResponse {
    HttpResponse::Ok().streaming(Box::pin(ticks(how.every_ms).take(how.chunks)))
}

fn ticks(every_ms: u64) -> impl Stream<Item = Result<Bytes>> {
    stream::repeat(()).then(move |()| async move {
        sleep(Duration::from_millis(every_ms)).await;
        Ok(Bytes::from_static(b"tick\n"))
    })
}

/// Without end, but for the drain's.
#[get("/events")]
async fn events(drain: Drain) -> HttpResponse {
    let told = async move { drain.told().await };
    let last = stream::once(async { Ok(Bytes::from_static(b"bye\n")) });
    HttpResponse::Ok().streaming(Box::pin(ticks(10).take_until(Box::pin(told)).chain(last)))
}

/// One event, and the end when the test lets go, or the drain has it.
#[get("/gated-events")]
async fn gated_events(gate: Query<Gate>, drain: Drain) -> HttpResponse {
    HttpResponse::Ok().streaming(quiet(gate, drain))
}

fn quiet(gate: Query<Gate>, drain: Drain) -> impl Stream<Item = Result<Bytes>> {
    let end = async move {
        tokio::select! {
            () = drain.told() => {}
            waited = gate.wait() => waited?,
        }
        Ok(Bytes::from_static(b"bye\n"))
    };
    let begin = stream::iter([Ok(Bytes::from_static(b"tick\n"))]);
    Box::pin(begin.chain(stream::once(end)))
}

/// A long poll: no response until the test lets go, or the drain has it.
#[get("/poll")]
async fn poll(gate: Query<Gate>, drain: Drain) -> Result<impl Responder> {
    tokio::select! {
        () = drain.told() => Ok("nothing"),
        waited = gate.wait() => waited.map(|()| "news").map_err(Into::into),
    }
}

/// Another protocol on the same connection, whose handler does not read what it gets.
#[get("/push")]
async fn push(gate: Query<Gate>, drain: Drain) -> HttpResponse {
    HttpResponse::SwitchingProtocols()
        .upgrade("websocket")
        .streaming(quiet(gate, drain))
}

/// Without end, and deaf to the drain.
#[get("/endless")]
async fn endless() -> HttpResponse {
    HttpResponse::Ok().streaming(Box::pin(ticks(10)))
}

/// As fast as it is taken, and without end.
#[get("/flood")]
async fn flood() -> HttpResponse {
    static CHUNK: [u8; 64 * 1024] = [b'x'; 64 * 1024];
    let chunks = stream::repeat_with(|| Result::<_>::Ok(Bytes::from_static(&CHUNK)));
    HttpResponse::Ok().streaming(chunks)
}

/// Without end, and each chunk takes memory of its own.
#[get("/generated")]
async fn generated() -> HttpResponse {
    let chunks = stream::repeat_with(|| Result::<_>::Ok(Bytes::from(vec![b'x'; 16 * 1024])));
    HttpResponse::Ok().streaming(chunks)
}

#[get("/panic-in-body")]
async fn panic_in_body() -> HttpResponse {
    let chunks = stream::iter(0..2).then(async |n| match n {
        0 => Result::<_>::Ok(Bytes::from_static(b"a beginning")),
        _ => {
            // Lets the beginning get out.
            sleep(Duration::from_millis(50)).await;
            panic!("a stream's bug")
        }
    });
    HttpResponse::Ok().streaming(Box::pin(chunks))
}

#[get("/fail-in-body")]
async fn fail_in_body() -> HttpResponse {
    let failure = io::Error::other("a stream's failure");
    let pieces = [Ok(Bytes::from_static(b"a beginning")), Err(failure)];
    HttpResponse::Ok().streaming(stream::iter(pieces))
}
