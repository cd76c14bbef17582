//! What `hello` answers: the whole service, on a free port, as it runs in a cluster.

use actix_web::App;
use awc::{Client, ClientRequest};
use hello::Settings;
use lastcall::test::TestService;

async fn hello(settings: Settings) -> TestService {
    let app = |settings: &Settings| App::new().configure(hello::routes(settings));
    let settings = lastcall::Settings::new(settings);
    lastcall::service!().test(settings, app).await
}

/// Status, content type and body of the answer.
async fn send(request: ClientRequest) -> (u16, String, String) {
    let mut answer = request.send().await.expect("an answer");
    let content_type = answer.headers().get("content-type");
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into());
    let body = answer.body().await.expect("a body");
    let body = String::from_utf8_lossy(&body).into();
    (
        answer.status().as_u16(),
        content_type.unwrap_or_default(),
        body,
    )
}

#[actix_web::test]
async fn greets_the_world_by_default() {
    let service = hello(Settings::default()).await;
    let (status, _, body) = send(Client::default().get(service.url("/"))).await;
    assert_eq!((status, body.as_str()), (200, "Hello, world!"));
    assert_eq!(service.drain().await.exit, Some(0), "nothing was cut");
}

#[actix_web::test]
async fn greets_as_it_is_set() {
    let greeting = "Grüezi".to_owned();
    let service = hello(Settings { greeting }).await;
    assert_eq!(
        send(Client::default().get(service.url("/"))).await.2,
        "Grüezi"
    );
}

#[actix_web::test]
async fn greets_by_name() {
    let service = hello(Settings::default()).await;
    let (.., body) = send(Client::default().get(service.url("/hello/Ada%20L."))).await;
    assert_eq!(body, "Hello, Ada L.!");
    let post = Client::default().post(service.url("/"));
    let mut answer = post.send_body("Ada").await.expect("an answer");
    assert_eq!(answer.body().await.expect("a body"), "Hello, Ada!");
}

#[actix_web::test]
async fn markup_in_a_name_stays_text() {
    let service = hello(Settings::default()).await;
    let get = Client::default().get(service.url("/hello/%3Cscript%3Ealert(1)"));
    let expected = (200, "text/plain; charset=utf-8", "Hello, <script>alert(1)!");
    let (status, content_type, body) = send(get).await;
    assert_eq!((status, content_type.as_str(), body.as_str()), expected);
}

#[actix_web::test]
async fn an_unknown_path_is_not_found() {
    let service = hello(Settings::default()).await;
    assert_eq!(
        send(Client::default().get(service.url("/helo"))).await.0,
        404
    );
}
