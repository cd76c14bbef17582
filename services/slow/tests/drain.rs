//! What becomes of a request that takes its time when the process is told to go.

use actix_web::App;
use awc::Client;
use lastcall::Settings;

#[actix_web::test]
async fn a_request_that_is_under_way_when_the_drain_begins_is_answered() {
    let app = |settings: &slow::Settings| App::new().configure(slow::routes(settings));
    let service = lastcall::service!()
        .test(Settings::new(slow::Settings::default()), app)
        .await;
    let request = Client::default().get(service.url("/?ms=300")).send();
    let begin = async {
        service.until_requests(1).await;
        service.handle().drain();
    };
    let (answer, ()) = futures_util::future::join(request, begin).await;
    let body = answer.expect("an answer").body().await.expect("a body");
    assert_eq!(body, "waited 300 ms");
    let report = service.drain().await;
    assert_eq!((report.responses_finished, report.exit), (1, Some(0)));
}
