//! A connection before HTTP: until both sides have the session's keys.

use std::{
    future::poll_fn,
    io,
    rc::Rc,
    task::{Context, Poll},
};

use super::Session;
use crate::{
    clock,
    conn::{
        Worker,
        app::App,
        buffered_io::BufferedIo,
        close::{Behind, Close},
        policy::{Awaits, FIRST_REQUEST, Silence},
        registry::{AwaitsClient, Registration},
        request::LastResponse,
        socket::Socket,
        timer::Timer,
        transport::Transport,
    },
    control::{OpenConnection, Stage},
    tls::{PeerCertificates, Tls},
};

/// How a handshake ended.
enum Outcome {
    Done,
    /// The client has what its certificates or its words deserve, by an alert.
    Failed(io::Error),
    /// It took too long, its place was needed, or the process leaves.
    GivenUp,
}

/// Gives a connection its session, or ends it.
///
/// A handshake that has begun is in flight, at the fence, too: a request will follow it. It has the time
/// that a head has. A client that has sent nothing yet is one that has not asked.
pub(in crate::conn) async fn handshake<A: App>(
    worker: &Rc<Worker<A>>,
    tls: &Tls,
    socket: Socket,
    open: &mut OpenConnection,
) -> Option<Transport> {
    let mut session = match Session::new(socket, tls.config()) {
        Ok(session) => session,
        Err(error) => {
            tracing::error!(%error, "a TLS session could not be made");
            return None;
        }
    };
    let (mut timer, mut entry) = (Timer::default(), None);
    let outcome = poll_fn(|cx| {
        let entry = entry.get_or_insert_with(|| worker.connections.enter(cx.waker()));
        match session.poll_handshake(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Outcome::Done),
            Poll::Ready(Err(error)) => Poll::Ready(Outcome::Failed(error)),
            Poll::Pending if worker.control.stage() == Stage::Cut => {
                count_cut(worker, &session);
                Poll::Ready(Outcome::GivenUp)
            }
            Poll::Pending => poll_silence(worker, &session, entry, &mut timer, open, cx)
                .map(|()| Outcome::GivenUp),
        }
    });
    match outcome.await {
        Outcome::Done => {
            session.client = session.tls.peer_certificates().map(PeerCertificates::new);
            return Some(Transport::Tls(Box::new(session)));
        }
        Outcome::GivenUp if session.records.began().is_none() => {}
        // Such as a load balancer's check, or a port scan.
        Outcome::Failed(_) if session.records.began().is_none() => {}
        Outcome::GivenUp => tls.count_failed("it took too long, or the process left"),
        Outcome::Failed(error) => tls.count_failed(&error),
    }
    end(worker, session, timer, open).await;
    None
}

impl Session {
    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let sent = self.poll_send(cx)?;
            if !self.tls.is_handshaking() {
                // The last of it, too, or what the client sees is an end without a word.
                return sent.map(Ok);
            }
            if !self.tls.wants_read() {
                return Poll::Pending;
            }
            match self.poll_take_in(cx)? {
                Poll::Ready(true) => {}
                Poll::Ready(false) => {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Ready when the client is waited for no longer.
fn poll_silence<A>(
    worker: &Worker<A>,
    session: &Session,
    entry: &Registration,
    timer: &mut Timer,
    open: &mut OpenConnection,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let silence = match session.records.began() {
        Some(since) => Silence {
            awaits: Awaits::Head,
            since,
        },
        None => Silence {
            awaits: Awaits::First,
            since: open.accepted(),
        },
    };
    let waits = AwaitsClient {
        has_spoken: false,
        since: silence.since,
    };
    if entry.waits(waits) {
        return Poll::Ready(());
    }
    let asks_at = silence.since + FIRST_REQUEST;
    let in_flight = silence.awaits == Awaits::Head || timer.poll(asks_at, cx).is_pending();
    open.set_in_flight(in_flight);
    match silence.ends_at(worker.life(), worker.silence_limits()) {
        Some(at) => timer.poll(at, cx),
        None => Poll::Pending,
    }
}

fn count_cut<A>(worker: &Worker<A>, session: &Session) {
    if session.records.began().is_some() {
        let ledger = &worker.control.ledger;
        ledger.count_cut("(half a TLS handshake)", 1);
    }
}

/// The end of a connection that has no session: an alert may be on its way, which an RST would destroy.
async fn end<A: App>(
    worker: &Rc<Worker<A>>,
    session: Session,
    mut timer: Timer,
    open: &mut OpenConnection,
) {
    let mut io = BufferedIo::new(Transport::Plain(session.records.socket));
    let mut close = Close::new(&io, Behind::Anything, clock::now());
    close.owes_nothing();
    let last = LastResponse::default();
    poll_fn(|cx| match worker.control.stage() {
        Stage::Cut => Poll::Ready(()),
        _ => close.poll_counting(&mut io, &mut timer, worker, open, &last, cx),
    })
    .await;
}
