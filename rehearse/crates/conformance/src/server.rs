//! A running process under observation: its connections, its termination, and its exit.

mod lifecycle;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

pub(super) use self::lifecycle::words;

use super::case::{Observing, Stop};
use super::connection::{Connection, Target, Unexpected};
use super::http1::get;
use super::subject::{Download, Slow, Subject};
use rehearse_model::address::PodAddress;
use rehearse_model::process::Process;
use rehearse_tls::{Connector, Protocol, Trust};
use rehearse_wire::http1::Head;

/// How long what was sent may take until the program has read it.
pub(super) const ARRIVAL: Duration = Duration::from_millis(150);

/// What a case's clients speak TLS with: their sessions are those of the case.
#[derive(Clone, Debug)]
pub(super) struct Connectors {
    http1: Connector,
    http2: Connector,
}

impl Connectors {
    pub(super) fn of(trust: &Trust) -> Self {
        Self {
            http1: trust.connector(Protocol::Http1),
            http2: trust.connector(Protocol::Http2),
        }
    }
}

/// A running process.
pub(super) struct Server<'a> {
    pub(super) subject: &'a Subject,
    pub(super) address: PodAddress,
    tls: Option<Connectors>,
    process: Process,
    /// When its termination began.
    terminated_at: Instant,
    /// When the first one of the case did.
    first_terminated_at: Arc<OnceLock<Instant>>,
    /// A preStop hook that sleeps, and the signal that is still to come.
    termination: Option<AbortOnDropHandle<()>>,
}

/// A request that is in flight.
pub(super) struct InFlight {
    pub(super) connection: Connection,
    /// What it still needs.
    rest: &'static str,
}

impl InFlight {
    /// Its response, complete.
    pub(super) async fn finish(&mut self) -> Result<Head, Unexpected> {
        if !self.rest.is_empty() {
            self.connection.send(self.rest).await?;
        }
        self.connection.success().await
    }
}

/// Connections and requests.
impl<'a> Server<'a> {
    pub(super) fn new(
        subject: &'a Subject,
        process: Process,
        address: PodAddress,
        tls: Option<Connectors>,
        first_terminated_at: Arc<OnceLock<Instant>>,
    ) -> Self {
        Self {
            subject,
            address,
            tls,
            process,
            terminated_at: Instant::now(),
            first_terminated_at,
            termination: None,
        }
    }

    /// The target of a plain request.
    pub(super) fn plain_request(&self) -> String {
        get(&self.subject.routes.plain)
    }

    pub(super) fn slow(&self) -> Result<&'a Slow, Stop> {
        let slow = self.subject.routes.slow.as_ref();
        slow.ok_or_else(|| Stop::not_applicable("--slow PATH"))
    }

    pub(super) fn download(&self) -> Result<&'a Download, Stop> {
        let download = self.subject.routes.download.as_ref();
        download.ok_or_else(|| Stop::not_applicable("--download PATH"))
    }

    pub(super) fn upload(&self) -> Result<&'a str, Stop> {
        let upload = self.subject.routes.upload.as_deref();
        upload.ok_or_else(|| Stop::not_applicable("--upload PATH"))
    }

    /// Where HTTP/1.1 is spoken.
    pub(super) fn http1(&self) -> Target {
        Target {
            address: self.address.http,
            tls: self.tls.as_ref().map(|tls| tls.http1.clone()),
        }
    }

    /// Where HTTP/2 is.
    pub(super) fn http2(&self) -> Target {
        Target {
            address: self.address.http,
            tls: self.tls.as_ref().map(|tls| tls.http2.clone()),
        }
    }

    pub(super) async fn connect(&self) -> Result<Connection, Unexpected> {
        Connection::connect(self.http1()).await
    }

    /// One of those that come again until they are refused.
    pub(super) async fn connect_while_closing(&self) -> Result<Connection, Unexpected> {
        Connection::connect_while_closing(self.http1()).await
    }

    /// A plain request on a connection of its own.
    pub(super) async fn request(&self) -> Result<Head, Unexpected> {
        self.connect().await?.exchange(&self.plain_request()).await
    }

    /// A connection that has been used, and is kept.
    pub(super) async fn idle_connection(&self) -> Result<Connection, Stop> {
        let mut connection = self.connect().await.observing("before the signal")?;
        let response = connection.exchange(&self.plain_request()).await;
        let closing = response.observing("before the signal")?.close;
        // A server of HTTP/1.0 closes without a word.
        let kept = connection
            .quiet_until(Instant::now() + ARRIVAL / 5)
            .await
            .is_ok();
        match kept && !closing {
            true => Ok(connection),
            false => Err(Stop::not_applicable("a server that keeps connections")),
        }
    }

    /// Several of these.
    pub(super) async fn idle_connections(&self, count: usize) -> Result<Vec<Connection>, Stop> {
        let idles = join_all((0..count).map(|_| self.idle_connection())).await;
        idles.into_iter().collect()
    }

    /// A request that has begun, and that the program has seen: one that takes its time if there
    /// is a route for it, else half a head.
    pub(super) async fn begin_request(&self) -> Result<InFlight, Stop> {
        let mut connection = self.connect().await.observing("before the signal")?;
        let (sent, rest) = match &self.subject.routes.slow {
            Some(slow) => (get(&slow.target()), ""),
            None => {
                let start = format!("GET {} HTTP/1.1\r\nhost: ", self.subject.routes.plain);
                (start, "conform\r\n\r\n")
            }
        };
        connection.send(sent).await.observing("before the signal")?;
        sleep(ARRIVAL).await;
        Ok(InFlight { connection, rest })
    }

    /// A request that will not be finished before the deadline.
    pub(super) async fn begin_endless_request(&self) -> Result<Connection, Stop> {
        let routes = &self.subject.routes;
        let lasting = routes.slow.as_ref().filter(|slow| slow.is_of_any_length());
        let mut connection = Connection::connect_with_small_window(self.http1())
            .await
            .observing("before the signal")?;
        let request = match (&routes.download, lasting) {
            (Some(download), _) => get(&download.target()),
            (None, Some(slow)) => get(&slow.lasting(self.subject.deadline * 2)),
            (None, None) => format!("GET {} HTTP/1.1\r\nhost: ", routes.plain),
        };
        connection
            .send(request)
            .await
            .observing("before the signal")?;
        sleep(ARRIVAL).await;
        Ok(connection)
    }
}
