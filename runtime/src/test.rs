//! A whole service within a test: on free ports of 127.0.0.1, without signals or a command line, and
//! without the waiting that a cluster needs.
//!
//! ```
//! use actix_web::{App, web};
//! use lastcall::Settings;
//!
//! # actix_web::rt::System::new().block_on(async {
//! let service = lastcall::service!()
//!     .test(Settings::new(()), |_: &()| App::new().route("/", web::get().to(async || "Hello")))
//!     .await;
//! assert!(service.url("/").starts_with("http://127.0.0.1:"));
//! // ... requests, by any client ...
//! let report = service.drain().await;
//! assert_eq!(report.exit, Some(0), "nothing was cut");
//! # });
//! ```

use std::{net::SocketAddr, time::Duration};

use crate::{Error, Handle, Report, Serving, Settings};

/// What a test has no need to wait for.
const AT_ONCE: [&str; 5] = [
    "drain.min",
    "drain.quiet",
    "drain.max",
    "drain.jitter",
    "drain.patience",
];

/// How often it is looked at how many requests are being handled.
const LOOK: Duration = Duration::from_millis(1);

/// A service that serves a test. [`Service::test`](crate::Service::test) starts one; dropped without
/// [`drain`](Self::drain) it drains all the same, and nobody hears how.
///
/// ```
/// # use std::time::Duration;
/// # use actix_web::{App, rt, web};
/// # use lastcall::Settings;
/// # async fn ask(url: String) {
/// #     let address = url.strip_prefix("http://").unwrap().strip_suffix("/").unwrap().to_owned();
/// #     let mut connection = tokio::net::TcpStream::connect(address).await.unwrap();
/// #     let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
/// #     tokio::io::AsyncWriteExt::write_all(&mut connection, request).await.unwrap();
/// #     let mut answer = String::new();
/// #     tokio::io::AsyncReadExt::read_to_string(&mut connection, &mut answer).await.unwrap();
/// #     assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
/// # }
/// # rt::System::new().block_on(async {
/// // A drain in the middle of a request.
/// let slow = async || { rt::time::sleep(Duration::from_millis(50)).await; "done" };
/// let app = move |_: &()| App::new().route("/", web::get().to(slow));
/// let service = lastcall::service!().test(Settings::new(()), app).await;
/// let answered = rt::spawn(ask(service.url("/")));
/// service.until_requests(1).await;
/// let report = service.drain().await;
/// answered.await.unwrap();
/// assert_eq!(report.at_end.map(|load| load.in_flight), Some(0));
/// # });
/// ```
#[derive(Debug)]
pub struct TestService {
    serving: Serving,
}

/// These settings, on free ports, with one worker and without waiting, where they say nothing else.
pub(crate) fn for_a_test<S>(settings: Settings<S>) -> Settings<S> {
    let settings = settings
        .set_first("http.address", "127.0.0.1:0")
        .set_first("admin.address", "127.0.0.1:0")
        .set_first("http.workers", 1);
    AT_ONCE
        .into_iter()
        .fold(settings, |settings, key| settings.set_first(key, "0s"))
}

impl TestService {
    pub(crate) fn new(serving: Result<Serving, Error>) -> Self {
        match serving {
            Ok(serving) => Self { serving },
            Err(error) => panic!("the service could not be started: {error}"),
        }
    }

    /// The public address.
    ///
    /// # Panics
    /// When that is a Unix socket, as the test itself has set.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let address = self.serving.http_address();
        match address.socket_address() {
            Some(address) => address,
            None => panic!("{address} has no IP address"),
        }
    }

    /// The admin address.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.serving.admin_address()
    }

    /// The URL of a path, which begins with a slash, at the public address.
    ///
    /// # Panics
    /// As [`address`](Self::address).
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.handle().scheme, self.address())
    }

    /// The URL of a path at the admin address: `/metrics`, `/readyz`.
    #[must_use]
    pub fn admin_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.serving.admin_address())
    }

    /// What tells it to go, for a test that looks at the service while it drains.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.serving.handle()
    }

    /// Waits until so many requests are being handled, for a test that drains the service in the middle of
    /// one.
    pub async fn until_requests(&self, count: usize) {
        while self.serving.handle().requests() < count {
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Drains it, and gives the report.
    ///
    /// # Panics
    /// When the service's thread has panicked.
    pub async fn drain(self) -> Report {
        let handle = self.handle();
        handle.drain();
        match handle.report().await {
            Ok(report) => report,
            Err(error) => panic!("{error}"),
        }
    }
}

impl Drop for TestService {
    fn drop(&mut self) {
        self.handle().drain_now();
    }
}
