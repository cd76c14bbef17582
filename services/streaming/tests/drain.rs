//! What streams say last when the process drains.

use actix_web::App;
use awc::Client;
use futures_util::StreamExt as _;
use lastcall::{Settings, test::TestService};

async fn streaming() -> TestService {
    let app = |settings: &streaming::Settings| App::new().configure(streaming::routes(settings));
    lastcall::service!()
        .test(Settings::new(streaming::Settings::default()), app)
        .await
}

#[actix_web::test]
async fn an_event_stream_ends_between_two_events_and_says_when_to_come_back() {
    let service = streaming().await;
    let get = Client::default().get(service.url("/events")).send();
    let mut events = get.await.expect("an answer");
    let first = events.next().await.expect("an event").expect("no failure");
    assert!(first.starts_with(b"id: "));
    let report = service.drain().await;
    assert_eq!((report.streams_told, report.exit), (1, Some(0)));
    let mut text = Vec::new();
    while let Some(chunk) = events.next().await {
        text.extend_from_slice(&chunk.expect("no failure"));
    }
    let text = String::from_utf8(text).expect("text");
    assert!(text.ends_with("retry: 100\n\n"), "{text}");
}

#[actix_web::test]
async fn a_web_socket_is_closed_by_going_away() {
    let service = streaming().await;
    let socket = Client::default().ws(service.url("/ws")).connect();
    let (_, mut socket) = socket.await.expect("a WebSocket");
    service.handle().drain();
    let close = loop {
        match socket.next().await.expect("a frame").expect("no failure") {
            awc::ws::Frame::Close(reason) => break reason.expect("a reason"),
            _ => continue,
        }
    };
    assert_eq!(close.code, awc::ws::CloseCode::Away);
    drop(socket);
    assert_eq!(service.drain().await.streams_told, 1);
}
