use std::net::{Ipv4Addr, SocketAddr};

use http::{Response, StatusCode};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::Http2;

/// A server by the `h2` crate, which shares no code with ours: it answers each request with this
/// status, and hands on the path that it has read.
async fn server(status: StatusCode) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (paths, read) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let _nobody_reads = paths.send(request.uri().path().to_owned());
            let response = Response::builder().status(status).body(()).unwrap();
            respond.send_response(response, true).unwrap();
        }
    });
    (address, read)
}

#[tokio::test]
async fn a_201_is_a_success() {
    let (address, _) = server(StatusCode::CREATED).await;
    let mut connection = Http2::connect(address).await.unwrap();
    connection.exchange("/").await.unwrap();
}

#[tokio::test]
async fn a_404_is_none() {
    let (address, _) = server(StatusCode::NOT_FOUND).await;
    let mut connection = Http2::connect(address).await.unwrap();
    connection.exchange("/").await.unwrap_err();
}

#[tokio::test]
async fn a_path_of_200_bytes_arrives_whole() {
    let (address, mut read) = server(StatusCode::OK).await;
    let mut connection = Http2::connect(address).await.unwrap();
    let path = format!("/{}", "p".repeat(199));
    connection.exchange(&path).await.unwrap();
    assert_eq!(read.recv().await, Some(path));
}
