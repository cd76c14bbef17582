//! The routes of this peer and of tonic's, whose server takes axum's router, too.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Query, Request},
    http::StatusCode,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{get, post},
};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use tokio::time::sleep;
use tokio_stream::wrappers::IntervalStream;

pub(crate) fn router() -> Router {
    Router::new()
        .route("/", get(async || "Hello, world!"))
        .route("/slow", get(slow))
        .route("/download", get(download))
        .route("/upload", post(upload))
        .route("/events", get(events))
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
