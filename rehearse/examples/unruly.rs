//! A Lastcall service whose handlers, start hook and shutdown hooks misbehave, and that has those
//! of `streaming` beside them, under `/streaming`. The tests in `tests/e2e` drive it; it is also
//! something to try a drain on by hand.
//!
//! A test holds a handler back by a *gate*: a listener of its own, named by `?at=ADDRESS`, to
//! which the handler connects and on which it waits until the test hangs up.

use std::{future::pending, io, process::ExitCode, thread, time::Duration};

use actix_web::{
    App, HttpResponse, Result, get, post,
    rt::{net::TcpStream, time::sleep},
    web::{self, Bytes, Query, ServiceConfig},
};
use anyhow::bail;
use futures_util::{Stream, StreamExt as _, stream};
use runtime::{Drain, Service};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Settings {
    start: Start,
    shutdown: Shutdown,
    streaming: streaming::Settings,
}

/// What the start hook does.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Start {
    #[default]
    Succeed,
    /// Waits for ever.
    Hang,
    /// Keeps its thread for ever.
    Block,
    Fail,
}

/// What the shutdown hook does that runs first.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Shutdown {
    #[default]
    Succeed,
    Hang,
    Fail,
}

fn main() -> ExitCode {
    Service::new("unruly", env!("CARGO_PKG_VERSION"))
        .start(async |settings: &Settings| start(settings).await)
        .on_shutdown("pool", async |_: Settings| {
            shut_down("pool", Shutdown::Succeed).await
        })
        .on_shutdown("buffers", async |settings: Settings| {
            shut_down("buffers", settings.shutdown).await
        })
        .run(|settings: &Settings, _: &Settings| {
            let streaming = streaming::routes(&settings.streaming);
            let streaming = web::scope("/streaming").configure(streaming);
            App::new().configure(routes).service(streaming)
        })
}

async fn start(settings: &Settings) -> anyhow::Result<Settings> {
    tracing::info!(start = ?settings.start, "start hook");
    match settings.start {
        Start::Succeed => Ok(settings.clone()),
        Start::Hang => pending().await,
        Start::Block => loop {
            thread::park();
        },
        Start::Fail => Err(io::Error::other("the database is away").into()),
    }
}

async fn shut_down(hook: &str, how: Shutdown) -> anyhow::Result<()> {
    tracing::info!(hook, "shutdown hook");
    match how {
        Shutdown::Succeed => Ok(()),
        Shutdown::Hang => pending().await,
        Shutdown::Fail => bail!("the disk is full"),
    }
}

fn routes(cfg: &mut ServiceConfig) {
    cfg.service(hello)
        .service(slow)
        .service(never)
        .service(gated)
        .service(block);
    cfg.service(panic)
        .service(panic_in_body)
        .service(fail_in_body);
    cfg.service(big)
        .service(big_stream)
        .service(gated_stream)
        .service(trickle);
    cfg.service(events).service(endless).service(echo);
    cfg.service(upload).service(ignore).service(reject);
    cfg.service(gated_upload)
        .service(whole)
        .service(reflect)
        .service(flood);
}

#[derive(Deserialize)]
struct Gate {
    at: String,
}

impl Gate {
    async fn wait(&self) -> io::Result<()> {
        TcpStream::connect(&self.at)
            .await?
            .read_to_end(&mut Vec::new())
            .await?;
        Ok(())
    }
}

#[derive(Deserialize)]
struct Size {
    bytes: usize,
}

#[get("/hello/{name}")]
async fn hello(name: web::Path<String>) -> String {
    format!("Hello, {name}!")
}

#[derive(Deserialize)]
struct Slow {
    ms: u64,
}

#[get("/slow")]
async fn slow(how: Query<Slow>) -> &'static str {
    sleep(Duration::from_millis(how.ms)).await;
    "awake"
}

#[get("/never/{id}")]
async fn never() -> String {
    pending().await
}

#[get("/gate")]
async fn gated(gate: Query<Gate>) -> Result<&'static str> {
    gate.wait().await?;
    Ok("let go")
}

/// Keeps its worker's thread, and so everybody else whom that worker serves.
#[get("/block")]
async fn block(gate: Query<Gate>) -> Result<&'static str> {
    let mut gate = std::net::TcpStream::connect(&gate.at)?;
    io::Read::read_to_end(&mut gate, &mut Vec::new())?;
    Ok("let go")
}

#[get("/panic")]
async fn panic() -> HttpResponse {
    panic!("a handler's bug")
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

/// Without end, and deaf to the drain.
#[get("/endless")]
async fn endless() -> HttpResponse {
    HttpResponse::Ok().streaming(Box::pin(ticks(10)))
}

/// Another protocol on the same connection, which sends back what it gets. actix knows of none
/// but WebSocket, whose frames do not matter here.
#[get("/echo")]
async fn echo(body: web::Payload) -> HttpResponse {
    HttpResponse::SwitchingProtocols()
        .upgrade("websocket")
        .streaming(body)
}

/// As fast as it is taken, and without end.
#[get("/flood")]
async fn flood() -> HttpResponse {
    static CHUNK: [u8; 64 * 1024] = [b'x'; 64 * 1024];
    let chunks = stream::repeat_with(|| Result::<_>::Ok(Bytes::from_static(&CHUNK)));
    HttpResponse::Ok().streaming(chunks)
}

/// Sends the body back while it comes.
#[post("/reflect")]
async fn reflect(body: web::Payload) -> HttpResponse {
    HttpResponse::Ok().streaming(body)
}

/// Takes the body as a whole, up to actix's own limit of 256 KiB.
#[post("/whole")]
async fn whole(body: Bytes) -> String {
    body.len().to_string()
}

/// Does not look at the body until the test lets it.
#[post("/gated-upload")]
async fn gated_upload(gate: Query<Gate>, body: web::Payload) -> Result<String> {
    gate.wait().await?;
    read(body).await
}

#[post("/upload")]
async fn upload(body: web::Payload) -> Result<String> {
    read(body).await
}

async fn read(mut body: web::Payload) -> Result<String> {
    let (mut bytes, mut crc32) = (0, crc32fast::Hasher::new());
    while let Some(chunk) = body.next().await {
        let chunk = chunk.inspect_err(|error| tracing::info!(%error, "a body failed"))?;
        bytes += chunk.len();
        crc32.update(&chunk);
    }
    Ok(format!("{bytes} {:08x}", crc32.finalize()))
}

/// Answers without a look at the body.
#[post("/ignore")]
async fn ignore() -> &'static str {
    "never mind"
}

#[post("/reject")]
async fn reject(_body: web::Payload) -> HttpResponse {
    HttpResponse::PayloadTooLarge().body("too large")
}
