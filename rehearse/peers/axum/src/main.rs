//! axum as its documentation leaves: `axum::serve(…).with_graceful_shutdown(…)` on SIGTERM and
//! Ctrl+C, and a timeout layer, "so requests don't hang forever" (axum's example
//! `graceful-shutdown`).

use std::{convert::Infallible, env, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, Request, WebSocketUpgrade, ws::WebSocket},
    http::StatusCode,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{any, get, post},
};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use tokio::{net::TcpListener, signal, time::sleep};
use tokio_stream::wrappers::IntervalStream;
use tower_http::timeout::TimeoutLayer;

/// Within the grace period of 8 s that conformance gives it.
const TIMEOUT: Duration = Duration::from_secs(6);

#[tokio::main]
async fn main() {
    let app = Router::new()
        .route("/", get(async || "Hello, world!"))
        .route("/slow", get(slow))
        .route("/download", get(download))
        .route("/upload", post(upload))
        .route("/events", get(events))
        .route("/ws", any(websocket))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            TIMEOUT,
        ));
    let variable = |name: &str, default: &str| env::var(name).unwrap_or(default.to_owned());
    let address = format!(
        "{}:{}",
        variable("HOST", "127.0.0.1"),
        variable("PORT", "8080")
    );
    let listener = TcpListener::bind(address)
        .await
        .expect("the address is free");
    axum::serve(listener, app)
        .with_graceful_shutdown(shutdown_signal())
        .await
        .expect("axum::serve never fails");
}

/// The example's, word for word but for its messages.
async fn shutdown_signal() {
    let ctrl_c = async {
        signal::ctrl_c()
            .await
            .expect("failed to install Ctrl+C handler");
    };
    let terminate = async {
        signal::unix::signal(signal::unix::SignalKind::terminate())
            .expect("failed to install signal handler")
            .recv()
            .await;
    };
    tokio::select! {
        () = ctrl_c => {},
        () = terminate => {},
    }
}

#[derive(Deserialize)]
struct Slow {
    ms: u64,
}

async fn slow(Query(Slow { ms }): Query<Slow>) -> String {
    sleep(Duration::from_millis(ms)).await;
    format!("waited {ms} ms\n")
}

#[derive(Deserialize)]
struct Download {
    bytes: usize,
}

async fn download(Query(Download { bytes }): Query<Download>) -> Body {
    let chunks = (0..bytes).step_by(64 * 1024);
    let chunk = move |at: usize| Bytes::from(vec![b'x'; (bytes - at).min(64 * 1024)]);
    Body::from_stream(stream::iter(
        chunks.map(move |at| Ok::<_, Infallible>(chunk(at))),
    ))
}

async fn upload(request: Request) -> Response {
    let mut body = request.into_body().into_data_stream();
    let mut bytes = 0;
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => bytes += chunk.len(),
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
    }
    format!("{bytes} bytes\n").into_response()
}

async fn events() -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let ticks = IntervalStream::new(tokio::time::interval(Duration::from_millis(100)));
    Sse::new(ticks.map(|_| Ok(Event::default().data("tick")))).keep_alive(KeepAlive::default())
}

async fn websocket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(echo)
}

/// Pings are answered by axum itself.
async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if socket.send(message).await.is_err() {
            return;
        }
    }
}
