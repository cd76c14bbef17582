//! What `hello` answers.

use actix_web::App;
use actix_web::http::{StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use hello::Settings;

/// Status, content type and body of `GET path`.
async fn get(settings: &Settings, path: &str) -> (StatusCode, String, String) {
    let app = init_service(App::new().configure(hello::routes(settings))).await;
    let response = call_service(&app, TestRequest::with_uri(path).to_request()).await;
    let content_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .map_or("", |value| {
            value.to_str().expect("the content type is text")
        });
    let head = (response.status(), content_type.to_owned());
    let body = String::from_utf8_lossy(&read_body(response).await).into_owned();
    (head.0, head.1, body)
}

#[actix_web::test]
async fn greets_the_world_by_default() {
    let (status, _, body) = get(&Settings::default(), "/").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "Hello, world!"));
}

#[actix_web::test]
async fn greets_as_it_is_set() {
    let settings = Settings {
        greeting: "Grüezi".to_owned(),
    };
    assert_eq!(get(&settings, "/").await.2, "Grüezi");
}

#[actix_web::test]
async fn greets_by_name() {
    assert_eq!(
        get(&Settings::default(), "/hello/Ada%20L.").await.2,
        "Hello, Ada L.!"
    );
}

#[actix_web::test]
async fn greets_by_the_name_in_a_body() {
    let app = init_service(App::new().configure(hello::routes(&Settings::default()))).await;
    let request = TestRequest::post().uri("/").set_payload("Ada");
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(read_body(response).await, "Hello, Ada!");
}

#[actix_web::test]
async fn markup_in_a_name_stays_text() {
    let (status, content_type, body) =
        get(&Settings::default(), "/hello/%3Cscript%3Ealert(1)").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(content_type, "text/plain; charset=utf-8");
    assert_eq!(body, "Hello, <script>alert(1)!");
}

#[actix_web::test]
async fn an_unknown_path_is_not_found() {
    assert_eq!(
        get(&Settings::default(), "/helo").await.0,
        StatusCode::NOT_FOUND
    );
}
