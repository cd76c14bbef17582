//! A client that sees bytes, for services that a test starts.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Everything that comes back for one request, on a connection of its own.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let answer = exchange_bytes(address, request.as_bytes()).await;
    String::from_utf8(answer).expect("text")
}

/// The same, where the answer may be no text.
pub(crate) async fn exchange_bytes(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.expect("a connection");
    socket.write_all(request).await.expect("a request");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("an answer");
    answer
}

/// [`exchange`] for a GET whose connection ends with it.
pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    exchange(address, &request).await
}

/// The status of an answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer[9..12].parse().expect("a status")
}

/// The body of an answer that is not chunked.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("a head").1
}

/// Settings for [`lastcall::Service::bind`] that need no waiting, on free ports.
pub(crate) fn quick() -> lastcall::Settings<()> {
    let settings = lastcall::Settings::new(())
        .set("http.address", "127.0.0.1:0")
        .set("admin.address", "127.0.0.1:0")
        .set("http.workers", 1);
    ["min", "quiet", "max", "jitter", "patience"]
        .into_iter()
        .fold(settings, |settings, key| {
            settings.set(&format!("drain.{key}"), "0s")
        })
}
