//! A service that speaks TLS: by real sockets, and a client that checks certificates and ends.
#![cfg(feature = "tls")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod certificates;
mod client;
#[path = "../common/mod.rs"]
mod common;
mod drain;
mod pki;

use std::{io::ErrorKind, sync::Arc};

use actix_web::{App, HttpMessage as _, HttpRequest, web};
use client::{ask, connect, read_to_the_end, try_connect};
use common::tcp;
use lastcall::{PeerCertificates, Serving, Settings};
use pki::Pki;
use rustls::HandshakeKind;
use tokio::io::AsyncWriteExt as _;

/// `quick`, by the certificate that `current` leads to.
pub(crate) fn settings(pki: &Pki) -> Settings<()> {
    let path = |name: &str| pki.path(name).to_str().unwrap().to_owned();
    common::quick()
        .set("http.tls.certificate", path("current/certificate.pem"))
        .set("http.tls.key", path("current/key.pem"))
}

pub(crate) fn pki() -> Pki {
    let pki = Pki::new();
    pki.place("first", 2999);
    pki.lead_to("first");
    pki
}

async fn hello() -> &'static str {
    "Hello"
}

/// What a handler knows of the connection, in a header.
async fn who(request: HttpRequest) -> actix_web::HttpResponse {
    let client = request.extensions().get::<PeerCertificates>().cloned();
    let shown = client.map_or(0, |client| client.chain().count());
    actix_web::HttpResponse::Ok()
        .insert_header(("scheme", request.connection_info().scheme()))
        .insert_header(("certificates", shown))
        .body("Hello")
}

pub(crate) async fn serve(settings: Settings<()>) -> Serving {
    let app = |(): &()| {
        App::new()
            .route("/", web::get().to(hello))
            .route("/who", web::get().to(who))
    };
    let bound = lastcall::service!().bind(settings).await.unwrap();
    bound.serve(app).await.unwrap()
}

#[actix_web::test]
async fn both_protocols_are_served_and_the_client_is_told_which() {
    let pki = pki();
    let serving = serve(settings(&pki)).await;
    let address = tcp(serving.http_address());
    for alpn in [&["http/1.1"][..], &[]] {
        let mut connection = connect(address, &pki.client(None, alpn)).await;
        let chosen = alpn.first().map(|name| name.as_bytes());
        assert_eq!(connection.get_ref().1.alpn_protocol(), chosen);
        let answer = ask(&mut connection, "/who").await;
        assert!(answer.contains("\r\nscheme: https\r\n"), "{answer}");
        assert!(answer.contains("\r\ncertificates: 0\r\n"), "{answer}");
    }
    let connection = connect(address, &pki.client(None, &["h2", "http/1.1"])).await;
    assert_eq!(connection.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut requests, connection) = h2::client::handshake(connection).await.unwrap();
    let connection = actix_web::rt::spawn(connection);
    let request = http::Request::get("https://service.test/who")
        .body(())
        .unwrap();
    let (response, _) = requests.send_request(request, true).unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.headers()["scheme"], "https");
    drop((requests, response));
    connection.await.unwrap().unwrap();
    let refused = try_connect(address, &pki.client(None, &["h3"])).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("NoApplicationProtocol")
    );
    serving.handle().drain_now();
    assert_eq!(serving.await.unwrap().exit, Some(0));
}

#[actix_web::test]
async fn every_end_begins_with_close_notify() {
    let pki = pki();
    let settings = settings(&pki)
        .set("http.keep_alive", "200ms")
        .set("http.head_timeout", "200ms");
    let serving = serve(settings).await;
    let (address, config) = (tcp(serving.http_address()), pki.client(None, &[]));
    for (request, answer) in [
        (
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            "HTTP/1.1 200",
        ),
        ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200"),
        ("GET / HTTP/1.1\r\nhost: a\r\n\r\n", "HTTP/1.1 200"),
        ("GET /", "HTTP/1.1 408"),
        ("broken\r\n\r\n", "HTTP/1.1 400"),
        ("", ""),
    ] {
        let mut connection = connect(address, &config).await;
        connection.write_all(request.as_bytes()).await.unwrap();
        let all = read_to_the_end(&mut connection).await;
        assert!(all.starts_with(answer), "{request:?}: {all:?}");
    }
    serving.handle().drain_now();
    assert_eq!(serving.await.unwrap().exit, Some(0));
}

#[actix_web::test]
async fn a_client_must_show_a_certificate_where_one_is_asked_for() {
    let pki = pki();
    let ca = pki.path("ca.pem").to_str().unwrap().to_owned();
    let serving = serve(settings(&pki).set("http.tls.client_ca", ca)).await;
    let address = tcp(serving.http_address());
    let known = pki.client(Some(pki.issue("a client", 2999)), &[]);
    let mut connection = connect(address, &known).await;
    let answer = ask(&mut connection, "/who").await;
    assert!(answer.contains("\r\ncertificates: 1\r\n"), "{answer}");
    let stranger = Pki::new();
    for unknown in [
        None,
        Some(stranger.issue("a client", 2999)),
        Some(pki.issue("a client", 2021)),
    ] {
        // By TLS 1.3 a client is done before it is refused.
        let mut connection = connect(address, &pki.client(unknown, &[])).await;
        let error = tokio::io::AsyncReadExt::read(&mut connection, &mut [0])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "an alert: {error}");
    }
    let metrics = common::get(serving.admin_address(), "/metrics").await;
    assert!(
        metrics.contains("lastcall_tls_handshakes_failed_total 3\n"),
        "{metrics}"
    );
    serving.handle().drain_now();
    assert_eq!(serving.await.unwrap().exit, Some(0));
}

#[actix_web::test]
async fn a_session_is_resumed_where_it_was_made_and_made_anew_by_another_replica() {
    let pki = pki();
    let (one, other) = (serve(settings(&pki)).await, serve(settings(&pki)).await);
    let config: Arc<_> = pki.client(None, &[]);
    let mut kinds = Vec::new();
    for serving in [&one, &one, &other, &other] {
        let mut connection = connect(tcp(serving.http_address()), &config).await;
        kinds.push(connection.get_ref().1.handshake_kind().unwrap());
        // With it come the tickets for the next one.
        ask(&mut connection, "/").await;
    }
    let (full, resumed) = (HandshakeKind::Full, HandshakeKind::Resumed);
    assert_eq!(kinds, [full, resumed, full, resumed]);
    for serving in [one, other] {
        serving.handle().drain_now();
        assert_eq!(serving.await.unwrap().exit, Some(0));
    }
}

#[actix_web::test]
async fn who_does_not_finish_its_handshake_is_not_waited_for() {
    let pki = pki();
    let serving = serve(settings(&pki).set("http.head_timeout", "200ms")).await;
    let mut socket = tokio::net::TcpStream::connect(tcp(serving.http_address()))
        .await
        .unwrap();
    socket.write_all(&[22, 3, 1, 2]).await.unwrap();
    let mut rest = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut rest)
        .await
        .unwrap();
    assert!(rest.is_empty());
    // Whatever is no handshake hears so at once.
    let plain =
        common::exchange_bytes(tcp(serving.http_address()), b"GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(plain.first(), Some(&21), "an alert: {plain:?}");
    let metrics = common::get(serving.admin_address(), "/metrics").await;
    assert!(
        metrics.contains("lastcall_tls_handshakes_failed_total 2\n"),
        "{metrics}"
    );
    serving.handle().drain_now();
    assert_eq!(serving.await.unwrap().exit, Some(0));
}
