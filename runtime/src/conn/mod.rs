//! Connections: from `accept` to the last acknowledged byte.
//!
//! [`Worker`] is what the connections of one thread share. Each begins as an [`H1`], behind a handshake where
//! there is TLS; the preface of HTTP/2 makes it an [`h2`] one, and after ALPN a client sends nothing else.

mod app;
mod arrival;
mod authority;
mod buffered_io;
mod close;
mod dates;
mod delivery;
mod framing;
mod h1;
mod h2;
mod observed;
mod payload;
mod peer;
mod policy;
mod registry;
mod request;
#[cfg(test)]
mod simulation;
mod socket;
mod spare;
mod timer;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
mod transport;

use std::{
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

pub(crate) use self::{app::App, observed::Observe, peer::PeerAddress, registry::AwaitsClient};
use self::{
    authority::LastHost,
    dates::Dates,
    h1::{AfterHttp1, H1},
    observed::Observer,
    policy::{Life, SilenceLimits},
    registry::Registry,
    request::RequestCounters,
    socket::Socket,
    transport::Transport,
};
use crate::{
    accept::Port,
    body_limits::BodyLimits,
    clock,
    control::{Control, Counters, OpenConnection, Stage},
    metrics::Routes,
    tls::Tls,
};

/// An accepted connection, which has its place in the count.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) socket: socket2::Socket,
    pub(crate) peer: PeerAddress,
    pub(crate) open: OpenConnection,
}

/// What a worker is told, or asked, by the acceptor.
#[derive(Debug)]
pub(crate) enum ToWorker {
    /// Accept what comes.
    Accept(Port),
    Serve(Accepted),
    /// Which connections have waited for their clients since `before` or longer: at most `count`.
    LongestWaiting {
        count: usize,
        before: Instant,
        reply: oneshot::Sender<Vec<(AwaitsClient, usize)>>,
    },
    /// End this one, if it still waits, and has since `before`.
    MakeRoom {
        key: usize,
        before: Instant,
    },
}

/// Who makes room for a newcomer where there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Connections open at once.
    pub(crate) connections: usize,
    /// A connection that has waited for its client for so long makes room.
    pub(crate) after: Duration,
    /// One in the middle of a request's head does, too.
    pub(crate) half_heads: bool,
}

/// What a client may do, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Between a response and the next request's first byte.
    pub(crate) keep_alive: Duration,
    /// From a head's first byte to its last.
    pub(crate) head_timeout: Duration,
    /// While a body is waited for, where its route says nothing else.
    pub(crate) body: BodyLimits,
    /// While a handler is at work, where its route says nothing else.
    pub(crate) request_timeout: Option<Duration>,
    /// Until a client is told to leave.
    pub(crate) connection_age: Option<Duration>,
    /// A client that has sent its FIN still gets its answer.
    pub(crate) half_close: bool,
    pub(crate) room: Room,
}

/// What the connections of one thread share.
#[derive(Debug)]
pub(crate) struct Worker<A> {
    app: A,
    control: Arc<Control>,
    counters: Rc<RequestCounters>,
    limits: Limits,
    routes: Rc<Routes>,
    observer: Option<Observer>,
    tls: Option<Arc<Tls>>,
    dates: Dates,
    last_host: LastHost,
    connections: Rc<Registry>,
}

impl<A> Worker<A> {
    pub(crate) fn new(
        app: A,
        control: Arc<Control>,
        counters: Arc<Counters>,
        limits: Limits,
        routes: Rc<Routes>,
        observe: Observe,
        tls: Option<Arc<Tls>>,
    ) -> Rc<Self> {
        let (dates, last_host, connections) = Default::default();
        Rc::new(Self {
            app,
            control,
            counters: Rc::new(RequestCounters(counters)),
            limits,
            observer: Observer::new(observe, &routes),
            tls,
            routes,
            dates,
            last_host,
            connections,
        })
    }

    #[inline]
    fn life(&self) -> Life {
        match self.control.stage() {
            Stage::Serve => Life::Serving,
            _ => self.control.fence().map_or_else(
                || Life::LameDuck {
                    http2_told_since: self.control.http2_told_since(),
                    quiet: self.control.drain().quiet,
                },
                Life::Draining,
            ),
        }
    }

    /// When the client of this connection is to be told to leave, however the process goes on.
    #[inline]
    fn leaves_at(&self, open: &OpenConnection, peer: PeerAddress) -> Option<Instant> {
        let age = self.limits.connection_age?;
        Some(policy::leaves_at(open.accepted(), age, peer.number()))
    }

    fn silence_limits(&self) -> SilenceLimits {
        SilenceLimits {
            keep_alive: self.limits.keep_alive,
            head_timeout: self.limits.head_timeout,
        }
    }

    /// For how long a peer may take nothing of what is sent to it; while the process drains, only the
    /// deadline ends one that lives.
    fn stalled_after(&self) -> Option<Duration> {
        (self.control.stage() < Stage::Drain).then_some(self.limits.keep_alive)
    }

    pub(crate) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Has every connection look at the stage.
    pub(crate) fn wake_all(&self) {
        self.connections.wake_all();
    }
}

impl<A: App> Worker<A> {
    /// Does what the acceptor wants.
    ///
    /// # Panics
    /// Outside of a `LocalSet`, where no worker runs.
    pub(crate) fn hear(self: &Rc<Self>, message: ToWorker) {
        match message {
            ToWorker::Accept(port) => {
                tokio::task::spawn_local(port.accept(Rc::clone(self)));
            }
            ToWorker::Serve(accepted) => self.spawn(accepted),
            ToWorker::LongestWaiting {
                count,
                before,
                reply,
            } => {
                // Whoever asked may have turned to the fence meanwhile.
                let _ = reply.send(self.connections.waiting(count, before));
            }
            ToWorker::MakeRoom { key, before } => self.connections.ask(key, before),
        }
    }

    /// Serves a connection in a task of its own.
    pub(crate) fn spawn(self: &Rc<Self>, accepted: Accepted) {
        let Accepted { socket, peer, open } = accepted;
        match Socket::register(socket, peer) {
            Ok(socket) => self.serve(socket, peer, open),
            Err(error) => tracing::error!(%peer, %error, "a connection could not be registered"),
        }
    }

    fn serve(self: &Rc<Self>, socket: Socket, peer: PeerAddress, open: OpenConnection) {
        tokio::task::spawn_local(serve(Rc::clone(self), socket, peer, open));
    }
}

/// Serves a connection by the protocol that its first bytes choose.
async fn serve<A: App>(
    worker: Rc<Worker<A>>,
    socket: Socket,
    peer: PeerAddress,
    mut open: OpenConnection,
) {
    let mut since = open.accepted();
    let transport = match &worker.tls {
        None => Transport::Plain(socket),
        // Apart, as HTTP/2 is, so that a connection needs no room for it later.
        Some(tls) => {
            let handshake = Box::pin(tls::handshake(&worker, tls, socket, &mut open));
            let Some(transport) = handshake.await else {
                return;
            };
            since = clock::now();
            transport
        }
    };
    let mut connection = pin!(H1::new(worker, transport, peer, open, since));
    if connection.as_mut().await == AfterHttp1::Http2 {
        // Apart, so that connections of HTTP/1.1 need no room for it.
        Box::pin(h2::serve(connection.handover())).await;
    }
}

/// What a connection of this service holds in memory while it is idle, beside its socket.
#[cfg(test)]
pub(crate) fn size<A: App>(_: &A) -> usize {
    fn size_of_task<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }
    size_of_task(serve::<A>)
}
