//! A service in a program that has an event loop, and a `main`, of its own.

mod common;

use std::{
    future::{Ready, ready},
    net::SocketAddr,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use actix_web::{
    App, HttpRequest, HttpResponse,
    dev::{Service, ServiceRequest, Transform},
    rt, web,
};
use common::{body, get, quick, status, tcp};
use lastcall::Cause;

#[actix_web::test]
async fn a_service_tells_its_addresses_serves_and_reports_its_drain() {
    let bound = lastcall::service!().bind(quick()).await.unwrap();
    let (http, admin) = (tcp(bound.http_address()), bound.admin_address());
    assert_eq!(status(&get(admin, "/livez").await), 200);
    assert_eq!(status(&get(admin, "/readyz").await), 503, "not ready");
    assert!(
        std::net::TcpStream::connect(http).is_err(),
        "nobody can connect yet"
    );
    let app = |(): &()| App::new().route("/", web::get().to(async || "Hello"));
    let serving = bound.serve(app).await.unwrap();
    assert_eq!(status(&get(admin, "/readyz").await), 200);
    assert_eq!(body(&get(http, "/").await), "Hello");
    serving.handle().drain();
    let report = serving.await.unwrap();
    assert_eq!((report.cause, report.exit), (Some(Cause::Program), Some(0)));
    assert!(std::net::TcpStream::connect(http).is_err());
    assert!(std::net::TcpStream::connect(admin).is_err());
}

#[tokio::test]
async fn any_event_loop_will_do_and_two_services_drain_apart() {
    let app = |text: &'static str| {
        move |(): &()| App::new().route("/", web::get().to(move || async move { text }))
    };
    let one = lastcall::service!().bind(quick()).await.unwrap();
    let two = lastcall::service!().bind(quick()).await.unwrap();
    let one = one.serve(app("one")).await.unwrap();
    let two = two.serve(app("two")).await.unwrap();
    assert_eq!(body(&get(one.http_address(), "/").await), "one");
    one.handle().drain();
    let second = two.http_address();
    assert_eq!(one.await.unwrap().exit, Some(0));
    assert_eq!(body(&get(second, "/").await), "two");
    two.handle().drain_now();
    assert_eq!(two.await.unwrap().cause, Some(Cause::Sigint));
}

#[actix_web::test]
async fn further_public_addresses_serve_the_same_application_and_are_fenced_with_the_first() {
    let mut bound = lastcall::service!().bind(quick()).await.unwrap();
    let second = bound.listen("127.0.0.1:0".parse().unwrap()).unwrap();
    let app = |(): &()| App::new().route("/", web::get().to(async || "Hello"));
    let serving = bound.serve(app).await.unwrap();
    for address in [serving.http_address(), second.into()] {
        assert_eq!(body(&get(address, "/").await), "Hello");
    }
    serving.handle().drain();
    assert_eq!(serving.await.unwrap().exit, Some(0));
    assert!(std::net::TcpStream::connect(second).is_err());
}

#[actix_web::test]
async fn all_addresses_of_both_versions_go_together_in_any_order() {
    for (first, second) in [("[::]", "0.0.0.0"), ("0.0.0.0", "[::]")] {
        let settings = quick().set("http.address", format!("{first}:0"));
        let mut bound = lastcall::service!().bind(settings).await.unwrap();
        let port = tcp(bound.http_address()).port();
        let second = format!("{second}:{port}").parse().unwrap();
        assert_eq!(bound.listen(second).unwrap(), second);
        let app = |(): &()| App::new().route("/", web::get().to(async || "Hello"));
        let serving = bound.serve(app).await.unwrap();
        for address in [format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
            assert_eq!(
                body(&get(address.parse::<SocketAddr>().unwrap(), "/").await),
                "Hello"
            );
        }
        serving.handle().drain();
        assert_eq!(serving.await.unwrap().exit, Some(0));
    }
}

#[actix_web::test]
async fn a_further_address_that_cannot_be_taken_is_named_as_the_program_gave_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let mut bound = lastcall::service!().bind(quick()).await.unwrap();
    let refused = match bound.listen(address) {
        Err(error) => error,
        Ok(_) => bound.serve(|_: &()| App::new()).await.unwrap_err(),
    };
    let line = format!("the address given to `listen` = \"{address}\": cannot listen there: ");
    assert!(refused.to_string().starts_with(&line), "{refused}");
    assert_eq!(refused.exit_code(), ExitCode::from(71));
}

/// A middleware that refuses to start, as one whose configuration makes no sense.
struct Refuses;

impl<S: Service<ServiceRequest>> Transform<S, ServiceRequest> for Refuses {
    type Response = S::Response;
    type Error = S::Error;
    type Transform = S;
    type InitError = ();
    type Future = Ready<Result<S, ()>>;

    fn new_transform(&self, _: S) -> Self::Future {
        ready(Err(()))
    }
}

#[actix_web::test]
async fn an_application_that_refuses_to_start_is_no_bug() {
    let bound = lastcall::service!().bind(quick()).await.unwrap();
    let error = bound.serve(|_: &()| App::new().wrap(Refuses)).await;
    let error = error.unwrap_err();
    assert!(error.to_string().contains("refused to start"), "{error}");
    assert_eq!(error.exit_code(), ExitCode::from(69));
}

#[actix_web::test]
async fn what_stands_in_the_way_is_an_error_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let settings = quick().set("http.address", address.as_str());
    let error = lastcall::service!().bind(settings).await.unwrap_err();
    let told = format!("http.address = \"{address}\": cannot listen there: Address already in use");
    assert!(error.to_string().starts_with(&told), "{error}");
    let error = lastcall::service!()
        .bind(quick().set("drain.mni", "1s"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().starts_with("unknown setting drain.mni"),
        "{error}"
    );
    let failing = lastcall::service!()
        .start(async |(): &()| -> anyhow::Result<()> { anyhow::bail!("no database") });
    let bound = failing.bind(quick()).await;
    let error = match bound {
        Ok(bound) => bound
            .serve(|(): &(), (): &()| App::new())
            .await
            .unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.to_string(), "the start hook failed: no database");
}

/// Counts how many there are.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[actix_web::test]
async fn workers_end_and_drop_what_they_hold_before_the_report_is_given() {
    let count = Arc::<AtomicUsize>::default();
    let held = Arc::clone(&count);
    let settings = quick().set("http.workers", 3);
    let bound = lastcall::service!().bind(settings).await.unwrap();
    let app = move |(): &()| App::new().app_data(web::Data::new(Counted::new(&held)));
    let serving = bound.serve(app).await.unwrap();
    assert_eq!(count.load(SeqCst), 3);
    serving.handle().drain();
    serving.await.unwrap();
    assert_eq!(count.load(SeqCst), 0);
}

#[actix_web::test]
async fn all_workers_belong_to_the_programs_own_system() {
    let system = rt::System::current().id();
    let bound = lastcall::service!().bind(quick()).await.unwrap();
    let app = |(): &()| {
        let id = async || rt::System::current().id().to_string();
        App::new().route("/", web::get().to(id))
    };
    let serving = bound.serve(app).await.unwrap();
    let seen = get(serving.http_address(), "/").await;
    assert_eq!(body(&seen), system.to_string());
    serving.handle().drain();
    serving.await.unwrap();
}

#[actix_web::test]
async fn an_application_sees_the_address_that_it_is_served_at() {
    let bound = lastcall::service!().bind(quick()).await.unwrap();
    let app = |(): &()| {
        let shown = async |request: HttpRequest| {
            let config = request.app_config();
            HttpResponse::Ok().body(format!("{} {}", config.host(), config.local_addr()))
        };
        App::new().route("/", web::get().to(shown))
    };
    let serving = bound.serve(app).await.unwrap();
    let address = tcp(serving.http_address());
    assert_eq!(
        body(&get(address, "/").await),
        format!("{address} {address}")
    );
    serving.handle().drain();
    serving.await.unwrap();
}

#[actix_web::test]
async fn threads_for_what_blocks_are_shared_out_among_the_workers() {
    let settings = quick().set("http.blocking_threads", 1);
    let bound = lastcall::service!().bind(settings).await.unwrap();
    let app = |(): &()| {
        let block = async || {
            let sleep = || std::thread::sleep(Duration::from_millis(100));
            web::block(sleep).await.map(|()| "done").unwrap()
        };
        App::new().route("/", web::get().to(block))
    };
    let serving = bound.serve(app).await.unwrap();
    let address = tcp(serving.http_address());
    let began = std::time::Instant::now();
    futures_util::future::join(get(address, "/"), get(address, "/")).await;
    assert!(
        began.elapsed() >= Duration::from_millis(200),
        "one after the other"
    );
    serving.handle().drain();
    serving.await.unwrap();
}

#[actix_web::test]
async fn the_one_call_says_so_if_it_is_made_within_an_event_loop() {
    let code = lastcall::service!().run(|(): &()| App::new());
    assert_eq!(code, std::process::ExitCode::from(70));
}

#[actix_web::test]
async fn a_service_that_cannot_start_leaves_no_thread_behind() {
    let count = Arc::<AtomicUsize>::default();
    let held = Arc::clone(&count);
    let service = lastcall::service!().start(async move |(): &()| -> anyhow::Result<()> {
        let held = Counted::new(&held);
        rt::spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        anyhow::bail!("no database")
    });
    match service.bind(quick()).await {
        Ok(bound) => {
            let served = bound.serve(|(): &(), (): &()| App::new()).await;
            assert!(served.is_err());
        }
        Err(error) => assert!(error.to_string().contains("no database")),
    }
    let dropped = async {
        while count.load(SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let dropped = tokio::time::timeout(Duration::from_secs(5), dropped).await;
    assert!(dropped.is_ok(), "what the hook has spawned still lives");
}
