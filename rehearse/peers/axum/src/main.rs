//! axum as its documentation leaves: `axum::serve(…).with_graceful_shutdown(…)` on SIGTERM and
//! Ctrl+C, and a timeout layer, "so requests don't hang forever" (axum's example
//! `graceful-shutdown`).

mod routes;

use std::{env, time::Duration};

use axum::{
    extract::{WebSocketUpgrade, ws::WebSocket},
    http::StatusCode,
    response::Response,
    routing::any,
};
use tokio::{net::TcpListener, signal};
use tower_http::timeout::TimeoutLayer;

/// Within the grace period of 8 s that conformance gives it.
const TIMEOUT: Duration = Duration::from_secs(6);

#[tokio::main]
async fn main() {
    let app = routes::router()
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
