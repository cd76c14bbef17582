//! What `streaming` sends over HTTP.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use actix_web::App;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use streaming::Settings;
use streaming::ticks::Clock;

/// Long, so that the present event stays the same while a test runs.
const INTERVAL: Duration = Duration::from_secs(3600);

fn present() -> u64 {
    Clock::read(INTERVAL).latest()
}

async fn call(request: TestRequest) -> ServiceResponse<impl MessageBody> {
    let settings = Settings {
        interval: INTERVAL,
        max_bytes: 1 << 20,
        ..Settings::default()
    };
    let app = init_service(App::new().configure(streaming::routes(&settings))).await;
    call_service(&app, request.to_request()).await
}

async fn refusal(request: TestRequest) -> (StatusCode, String) {
    let response = call(request).await;
    (
        response.status(),
        String::from_utf8_lossy(&read_body(response).await).into_owned(),
    )
}

/// `GET /events`, perhaps resumed.
fn events(last: Option<&str>) -> TestRequest {
    let request = TestRequest::with_uri("/events");
    match last {
        Some(last) => request.insert_header(("last-event-id", last)),
        None => request,
    }
}

/// The ids in the first chunk of the stream, which would otherwise not end.
async fn first_ids(last: Option<&str>) -> Vec<u64> {
    let response = call(events(last)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = pin!(response.into_body());
    let chunk = poll_fn(|cx| body.as_mut().poll_next(cx))
        .await
        .expect("the stream has begun");
    let Ok(chunk) = chunk else {
        panic!("the stream failed")
    };
    let chunk = String::from_utf8_lossy(&chunk).into_owned();
    let ids = chunk.lines().filter_map(|line| line.strip_prefix("id: "));
    ids.map(|id| id.parse().expect("an id is a number"))
        .collect()
}

#[actix_web::test]
async fn events_are_an_event_stream_that_no_proxy_holds_back() {
    let response = call(events(None)).await;
    assert_eq!(
        response
            .headers()
            .get("content-type")
            .expect("there is one"),
        "text/event-stream"
    );
    assert_eq!(
        response
            .headers()
            .get("cache-control")
            .expect("there is one"),
        "no-store"
    );
    assert_eq!(
        response
            .headers()
            .get("x-accel-buffering")
            .expect("there is one"),
        "no"
    );
}

/// The clock is paused: a stream that waited for the next event would send that one at once.
#[tokio::test(start_paused = true)]
async fn a_new_client_begins_with_the_present_event() {
    let before = present();
    let ids = first_ids(None).await;
    assert_eq!(ids.len(), 1);
    assert!((before..=present()).contains(&ids[0]), "{ids:?}");
}

#[actix_web::test]
async fn a_client_that_resumes_gets_at_once_all_that_it_missed() {
    let seen = present() - 300;
    let ids = first_ids(Some(&seen.to_string())).await;
    assert_eq!(ids, (seen + 1..=present()).collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_malformed_id_is_refused_and_named() {
    for id in ["soon", "", "-1", "18446744073709551616", "1000000000000"] {
        let (status, body) = refusal(events(Some(id))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{id}");
        let named = format!("Last-Event-ID = {id:?}: must be an event's id, ");
        assert!(body.starts_with(&named), "{body}");
    }
}

#[actix_web::test]
async fn a_client_that_missed_more_than_is_kept_is_told_so() {
    let (status, body) = refusal(events(Some("5"))).await;
    assert_eq!(status, StatusCode::GONE);
    assert!(
        body.starts_with("Last-Event-ID = \"5\": must be an event's id, "),
        "{body}"
    );
}

#[actix_web::test]
async fn a_download_has_its_length_and_its_pattern() {
    for length in [0, 1, 65_535, 65_536, 65_537, 300_000, 1 << 20] {
        let request = TestRequest::with_uri(&format!("/download?bytes={length}"));
        let response = call(request).await;
        let content_type = response
            .headers()
            .get("content-type")
            .expect("there is one");
        assert_eq!(content_type, "application/octet-stream");
        assert_eq!(
            response.response().body().size(),
            BodySize::Stream,
            "chunked, not counted"
        );
        let body = read_body(response).await;
        assert_eq!(body.len(), length);
        assert!(
            body.iter()
                .enumerate()
                .all(|(i, byte)| *byte == (i % 251) as u8),
            "{length}"
        );
    }
}

#[actix_web::test]
async fn a_wrong_length_is_refused_and_named() {
    for bytes in ["1048577", "all", "-1", ""] {
        let (status, body) =
            refusal(TestRequest::with_uri(&format!("/download?bytes={bytes}"))).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(
            body,
            format!("bytes = {bytes:?}: must be a whole number, 0 to 1048576")
        );
    }
    let (status, body) = refusal(TestRequest::with_uri("/download")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body, "bytes = \"\": must be a whole number, 0 to 1048576");
}

async fn upload(body: Vec<u8>) -> serde_json::Value {
    let response = call(TestRequest::post().uri("/upload").set_payload(body)).await;
    assert_eq!(response.status(), StatusCode::OK);
    serde_json::from_slice(&read_body(response).await).expect("the answer is JSON")
}

#[actix_web::test]
async fn an_upload_is_counted_and_checked() {
    for (body, crc32) in [(&b"123456789"[..], "cbf43926"), (b"", "00000000")] {
        let received = upload(body.to_vec()).await;
        let expected = serde_json::json!({ "bytes": body.len(), "crc32": crc32 });
        assert_eq!(received, expected);
    }
}

#[actix_web::test]
async fn an_upload_may_be_longer_than_a_buffered_body() {
    // actix buffers no body beyond 2 MiB.
    let received = upload(vec![7; 3 << 20]).await;
    assert_eq!(received["bytes"], 3 << 20);
}
