//! HTTP/2 by prior knowledge: one connection for all streams of a client, each with a schedule of
//! its own.
//!
//! Written by hand, on a raw socket, because the rule is one of order: after a GOAWAY is seen no
//! stream may be opened, what was opened before is not sent again, and what stands behind a GOAWAY
//! is seen behind it. A library that queues requests may send one again, and count nothing.

pub(super) mod connection;
mod job;
mod received;
pub(crate) mod state;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};

use self::connection::{Link, OpenStream, Opened};
use self::job::Job;
use self::state::End;
use rehearse_wire::http2::hpack::{self, Scheme};

use super::connection::{connect, secure};
use super::driver::{self, Caller};
use super::failure::{FailureKind, Fault};
use super::log::{Answer, Ended, Trace};
use super::schedule::Pace;
use super::shared::Shared;
use super::{FAREWELL, SlowStreams};

/// Of so many streams, the last one reads slowly.
const ONE_SLOW_IN: usize = 4;

/// Runs the plan's clients, each with so many streams.
pub(super) async fn run(
    shared: &Arc<Shared>,
    streams: usize,
    every: Duration,
    slow: Option<&SlowStreams>,
) {
    let streams = streams.max(1);
    let client = |index: usize| {
        Arc::new(Client {
            shared: Arc::clone(shared),
            index,
            patient: !index.is_multiple_of(2),
            current: Mutex::new(None),
            leaving: Mutex::default(),
        })
    };
    let clients: Vec<_> = (0..shared.plan.clients).map(client).collect();
    let (quick, slow) = (Job::quick(shared, every), slow.map(Job::slow));
    driver::run(shared, clients.len() * streams, |index| {
        let last_of_some = (index % streams + 1).is_multiple_of(ONE_SLOW_IN.min(streams));
        let slow = slow.as_ref().filter(|_| last_of_some);
        Slot {
            client: Arc::clone(&clients[index / streams]),
            job: slow.unwrap_or(&quick).clone(),
        }
    })
    .await;
}

/// One connection at a time for new streams; those before it live on until their streams end.
struct Client {
    shared: Arc<Shared>,
    index: usize,
    /// Whether it lets the server speak first on a new connection. Either is allowed (RFC 9113,
    /// 3.4), and both are usual: so every other client does.
    patient: bool,
    current: Mutex<Option<Arc<Link>>>,
    /// Connections over TLS that the server has yet to end.
    leaving: Mutex<JoinSet<()>>,
}

impl Client {
    /// Sends a request on a stream of its own.
    async fn open(
        &self,
        target: &str,
        deadline: Instant,
        trace: &mut Trace,
    ) -> Result<OpenStream, Fault> {
        let headers = &self.shared.plan.headers;
        let scheme = match &self.shared.tls {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        };
        let head = |peer| hpack::get(scheme, &headers.host(peer), target, headers.fields());
        loop {
            // Who finds no connection makes one, and the others wait for that.
            let mut current = timeout_at(deadline, self.current.lock())
                .await
                .map_err(late)?;
            if let Some(link) = &*current {
                (trace.peer, trace.connection) = (Some(link.peer), Some(link.number));
                match link.request(&head(link.peer)) {
                    Opened::Stream(stream) => return Ok(stream),
                    Opened::Full => {
                        let link = Arc::clone(link);
                        drop(current);
                        let freed = timeout_at(deadline, link.freed.notified());
                        freed.await.map_err(late)?;
                        continue;
                    }
                    Opened::Told => self.see_off(link).await,
                    Opened::Ended(end) => self.note(link, &end),
                }
                *current = None;
            }
            let link = self.connect(deadline, trace).await?;
            let first = self.first(&link, &head(link.peer), deadline).await;
            match &first {
                Ok(_) => *current = Some(link),
                Err(_) => self.end(&link, Instant::now(), Ended::WithRequest),
            }
            return first;
        }
    }

    /// The first request on a new connection. Its end is no reconnect: see the rules of the client.
    async fn first(
        &self,
        link: &Arc<Link>,
        head: &[u8],
        deadline: Instant,
    ) -> Result<OpenStream, Fault> {
        if self.patient {
            timeout_at(deadline, link.greeted()).await.map_err(late)?;
        }
        match link.request(head) {
            Opened::Stream(stream) => Ok(stream),
            Opened::Ended(end) => Err(Fault::new(end.kind, end.how)),
            Opened::Told => {
                let kind = FailureKind::StreamRefusedByGoaway;
                Err(Fault::new(kind, "GOAWAY before the first request"))
            }
            Opened::Full => Err(Fault::bad("a connection that allows no stream")),
        }
    }

    async fn connect(&self, deadline: Instant, trace: &mut Trace) -> Result<Arc<Link>, Fault> {
        trace.connection = None;
        let peer = self.shared.pick(&mut trace.peer)?;
        let tcp = connect(peer, deadline, None).await?;
        let stream = secure(tcp, deadline, self.shared.tls.as_ref()).await?;
        let secured = stream.layer.secured();
        let number = self.shared.connected(self.index, peer, secured);
        trace.connection = Some(number);
        Ok(Link::open(stream, peer, number, self.shared.plan.rtt))
    }

    /// The server has said that it goes. By TLS it owes `close_notify` in the end, too.
    async fn see_off(&self, link: &Arc<Link>) {
        self.end(link, Instant::now(), Ended::Announced);
        if self.shared.tls.is_none() {
            return;
        }
        let (shared, link) = (Arc::clone(&self.shared), Arc::clone(link));
        let mut leaving = self.leaving.lock().await;
        while leaving.try_join_next().is_some() {}
        leaving.spawn(async move {
            let _too_long = timeout(FAREWELL, link.over()).await;
            shared.ended_by_tls(link.number, link.tls_end());
        });
    }

    fn end(&self, link: &Link, at: Instant, how: Ended) {
        self.shared.ended(link.number, at, how);
        self.shared.ended_by_tls(link.number, link.tls_end());
    }

    /// An end under open streams is in the log as their failures, too.
    fn note(&self, link: &Link, end: &End) {
        let how = match end.idle {
            true => Ended::Unannounced,
            false => Ended::WithRequest,
        };
        self.end(link, end.at, how);
    }
}

fn late(_: Elapsed) -> Fault {
    Fault::new(FailureKind::Timeout, "while waiting for a stream")
}

/// One stream's place on its client's connections.
struct Slot {
    client: Arc<Client>,
    job: Job,
}

impl Caller for Slot {
    async fn request(&mut self, deadline: Instant, trace: &mut Trace) -> Result<Answer, Fault> {
        let stream = self.client.open(&self.job.target, deadline, trace).await?;
        let answered = self.job.read(stream, deadline, trace).await?;
        Ok(Answer::Complete(answered))
    }

    fn client(&self) -> usize {
        self.client.index
    }

    fn pace(&self) -> Pace {
        self.job.pace
    }

    async fn leave(&mut self) {
        let mut leaving = self.client.leaving.lock().await;
        while leaving.join_next().await.is_some() {}
    }
}
