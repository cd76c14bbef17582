//! The load generator: a closed loop on one thread of its own, so that the server is the limit.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::cores::{Pinning, processor_time};
use crate::exchange::Connection;
use crate::protocol::{Protocol, STREAMS};
use crate::streams::Streams;

/// Not counted: connections are made, branches learnt, buffers grown.
const WARM_UP: Duration = Duration::from_millis(500);

/// What to send where.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The server's.
    pub address: SocketAddr,
    /// Of the server, whose processor time is read.
    pub pid: i32,
    /// How many of HTTP/1.1; with HTTP/2, as many as have so many requests under way.
    pub connections: u32,
    /// What is spoken.
    pub protocol: Protocol,
    /// How long it is measured, after the warm-up.
    pub duration: Duration,
    /// Where the generator runs.
    pub pinning: Option<Pinning>,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub struct Turnover {
    /// Responses in each second.
    pub requests_per_second: f64,
    /// The server's processor time over the wall's.
    pub busy: Option<f64>,
    /// How long a response was, with its head.
    pub response_bytes: usize,
}

/// Shared by all connections of one thread: nobody contends for it.
#[derive(Default)]
struct Tally {
    requests: AtomicU64,
    response_bytes: AtomicUsize,
    stop: AtomicBool,
}

impl Load {
    /// Runs on a new thread. If the future is dropped, the thread ends with the server's
    /// connections.
    ///
    /// # Errors
    /// If the server does not answer, or not as it should.
    pub async fn run(self) -> anyhow::Result<Turnover> {
        let (done, outcome) = oneshot::channel();
        let thread = thread::Builder::new().name("generator".to_owned());
        let thread = thread.spawn(move || {
            // Nobody is left to hear of it if the run was interrupted.
            let _interrupted = done.send(self.on_this_thread());
        });
        thread.context("cannot start the load generator")?;
        outcome.await.context("the load generator has panicked")?
    }

    fn on_this_thread(self) -> anyhow::Result<Turnover> {
        if let Some(pinning) = self.pinning {
            pinning.pin_generator()?;
        }
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build()?.block_on(self.measure())
    }

    async fn measure(self) -> anyhow::Result<Turnover> {
        let tally = Arc::new(Tally::default());
        let mut clients = JoinSet::new();
        for _ in 0..self.protocol.connections(self.connections) {
            let stream = TcpStream::connect(self.address).await;
            let stream = stream.context("cannot connect")?;
            stream.set_nodelay(true)?;
            clients.spawn(client(stream, self.protocol, Arc::clone(&tally)));
        }
        pause(WARM_UP, &mut clients).await?;
        let before = self.now(&tally);
        pause(self.duration, &mut clients).await?;
        let after = self.now(&tally);
        tally.stop.store(true, Relaxed);
        while let Some(ended) = clients.join_next().await {
            ended??;
        }
        let (elapsed, requests) = (after.0 - before.0, after.1 - before.1);
        ensure!(requests > 0, "no response in {elapsed:?}");
        let cpu = after
            .2
            .zip(before.2)
            .map(|(after, before)| after.saturating_sub(before));
        Ok(Turnover {
            requests_per_second: requests as f64 / elapsed.as_secs_f64(),
            busy: cpu.map(|cpu| cpu.as_secs_f64() / elapsed.as_secs_f64()),
            response_bytes: tally.response_bytes.load(Relaxed),
        })
    }

    fn now(&self, tally: &Tally) -> (Instant, u64, Option<Duration>) {
        (
            Instant::now(),
            tally.requests.load(Relaxed),
            processor_time(self.pid),
        )
    }
}

/// Time passes, unless a client fails.
async fn pause(
    duration: Duration,
    clients: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    tokio::select! {
        () = sleep(duration) => Ok(()),
        Some(ended) = clients.join_next() => {
            ended??;
            bail!("a client has stopped unasked");
        }
    }
}

async fn client(stream: TcpStream, protocol: Protocol, tally: Arc<Tally>) -> anyhow::Result<()> {
    match protocol {
        Protocol::Http1 => one_by_one(stream, &tally).await,
        Protocol::Http2 => on_streams(stream, &tally).await,
    }
}

async fn on_streams(stream: TcpStream, tally: &Tally) -> anyhow::Result<()> {
    let mut connection = Streams::new(stream, STREAMS);
    while !tally.stop.load(Relaxed) {
        let complete = connection.turn().await?;
        tally.requests.fetch_add(complete.into(), Relaxed);
        let length = connection.response_bytes;
        tally.response_bytes.store(length, Relaxed);
    }
    Ok(())
}

async fn one_by_one(stream: TcpStream, tally: &Tally) -> anyhow::Result<()> {
    let mut connection = Connection::new(stream);
    let length = connection.exchange().await?;
    tally.response_bytes.store(length, Relaxed);
    while !tally.stop.load(Relaxed) {
        connection.exchange().await?;
        tally.requests.fetch_add(1, Relaxed);
    }
    Ok(())
}
