//! WebSocket: messages with think time, each of which must come back.
//!
//! A message is a request, complete with its echo. A session may end in one way alone: by the
//! server's Close (1001 or 1012), which is answered; then the client connects anew. A session that
//! ends otherwise is a failure, even between two messages.
//!
//! A message that meets a Close on its way is lost by protocol: the server may send nothing after
//! its Close (RFC 6455, 5.5.1), and the client knows that it was not answered. It is neither
//! complete nor failed, and has a figure of its own. But a server that has had a message for
//! longer than [`CROSSING`], and says Close instead of answering, has lost it.

mod frame;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

pub(super) use self::session::ACCEPT;

use self::session::{Heard, Session};
use super::CROSSING;
use super::Think;
use super::books::Shared;
use super::driver::Caller;
use super::failure::{FailureKind, Fault};
use super::schedule::Pace;

/// How long a server may take to end the connection after the Close was answered. Then we do.
const FAREWELL: Duration = Duration::from_secs(5);

pub(super) struct WebSocket {
    shared: Arc<Shared>,
    index: usize,
    think: Think,
    said: u64,
    session: Option<Session>,
    /// Sessions that are over, and wait for the server's FIN.
    leaving: JoinSet<()>,
}

impl WebSocket {
    pub(super) fn new(shared: &Arc<Shared>, index: usize, think: Think) -> Self {
        Self {
            shared: Arc::clone(shared),
            index,
            think,
            said: 0,
            session: None,
            leaving: JoinSet::new(),
        }
    }

    /// A session on which there is nothing left to hear, or nothing that the client sees yet. The
    /// kernel is asked.
    async fn quiet(
        &mut self,
        deadline: Instant,
        peer: &mut Option<SocketAddr>,
    ) -> Result<Session, Fault> {
        loop {
            let mut session = match self.session.take() {
                Some(session) => session,
                None => {
                    let address = self.shared.pick(peer)?;
                    Session::open(address, deadline, &self.shared.plan).await?
                }
            };
            *peer = Some(session.connection.peer);
            session.connection.deadline = deadline;
            while session.has_more() {
                match session.hear().await? {
                    Heard::Close(_) => break,
                    Heard::Tick => self.note_tick(),
                    Heard::Echo | Heard::Nothing => {}
                }
            }
            if !session.closed {
                return Ok(session);
            }
            self.see_off(session);
            // A server that says Close to all newcomers would keep us here for ever.
            if Instant::now() >= deadline {
                return Err(Fault::new(
                    FailureKind::Timeout,
                    "no session without a Close",
                ));
            }
        }
    }

    /// The server has said Close, and was answered.
    fn see_off(&mut self, session: Session) {
        self.shared.tally(|outcome| outcome.reconnects += 1);
        while self.leaving.try_join_next().is_some() {}
        let (shared, peer) = (Arc::clone(&self.shared), session.connection.peer);
        self.leaving.spawn(async move {
            let closed = Instant::now();
            if let Err(fault) = session.see_off(closed + FAREWELL).await {
                shared.enter(closed, Some(peer), Err(fault));
            }
        });
    }

    fn note_tick(&self) {
        self.shared.tally(|outcome| outcome.ticks += 1);
        self.shared.progress.events.fetch_add(1, Ordering::Relaxed);
    }

    /// What a Close in place of an echo is, by when it came.
    fn crossed(&self, said: Instant, came: Instant) -> Result<Option<Instant>, Fault> {
        let ago = came.saturating_duration_since(said);
        if ago <= CROSSING {
            self.shared.tally(|outcome| outcome.messages_crossed += 1);
            return Ok(None);
        }
        let detail = format!("Close, {} ms after the message", ago.as_millis());
        Err(Fault::new(FailureKind::EchoMissing, detail))
    }
}

impl Caller for WebSocket {
    async fn request(
        &mut self,
        deadline: Instant,
        peer: &mut Option<SocketAddr>,
    ) -> Result<Option<Instant>, Fault> {
        let mut session = self.quiet(deadline, peer).await?;
        self.said += 1;
        session.say(format!("message {} of client {}", self.said, self.index));
        let said = Instant::now();
        loop {
            match session.hear().await? {
                Heard::Nothing => {}
                Heard::Tick => self.note_tick(),
                Heard::Echo => {
                    self.session = Some(session);
                    return Ok(Some(Instant::now()));
                }
                Heard::Close(came) => {
                    self.see_off(session);
                    return self.crossed(said, came);
                }
            }
        }
    }

    fn pace(&self) -> Pace {
        Pace::Think(self.think)
    }

    /// Hears what the server says meanwhile. `Plan::timeout` bounds its silence.
    async fn idle(&mut self) {
        let Some(session) = &mut self.session else {
            return std::future::pending().await;
        };
        session.connection.deadline = Instant::now() + self.shared.plan.timeout;
        let heard = session.hear().await;
        match heard {
            Ok(Heard::Echo | Heard::Nothing) => {}
            Ok(Heard::Tick) => self.note_tick(),
            Ok(Heard::Close(_)) => {
                if let Some(session) = self.session.take() {
                    self.see_off(session);
                }
            }
            Err(fault) => {
                let session = self.session.take();
                let peer = session.map(|session| session.connection.peer);
                self.shared.enter(Instant::now(), peer, Err(fault));
            }
        }
    }

    async fn leave(&mut self) {
        if let Some(session) = &mut self.session {
            session.bid_farewell();
        }
        while self.leaving.join_next().await.is_some() {}
    }
}
