//! A service at a Unix socket, and at listeners that others hold.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::{
    fs,
    os::unix::net::{UnixListener, UnixStream as StdStream},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpResponse, rt, web};
use common::{body, exchange, get, quick, status};
use futures_util::FutureExt as _;
use lastcall::{Address, Report, Serving, Settings};
use tokio::{io::AsyncReadExt as _, net::UnixStream};

/// A folder of the test's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("lastcall-unix-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("app.sock")
    }

    fn settings(&self) -> Settings<()> {
        quick().set("http.address", format!("unix:{}", self.socket().display()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a handler is told of the two ends.
async fn ends(request: HttpRequest) -> HttpResponse {
    let config = request.app_config();
    let peer = request.peer_addr().map(|peer| peer.to_string());
    HttpResponse::Ok().body(format!(
        "{:?} {:?} {} {:?}",
        peer.as_deref(),
        request.connection_info().peer_addr(),
        config.local_addr(),
        request.version(),
    ))
}

async fn serve(settings: Settings<()>) -> Serving {
    let bound = lastcall::service!().bind(settings).await.unwrap();
    let app = |(): &()| {
        App::new()
            .route("/", web::get().to(ends))
            .route("/slow", web::get().to(slow))
    };
    bound.serve(app).await.unwrap()
}

async fn slow() -> &'static str {
    rt::time::sleep(Duration::from_millis(300)).await;
    "done"
}

async fn drain(serving: Serving) -> Report {
    serving.handle().drain();
    serving.await.unwrap()
}

#[actix_web::test]
async fn both_protocols_are_served_and_clients_have_no_address() {
    let folder = Folder::new("serves");
    let serving = serve(folder.settings()).await;
    let address = serving.http_address();
    assert_eq!(address, Address::Unix(folder.socket()));
    let answer = get(address, "/").await;
    assert_eq!(body(&answer), "None None 127.0.0.1:8080 HTTP/1.1");

    let socket = UnixStream::connect(folder.socket()).await.unwrap();
    let (client, connection) = h2::client::handshake(socket).await.unwrap();
    let connection = rt::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = http::Request::get("http://a/").body(()).unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    let mut answered = response.await.unwrap().into_body();
    let answered = answered.data().await.unwrap().unwrap();
    assert_eq!(answered, "None None 127.0.0.1:8080 HTTP/2.0");

    let report = drain(serving).await;
    assert_eq!((report.exit, report.kernel_fence), (Some(0), Some(true)));
    connection.await.unwrap().unwrap();
    assert!(!folder.socket().exists());
}

#[actix_web::test]
async fn what_is_in_flight_is_finished_and_newcomers_are_refused() {
    let folder = Folder::new("drains");
    let serving = serve(folder.settings()).await;
    let handle = serving.handle();
    let asked = rt::spawn(get(serving.http_address(), "/slow"));
    while handle.requests() < 1 {
        rt::time::sleep(Duration::from_millis(1)).await;
    }
    handle.drain();
    while folder.socket().exists() {
        rt::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(StdStream::connect(folder.socket()).is_err());
    assert_eq!(body(&asked.await.unwrap()), "done");
    assert_eq!(serving.await.unwrap().exit, Some(0));
}

/// What it was sent lies in the client's own queue, and stays there.
#[actix_web::test]
async fn a_client_that_reads_late_holds_up_nobody_and_loses_nothing() {
    let folder = Folder::new("late");
    let serving = serve(folder.settings()).await;
    let mut client = UnixStream::connect(folder.socket()).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut client, request)
        .await
        .unwrap();
    client.readable().await.unwrap();
    let report = drain(serving).await;
    assert_eq!((report.exit, report.cut.len()), (Some(0), 0));
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("HTTP/1.1"), "{answer}");
}

#[actix_web::test]
async fn at_the_most_connections_a_silent_one_makes_room() {
    let folder = Folder::new("full");
    let serving = serve(folder.settings().set("http.max_connections", 1)).await;
    let _silent = UnixStream::connect(folder.socket()).await.unwrap();
    assert_eq!(status(&get(serving.http_address(), "/").await), 200);
    assert_eq!(drain(serving).await.exit, Some(0));
}

#[actix_web::test]
async fn a_successor_takes_the_path_over_and_keeps_it() {
    let folder = Folder::new("successor");
    let first = serve(folder.settings()).await;
    let second = serve(folder.settings()).await;
    assert_eq!(drain(first).await.exit, Some(0));
    assert_eq!(status(&get(second.http_address(), "/").await), 200);
    assert_eq!(drain(second).await.exit, Some(0));
    assert!(!folder.socket().exists());
}

#[actix_web::test]
async fn a_further_address_may_be_a_path() {
    let folder = Folder::new("further");
    let mut bound = lastcall::service!().bind(quick()).await.unwrap();
    bound.listen_unix(folder.socket()).unwrap();
    let error = bound.listen_unix("app.sock").unwrap_err();
    assert!(
        error.to_string().contains("must be the absolute path"),
        "{error}"
    );
    assert_eq!(error.exit_code(), ExitCode::from(70));
    let serving = bound
        .serve(|(): &()| App::new().route("/", web::get().to(ends)))
        .await
        .unwrap();
    for address in [serving.http_address(), Address::Unix(folder.socket())] {
        assert_eq!(status(&get(address, "/").await), 200);
    }
    assert_eq!(drain(serving).await.exit, Some(0));
}

#[actix_web::test]
async fn what_stands_in_the_way_of_a_path_is_named() {
    let folder = Folder::new("refused");
    fs::write(folder.socket(), "a letter").unwrap();
    let nowhere = "unix:/nowhere/app.sock".to_owned();
    let letter = format!("unix:{}", folder.socket().display());
    for (address, why) in [
        (nowhere, "its folder does not exist"),
        (
            letter,
            "there is something that is no socket, and is not replaced",
        ),
    ] {
        let settings = quick().set("http.address", address.as_str());
        let error = lastcall::service!().bind(settings).await.unwrap_err();
        let told = format!("http.address = \"{address}\": cannot listen there: {why}");
        assert_eq!(error.to_string(), told);
        assert_eq!(error.exit_code(), ExitCode::from(71));
    }
}

#[actix_web::test]
async fn what_is_no_path_for_a_socket_is_a_bad_setting() {
    for (address, allowed) in [
        (
            "unix:app.sock",
            "must be the absolute path of a file, such as",
        ),
        ("unix:@app", "abstract sockets are not served"),
    ] {
        let settings = quick().set("http.address", address);
        let error = lastcall::service!()
            .bind(settings)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(&format!("http.address = \"{address}\"")),
            "{error}"
        );
        assert!(error.contains(allowed), "{error}");
    }
}

/// The second accepts from the same queue: nobody is refused, and the holder's socket lives on.
#[actix_web::test]
async fn a_listener_that_was_given_is_left_as_it_was() {
    let folder = Folder::new("given");
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let path = UnixListener::bind(folder.socket()).unwrap();
    let bind = || {
        let service = lastcall::service!().listen_on(tcp.try_clone().unwrap());
        let service = service.listen_on(path.try_clone().unwrap());
        service.bind(quick().set("http.address", "127.0.0.1:1"))
    };
    let first = bind().await.unwrap();
    assert_eq!(first.http_address(), tcp.local_addr().unwrap().into());
    let app = |(): &()| App::new().route("/", web::get().to(ends));
    let first = first.serve(app).await.unwrap();
    let addresses = [first.http_address(), Address::Unix(folder.socket())];
    for address in addresses.clone() {
        assert_eq!(status(&get(address, "/").await), 200);
    }
    let report = drain(first).await;
    assert_eq!((report.exit, report.kernel_fence), (Some(0), None));
    let waiting = addresses.map(|address| rt::spawn(async { get(address, "/").await }));
    let second = bind().await.unwrap().serve(app).await.unwrap();
    for answer in waiting {
        assert_eq!(status(&answer.await.unwrap()), 200);
    }
    assert_eq!(drain(second).await.exit, Some(0));
    assert!(folder.socket().exists());
}

#[actix_web::test]
async fn a_newcomer_at_a_listener_that_was_given_is_no_sign_of_traffic() {
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = quick()
        .set("drain.min", "300ms")
        .set("drain.quiet", "200ms")
        .set("drain.max", "20s");
    let bound = lastcall::service!()
        .listen_on(tcp)
        .bind(settings)
        .await
        .unwrap();
    let serving = bound
        .serve(|(): &()| App::new().route("/", web::get().to(ends)))
        .await
        .unwrap();
    let address = serving.http_address();
    let handle = serving.handle();
    let crowd = rt::spawn(async move {
        handle.drain();
        while handle.report().now_or_never().is_none() {
            let asked = exchange(
                address.clone(),
                "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            );
            let _ = tokio::time::timeout(Duration::from_millis(20), asked).await;
        }
    });
    let report = serving.await.unwrap();
    crowd.abort();
    assert_eq!(
        (report.connections_after_t0, report.max_reached),
        (0, false)
    );
    assert!(
        report.lame_duck_ms.is_some_and(|lasted| lasted < 5_000),
        "{report:?}"
    );
}

#[actix_web::test]
async fn what_was_given_and_is_no_listener_is_a_bug() {
    let (one, _other) = StdStream::pair().unwrap();
    let error = lastcall::service!()
        .listen_on(one)
        .bind(quick())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the listener given to `listen_on` must be a stream socket, of TCP or Unix, that listens"
    );
    assert_eq!(error.exit_code(), ExitCode::from(70));
}
