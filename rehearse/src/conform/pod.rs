//! A process under observation: told to go, suspended, and seen leaving.

mod time;

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

pub(super) use self::time::words;

use super::case::{Observing, Stop};
use super::http::{Response, get};
use super::subject::{Download, Slow, Subject};
use super::wire::{Break, Wire};
use rehearse_model::address::PodAddress;
use rehearse_model::process::Process;

/// How long what was sent may take until the program has read it.
pub(super) const ARRIVAL: Duration = Duration::from_millis(150);

/// A running process.
pub(super) struct Pod<'a> {
    pub(super) subject: &'a Subject,
    pub(super) address: PodAddress,
    process: Process,
    /// When it was told to go.
    told: Instant,
}

/// A request that is in flight.
pub(super) struct InFlight {
    pub(super) wire: Wire,
    /// What it still needs.
    rest: &'static str,
}

impl InFlight {
    /// Its response, complete.
    pub(super) async fn finish(&mut self) -> Result<Response, Break> {
        if !self.rest.is_empty() {
            self.wire.send(self.rest).await?;
        }
        self.wire.success().await
    }
}

/// Connections and requests.
impl<'a> Pod<'a> {
    pub(super) fn new(subject: &'a Subject, process: Process, address: PodAddress) -> Self {
        Self {
            subject,
            address,
            process,
            told: Instant::now(),
        }
    }

    /// The target of a plain request.
    pub(super) fn plain(&self) -> String {
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

    pub(super) async fn connect(&self) -> Result<Wire, Break> {
        Wire::connect(self.address.http).await
    }

    /// One of those that come again until they are refused.
    pub(super) async fn connect_at_fence(&self) -> Result<Wire, Break> {
        Wire::connect_at_fence(self.address.http).await
    }

    /// A plain request on a connection of its own.
    pub(super) async fn ask(&self) -> Result<Response, Break> {
        self.connect().await?.ask(&self.plain()).await
    }

    /// A connection that has been used, and is kept.
    pub(super) async fn idle(&self) -> Result<Wire, Stop> {
        let mut wire = self.connect().await.observing("before the signal")?;
        let response = wire.ask(&self.plain()).await;
        let told = response.observing("before the signal")?.head.says_goodbye();
        // A server of HTTP/1.0 closes without a word.
        let kept = wire.quiet_until(Instant::now() + ARRIVAL / 5).await.is_ok();
        match kept && !told {
            true => Ok(wire),
            false => Err(Stop::not_applicable("a server that keeps connections")),
        }
    }

    /// Several of these.
    pub(super) async fn idles(&self, count: usize) -> Result<Vec<Wire>, Stop> {
        let idles = join_all((0..count).map(|_| self.idle())).await;
        idles.into_iter().collect()
    }

    /// A request that has begun, and that the program has seen: one that takes its time if there
    /// is a route for it, else half a head.
    pub(super) async fn begin(&self) -> Result<InFlight, Stop> {
        let mut wire = self.connect().await.observing("before the signal")?;
        let (sent, rest) = match &self.subject.routes.slow {
            Some(slow) => (get(&slow.target()), ""),
            None => {
                let start = format!("GET {} HTTP/1.1\r\nhost: ", self.subject.routes.plain);
                (start, "conform\r\n\r\n")
            }
        };
        wire.send(sent).await.observing("before the signal")?;
        sleep(ARRIVAL).await;
        Ok(InFlight { wire, rest })
    }

    /// A request that will not be finished before the deadline.
    pub(super) async fn begin_without_end(&self) -> Result<Wire, Stop> {
        let routes = &self.subject.routes;
        let lasting = routes.slow.as_ref().filter(|slow| slow.is_of_any_length());
        let mut wire = Wire::connect_with_small_window(self.address.http)
            .await
            .observing("before the signal")?;
        let request = match (&routes.download, lasting) {
            (Some(download), _) => get(&download.target()),
            (None, Some(slow)) => get(&slow.lasting(self.subject.deadline * 2)),
            (None, None) => format!("GET {} HTTP/1.1\r\nhost: ", routes.plain),
        };
        wire.send(request).await.observing("before the signal")?;
        sleep(ARRIVAL).await;
        Ok(wire)
    }
}
