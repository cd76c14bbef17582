//! How long handlers may take.

mod common;

use std::{
    convert::Infallible,
    future::pending,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use actix_web::{App, HttpResponse, web};
use common::{body, get, status};
use futures_util::{StreamExt as _, stream};
use lastcall::{Drain, RequestTimeout, Settings, test::TestService};
use tokio::{net::TcpStream, time::sleep};

const LIMIT: Duration = Duration::from_millis(200);

/// Counts itself when it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn first_then_nothing() -> HttpResponse {
    let first = stream::once(async { Ok::<_, Infallible>(web::Bytes::from("first")) });
    HttpResponse::Ok().streaming(first.chain(stream::pending()))
}

/// A service with a limit of [`LIMIT`], and how many handlers of `/stuck` were dropped.
async fn service() -> (TestService, Arc<AtomicUsize>) {
    let dropped = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&dropped);
    let settings = Settings::new(()).set("http.request_timeout", "200ms");
    let service = lastcall::service!().test(settings, move |()| {
        let count = Arc::clone(&count);
        let stuck = move || {
            let held = Dropped(Arc::clone(&count));
            async move {
                let _held = held;
                pending::<HttpResponse>().await
            }
        };
        let late = async || {
            sleep(2 * LIMIT).await;
            "late"
        };
        App::new()
            .route("/stuck", web::get().to(stuck))
            .route("/late", web::get().to(late))
            .route("/begun", web::get().to(async || first_then_nothing()))
            .route(
                "/told",
                web::get().to(async |_: Drain| first_then_nothing()),
            )
            .service(
                web::scope("/slow")
                    .wrap(RequestTimeout::new(Duration::from_secs(60)))
                    .route("/late", web::get().to(late))
                    .service(
                        web::resource("/stuck")
                            .wrap(RequestTimeout::new(LIMIT))
                            .get(async || pending::<HttpResponse>().await),
                    )
                    .service(
                        web::resource("/told")
                            .wrap(RequestTimeout::new(LIMIT))
                            .get(async |_: Drain| first_then_nothing()),
                    ),
            )
    });
    (service.await, dropped)
}

#[actix_web::test]
async fn a_handler_that_takes_too_long_is_dropped_and_answered_for_by_504() {
    let (service, dropped) = service().await;
    let answer = get(service.address(), "/stuck").await;
    assert_eq!(
        (status(&answer), body(&answer)),
        (504, "the handler took too long\n")
    );
    assert_eq!(dropped.load(SeqCst), 1);
    let metrics = get(service.admin_address(), "/metrics").await;
    let counted = r#"http_route="/stuck",http_response_status_code="504"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    assert_eq!(service.drain().await.exit, Some(0));
}

#[actix_web::test]
async fn a_connection_is_kept_behind_a_504() {
    let (service, _) = service().await;
    let twice = "GET /stuck HTTP/1.1\r\nHost: a\r\n\r\n".to_owned()
        + "GET /slow/late HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = common::exchange(service.address(), &twice).await;
    assert!(
        answers.starts_with("HTTP/1.1 504") && answers.ends_with("late"),
        "{answers}"
    );
}

#[actix_web::test]
async fn a_route_has_its_own_limit_and_the_innermost_counts() {
    let (service, _) = service().await;
    assert_eq!(status(&get(service.address(), "/late").await), 504);
    assert_eq!(body(&get(service.address(), "/slow/late").await), "late");
    assert_eq!(status(&get(service.address(), "/slow/stuck").await), 504);
}

#[actix_web::test]
async fn a_response_that_has_begun_ends_without_an_end() {
    let (service, _) = service().await;
    for path in ["/begun", "/slow/told"] {
        let answer = get(service.address(), path).await;
        assert!(answer.ends_with("\r\n5\r\nfirst\r\n"), "{answer}");
    }
    assert_eq!(service.drain().await.exit, Some(0), "and holds no drain");
}

#[actix_web::test]
async fn a_response_that_its_handler_ends_itself_has_only_its_routes_limit() {
    let (service, _) = service().await;
    let told = tokio::time::timeout(4 * LIMIT, get(service.address(), "/told")).await;
    assert!(told.is_err(), "it goes on: {told:?}");
}

async fn h2(address: SocketAddr) -> h2::client::SendRequest<web::Bytes> {
    let socket = TcpStream::connect(address).await.expect("a connection");
    let (client, connection) = h2::client::handshake(socket).await.expect("a handshake");
    actix_web::rt::spawn(async { connection.await.unwrap_or_default() });
    client.ready().await.expect("a client")
}

#[actix_web::test]
async fn over_http_2_a_stream_is_answered_or_ended_and_the_others_go_on() {
    let (service, dropped) = service().await;
    let mut client = h2(service.address()).await;
    let mut ask = |path: &str| {
        let uri = format!("http://a{path}");
        let request = http::Request::get(uri).body(()).unwrap();
        client.send_request(request, true).unwrap().0
    };
    let (stuck, begun, late) = (ask("/stuck"), ask("/begun"), ask("/slow/late"));
    assert_eq!(stuck.await.unwrap().status(), 504);
    assert_eq!(dropped.load(SeqCst), 1);
    let mut begun = begun.await.unwrap().into_body();
    assert_eq!(begun.data().await.unwrap().unwrap(), "first");
    let end = begun.data().await.unwrap().unwrap_err();
    assert_eq!(end.reason(), Some(h2::Reason::INTERNAL_ERROR));
    let late = late.await.unwrap();
    assert_eq!(late.status(), 200);
}
