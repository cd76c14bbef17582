//! Connections that are told to leave when they have grown old, though the process goes on.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::time::{Duration, Instant};

use actix_web::{App, rt, web};
use common::{quick, tcp};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

const AGE: Duration = Duration::from_millis(300);

async fn serve(limited: bool) -> lastcall::Serving {
    let settings = match limited {
        true => quick().set("http.max_connection_age", "300ms"),
        false => quick(),
    };
    let app = |(): &()| App::new().route("/", web::get().to(async || "Hello"));
    let bound = lastcall::service!().bind(settings).await.unwrap();
    bound.serve(app).await.unwrap()
}

/// Asks on one connection until a response says goodbye, or for twice the age: after how long that was.
async fn told_after(serving: &lastcall::Serving) -> Option<Duration> {
    let mut socket = TcpStream::connect(tcp(serving.http_address()))
        .await
        .unwrap();
    let since = Instant::now();
    while since.elapsed() < 2 * AGE {
        socket
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"Hello") {
            assert!(
                socket.read_buf(&mut answer).await.unwrap() > 0,
                "{answer:?}"
            );
        }
        if String::from_utf8(answer)
            .unwrap()
            .contains("connection: close")
        {
            assert_eq!(socket.read(&mut [0]).await.unwrap(), 0, "and it is the end");
            return Some(since.elapsed());
        }
        sleep(Duration::from_millis(10)).await;
    }
    None
}

#[actix_web::test]
async fn a_client_of_http_1_is_told_by_a_response_and_not_before_its_time() {
    let limited = serve(true).await;
    let told = told_after(&limited).await.unwrap();
    assert!(told >= AGE.mul_f64(0.9), "{told:?}");
    limited.handle().drain_now();
    let unlimited = serve(false).await;
    assert_eq!(told_after(&unlimited).await, None);
    unlimited.handle().drain_now();
    assert_eq!(limited.await.unwrap().exit, Some(0));
    assert_eq!(unlimited.await.unwrap().exit, Some(0));
}

#[actix_web::test]
async fn a_client_of_http_2_is_told_though_it_asks_nothing() {
    let serving = serve(true).await;
    let socket = TcpStream::connect(tcp(serving.http_address()))
        .await
        .unwrap();
    let since = Instant::now();
    let (client, connection) = h2::client::handshake(socket).await.unwrap();
    let connection = rt::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = http::Request::get("http://a/").body(()).unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    // Its client ends a connection that it was told to leave, once nothing is open.
    let ended = timeout(4 * AGE, connection).await;
    ended.expect("a GOAWAY").unwrap().unwrap();
    assert!(since.elapsed() >= AGE.mul_f64(0.9));
    serving.handle().drain_now();
    assert_eq!(serving.await.unwrap().exit, Some(0));
}
