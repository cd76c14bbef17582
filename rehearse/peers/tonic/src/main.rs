//! tonic's transport as its documentation leaves: `Router::serve_with_shutdown` on SIGTERM and Ctrl+C.
//! It serves plain routes in place of gRPC's services, and HTTP/1.1 (`accept_http1`), too.

#[path = "../../axum/src/routes.rs"]
mod routes;

use std::env;

use tokio::signal::unix::{SignalKind, signal};
use tonic::{service::Routes, transport::Server};

#[tokio::main]
async fn main() {
    let variable = |name: &str, default: &str| env::var(name).unwrap_or(default.to_owned());
    let address = format!(
        "{}:{}",
        variable("HOST", "127.0.0.1"),
        variable("PORT", "8080")
    );
    Server::builder()
        .accept_http1(true)
        .add_routes(Routes::from(routes::router()))
        .serve_with_shutdown(address.parse().expect("an address"), shutdown_signal())
        .await
        .expect("the address is free");
}

async fn shutdown_signal() {
    let mut terminate = signal(SignalKind::terminate()).expect("failed to install SIGTERM handler");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
