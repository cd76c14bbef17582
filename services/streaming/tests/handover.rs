//! A client follows `/events` from one replica to the next, by the real clock, as fast as events
//! come.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use streaming::Settings;
use streaming::ticks::Clock;

/// What a replica sends to a client that resumes after `last`, until it has sent `count` events.
/// Each replica reads the time for itself, and again for each client.
async fn visit(interval: Duration, last: Option<u64>, count: usize) -> Vec<u64> {
    let settings = Settings {
        interval,
        ..Settings::default()
    };
    let replica = init_service(App::new().configure(streaming::routes(&settings))).await;
    let mut request = TestRequest::with_uri("/events");
    if let Some(last) = last {
        request = request.insert_header(("last-event-id", last.to_string()));
    }
    let response = call_service(&replica, request.to_request()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = pin!(response.into_body());
    let mut ids: Vec<u64> = Vec::new();
    while ids.len() < count {
        let chunk = poll_fn(|cx| body.as_mut().poll_next(cx)).await;
        let Some(Ok(chunk)) = chunk else {
            panic!("a stream that is not told goes on")
        };
        let text = String::from_utf8_lossy(&chunk).into_owned();
        let sent = text.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.extend(sent.map(|id| id.parse::<u64>().expect("an id is a number")));
    }
    ids
}

/// The ids in order, each once, and none left out.
fn is_whole(ids: &[u64]) -> bool {
    ids.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

#[actix_web::test]
async fn a_client_with_its_last_id_gets_every_event_once_and_in_order() {
    for interval in [1, 5, 7, 10].map(Duration::from_millis) {
        let mut ids = visit(interval, None, 5).await;
        for replica in 0..12 {
            // It is away for none to several events.
            tokio::time::sleep(interval * (replica % 4)).await;
            let last = ids.last().copied();
            ids.extend(visit(interval, last, 5).await);
        }
        assert!(ids.len() >= 65 && is_whole(&ids), "{interval:?}: {ids:?}");
    }
}

/// The control: this is what the test above would see.
#[actix_web::test]
async fn a_client_without_its_last_id_misses_what_comes_meanwhile() {
    let interval = Duration::from_millis(5);
    let mut ids = visit(interval, None, 5).await;
    let last = *ids.last().expect("some were sent");
    while Clock::read(interval).latest() <= last + 1 {
        tokio::time::sleep(interval).await;
    }
    ids.extend(visit(interval, None, 5).await);
    assert!(!is_whole(&ids), "{ids:?}");
}
