//! A client that sees bytes, for services that a test starts.

#![allow(dead_code, reason = "each test uses a part of it")]

use lastcall::Address;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

/// Everything that comes back for one request, on a connection of its own.
pub(crate) async fn exchange(address: impl Into<Address>, request: &str) -> String {
    let answer = exchange_bytes(address, request.as_bytes()).await;
    String::from_utf8(answer).expect("text")
}

/// The same, where the answer may be no text.
pub(crate) async fn exchange_bytes(address: impl Into<Address>, request: &[u8]) -> Vec<u8> {
    match address.into() {
        Address::Tcp(address) => {
            let socket = TcpStream::connect(address).await;
            answered(socket.expect("a connection"), request).await
        }
        Address::Unix(path) => {
            let socket = UnixStream::connect(path).await;
            answered(socket.expect("a connection"), request).await
        }
    }
}

async fn answered(mut socket: impl AsyncRead + AsyncWrite + Unpin, request: &[u8]) -> Vec<u8> {
    socket.write_all(request).await.expect("a request");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.expect("an answer");
    answer
}

/// [`exchange`] for a GET whose connection ends with it.
pub(crate) async fn get(address: impl Into<Address>, path: &str) -> String {
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

/// The IP address and port of a service that has them.
pub(crate) fn tcp(address: Address) -> std::net::SocketAddr {
    address.socket_address().expect("no Unix socket")
}
