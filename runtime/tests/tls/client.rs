//! A client over TLS: one that reads whole answers, and one whose bytes a test can hold back.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
};

use lastcall::Address;
use rustls::{ClientConfig, ClientConnection, pki_types::ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{common::tcp, pki::NAME};

pub(crate) type Connection = TlsStream<tokio::net::TcpStream>;

pub(crate) fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).unwrap()
}

pub(crate) async fn connect(address: impl Into<Address>, config: &Arc<ClientConfig>) -> Connection {
    try_connect(address, config).await.unwrap()
}

pub(crate) async fn try_connect(
    address: impl Into<Address>,
    config: &Arc<ClientConfig>,
) -> std::io::Result<Connection> {
    let socket = tokio::net::TcpStream::connect(tcp(address.into())).await?;
    TlsConnector::from(Arc::clone(config))
        .connect(name(), socket)
        .await
}

/// Asks, and reads to the end of the body, which is `Hello`.
pub(crate) async fn ask(connection: &mut Connection, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    answer(connection).await
}

pub(crate) async fn answer(connection: &mut Connection) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"Hello") {
        let read = connection.read_buf(&mut answer).await.unwrap();
        assert!(read > 0, "{:?}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8(answer).unwrap()
}

/// Everything until the end, which must begin with `close_notify`: without one this is an error.
pub(crate) async fn read_to_the_end(connection: &mut Connection) -> String {
    let mut rest = Vec::new();
    connection
        .read_to_end(&mut rest)
        .await
        .expect("close_notify before the FIN");
    String::from_utf8(rest).unwrap()
}

/// A client that blocks, and that sends records when it is told to.
pub(crate) struct ByHand {
    pub(crate) tls: ClientConnection,
    pub(crate) socket: TcpStream,
}

impl ByHand {
    pub(crate) fn connect(address: impl Into<Address>, config: &Arc<ClientConfig>) -> Self {
        Self {
            tls: ClientConnection::new(Arc::clone(config), name()).unwrap(),
            socket: TcpStream::connect(tcp(address.into())).unwrap(),
        }
    }

    /// What it would send now.
    pub(crate) fn records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut records).unwrap();
        }
        records
    }

    /// Receives until its handshake has come so far that only its own last words are unsent.
    pub(crate) fn receive_handshake(&mut self) {
        while self.tls.is_handshaking() {
            assert!(self.tls.read_tls(&mut self.socket).unwrap() > 0);
            self.tls.process_new_packets().unwrap();
        }
    }

    pub(crate) fn handshake(&mut self) {
        let hello = self.records();
        self.socket.write_all(&hello).unwrap();
        self.receive_handshake();
        let finished = self.records();
        self.socket.write_all(&finished).unwrap();
    }

    /// The records of a request.
    pub(crate) fn request(&mut self, request: &str) -> Vec<u8> {
        self.tls.writer().write_all(request.as_bytes()).unwrap();
        self.records()
    }

    /// Everything until the end, which must begin with `close_notify`.
    pub(crate) fn read_to_the_end(mut self) -> String {
        let mut answer = String::new();
        let mut stream = rustls::Stream::new(&mut self.tls, &mut self.socket);
        stream
            .read_to_string(&mut answer)
            .expect("close_notify before the FIN");
        answer
    }
}
