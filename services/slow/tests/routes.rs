//! What `slow` answers, and after how long: the clock is tokio's, paused, so no test waits.

use std::time::Duration;

use actix_web::App;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use slow::Settings;
use tokio::time::Instant;

/// Status, body, and how long the answer took.
async fn call(settings: &Settings, request: TestRequest) -> (StatusCode, String, Duration) {
    let app = init_service(App::new().configure(slow::routes(settings))).await;
    let start = Instant::now();
    let response = call_service(&app, request.to_request()).await;
    let (status, took) = (response.status(), start.elapsed());
    (
        status,
        String::from_utf8_lossy(&read_body(response).await).into_owned(),
        took,
    )
}

async fn get(path: &str) -> (StatusCode, String, Duration) {
    call(&Settings::default(), TestRequest::with_uri(path)).await
}

async fn upload(body: Vec<u8>) -> serde_json::Value {
    let request = TestRequest::post().uri("/upload").set_payload(body);
    let (status, body, _) = call(&Settings::default(), request).await;
    assert_eq!(status, StatusCode::OK);
    serde_json::from_str(&body).expect("the answer is JSON")
}

/// Whether `took` is `ms` as exactly as the timer counts: in whole milliseconds, rounded up.
fn is_about(took: Duration, ms: u128) -> bool {
    (ms..=ms + 1).contains(&took.as_millis())
}

#[tokio::test(start_paused = true)]
async fn answers_after_its_delay() {
    let (status, body, took) = get("/").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "waited 1000 ms"));
    assert!(is_about(took, 1000), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn answers_after_the_delay_that_is_set() {
    let settings = Settings {
        delay: Duration::from_millis(70),
        ..Settings::default()
    };
    let (_, body, took) = call(&settings, TestRequest::with_uri("/")).await;
    assert_eq!(body, "waited 70 ms");
    assert!(is_about(took, 70), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_may_ask_for_a_delay_up_to_the_limit() {
    for ms in [0, 250, 30_000] {
        let (status, body, took) = get(&format!("/?ms={ms}")).await;
        assert_eq!((status, body), (StatusCode::OK, format!("waited {ms} ms")));
        assert!(is_about(took, ms), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_delay_is_refused_at_once_and_named() {
    for ms in ["30001", "18446744073709551616", "soon", "-1", "1.5", ""] {
        let (status, body, took) = get(&format!("/?ms={ms}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        let said = format!("ms = {ms:?}: must be a whole number of milliseconds, 0 to 30000");
        assert_eq!(body, said);
        assert_eq!(took, Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_counted_and_checked() {
    let received = upload(b"123456789".to_vec()).await;
    assert_eq!(
        received,
        serde_json::json!({ "bytes": 9, "crc32": "cbf43926" })
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_upload_is_an_upload() {
    let received = upload(Vec::new()).await;
    assert_eq!(
        received,
        serde_json::json!({ "bytes": 0, "crc32": "00000000" })
    );
}

#[tokio::test(start_paused = true)]
async fn an_upload_may_be_longer_than_a_buffered_body() {
    // actix buffers no body beyond 2 MiB.
    let received = upload(vec![7; 3 << 20]).await;
    assert_eq!(received["bytes"], 3 << 20);
}
