//! hyper as its guide leaves ("Gracefully Shutdown a Server"): each connection is watched by
//! `GracefulShutdown`; on SIGTERM and Ctrl+C the listener is dropped, and its `shutdown` is awaited under
//! a timeout.

use std::{convert::Infallible, env, pin::pin, time::Duration};

use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Frame, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};

/// Within the grace period of 8 s that conformance gives it.
const TIMEOUT: Duration = Duration::from_secs(6);

type Body = UnsyncBoxBody<Bytes, Infallible>;

#[tokio::main]
async fn main() {
    let variable = |name: &str, default: &str| env::var(name).unwrap_or(default.to_owned());
    let address = format!("{}:{}", variable("HOST", "127.0.0.1"), variable("PORT", "8080"));
    let listener = TcpListener::bind(address).await.expect("the address is free");
    let server = auto::Builder::new(TokioExecutor::new());
    let graceful = GracefulShutdown::new();
    let mut terminated = pin!(shutdown_signal());
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                let connection = server.serve_connection(TokioIo::new(stream), service_fn(route));
                let watched = graceful.watch(connection.into_owned());
                tokio::spawn(async move {
                    let _broken = watched.await;
                });
            }
            () = &mut terminated => {
                drop(listener);
                break;
            }
        }
    }
    if timeout(TIMEOUT, graceful.shutdown()).await.is_err() {
        eprintln!("timed out wait for all connections to close");
    }
}

async fn shutdown_signal() {
    let mut terminate = signal(SignalKind::terminate()).expect("failed to install SIGTERM handler");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

fn text(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(text.into()).boxed_unsync())
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = text("");
    *response.status_mut() = status;
    response
}

fn number(request: &Request<Incoming>, name: &str) -> Option<u64> {
    let mut pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name)?.1.parse().ok()
}

async fn route(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    Ok(match request.uri().path() {
        "/" if get => text("Hello, world!"),
        "/slow" if get => slow(&request).await,
        "/download" if get => download(&request),
        "/events" if get => events(),
        "/upload" if request.method() == Method::POST => upload(request).await,
        _ => status(StatusCode::NOT_FOUND),
    })
}

async fn slow(request: &Request<Incoming>) -> Response<Body> {
    let Some(ms) = number(request, "ms") else {
        return status(StatusCode::BAD_REQUEST);
    };
    sleep(Duration::from_millis(ms)).await;
    text(format!("waited {ms} ms\n"))
}

fn download(request: &Request<Incoming>) -> Response<Body> {
    const CHUNK: u64 = 64 * 1024;
    let Some(bytes) = number(request, "bytes") else {
        return status(StatusCode::BAD_REQUEST);
    };
    let sizes = (0..bytes).step_by(CHUNK as usize).map(move |at| (bytes - at).min(CHUNK));
    let frame = |size: u64| Ok(Frame::data(Bytes::from(vec![b'x'; size as usize])));
    Response::new(StreamBody::new(stream::iter(sizes.map(frame))).boxed_unsync())
}

fn events() -> Response<Body> {
    let ticks = stream::unfold((), |()| async {
        sleep(Duration::from_millis(100)).await;
        Some((Ok(Frame::data(Bytes::from_static(b"data: tick\n\n"))), ()))
    });
    let mut response = Response::new(StreamBody::new(ticks).boxed_unsync());
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

async fn upload(request: Request<Incoming>) -> Response<Body> {
    let mut body = request.into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes += frame.data_ref().map_or(0, Bytes::len),
            Err(_) => return status(StatusCode::BAD_REQUEST),
        }
    }
    text(format!("{bytes} bytes\n"))
}
