//! What the clients of one plan have in common, their log above all.

use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::failure::{FailureKind, Fault};
use super::log::{Answer, Connection, End, Ended, Failed, Log, Micros, Request, Tls, Trace};
use super::{Endpoints, Mode, Plan, Progress};
use rehearse_tls::{Connector, End as TlsEnd, Protocol, Secured};

/// What the clients of one plan have in common.
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: CancellationToken,
    pub(super) endpoints: Arc<dyn Endpoints>,
    pub(super) started: Instant,
    pub(super) stopped: OnceLock<Instant>,
    /// What its clients speak TLS with, if they do.
    pub(super) tls: Option<Connector>,
    log: Mutex<Log>,
}

impl Shared {
    pub(super) fn new(
        plan: Plan,
        endpoints: Arc<dyn Endpoints>,
        progress: Arc<Progress>,
        stop: CancellationToken,
    ) -> Self {
        let (started, stopped) = (Instant::now(), OnceLock::new());
        let protocol = match plan.mode {
            Mode::H2 { .. } => Protocol::Http2,
            _ => Protocol::Http1,
        };
        Self {
            tls: plan.tls.as_ref().map(|trust| trust.connector(protocol)),
            plan,
            progress,
            stop,
            endpoints,
            started,
            stopped,
            log: Mutex::default(),
        }
    }

    /// To write into.
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_log(&self) -> Log {
        mem::take(&mut self.log())
    }

    /// Where a new connection goes; the failure of a client that has nowhere to go.
    pub(super) fn pick(&self, peer: &mut Option<SocketAddr>) -> Result<SocketAddr, Fault> {
        *peer = self.endpoints.pick();
        peer.ok_or_else(|| Fault::new(FailureKind::ConnectRefused, "no endpoint"))
    }

    /// Enters a new connection. Gives its number.
    pub(super) fn connected(
        &self,
        client: usize,
        peer: SocketAddr,
        secured: Option<Secured>,
    ) -> u32 {
        let mut log = self.log();
        let number = short(log.connections.len());
        log.connections.push(Connection {
            client: short(client),
            peer,
            opened: Instant::now(),
            ended: None,
            tls: secured.map(|handshake| Tls {
                handshake,
                end: None,
            }),
        });
        number
    }

    /// Enters a connection's end, unless that is known.
    pub(super) fn ended(&self, connection: u32, at: Instant, how: Ended) {
        let mut log = self.log();
        if let Some(connection) = log.connections.get_mut(connection as usize) {
            connection.ended.get_or_insert((at, how));
        }
    }

    /// Enters how the server ended a connection by TLS.
    pub(super) fn ended_by_tls(&self, connection: u32, end: Option<TlsEnd>) {
        let mut log = self.log();
        let connection = log.connections.get_mut(connection as usize);
        if let Some(tls) = connection.and_then(|connection| connection.tls.as_mut()) {
            tls.end = tls.end.or(end);
        }
    }

    /// Enters how a client's request ended, which was due at `intended`.
    pub(super) fn enter(
        &self,
        client: usize,
        intended: Instant,
        trace: &Trace,
        result: Result<Answer, Fault>,
    ) {
        let failed = result.is_err();
        let overtaken = matches!(result, Ok(Answer::Overtaken(_)));
        let ended = result.as_ref().map_or_else(|_| Instant::now(), |a| a.at());
        let micros = |at| Micros::between(intended, at);
        let request = Request {
            client: short(client),
            connection: trace.connection,
            intended,
            started: micros(trace.started),
            first_byte: trace.first_byte.map(micros),
            ended: micros(ended),
            end: match result {
                Ok(Answer::Complete(_)) => End::Complete,
                Ok(Answer::Unjudged(_)) => End::Unjudged,
                Ok(Answer::Overtaken(_)) => End::Overtaken,
                Err(fault) => {
                    let peer = trace.peer;
                    End::Failed(Box::new(Failed { fault, peer }))
                }
            },
        };
        self.log().requests.push(request);
        if !overtaken {
            let failed = u64::from(failed);
            self.progress.failed.fetch_add(failed, Ordering::Relaxed);
            self.progress.requests.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// No run has four thousand million clients or connections.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
