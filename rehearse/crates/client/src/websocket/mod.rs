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

mod session;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::JoinSet;
use tokio::time::Instant;

use self::session::{Heard, Session};
use super::connection::Connection;
use super::driver::Caller;
use super::failure::{FailureKind, Fault};
use super::log::{Answer, Ended, Streamed, Trace};
use super::schedule::Pace;
use super::shared::Shared;
use super::{CROSSING, FAREWELL, Mode, Think};

pub(super) struct WebSocket {
    shared: Arc<Shared>,
    index: usize,
    think: Think,
    said: u64,
    ticks: u64,
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
            ticks: 0,
            session: None,
            leaving: JoinSet::new(),
        }
    }

    /// A session on which there is nothing left to hear, or nothing that the client sees yet. The
    /// kernel is asked.
    async fn quiet(&mut self, deadline: Instant, trace: &mut Trace) -> Result<Session, Fault> {
        loop {
            let mut session = match self.session.take() {
                Some(session) => session,
                None => self.open(deadline, trace).await?,
            };
            let connection = &session.connection;
            (trace.peer, trace.connection) = (Some(connection.peer), Some(connection.number));
            session.connection.deadline = deadline;
            while session.has_more() {
                let heard = session.hear().await;
                match heard.inspect_err(|_| self.lost(&session))? {
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

    async fn open(&self, deadline: Instant, trace: &mut Trace) -> Result<Session, Fault> {
        let address = self.shared.pick(&mut trace.peer)?;
        let tls = self.shared.tls.as_ref();
        let mut connection = Connection::open(address, deadline, None, tls).await?;
        let secured = connection.secured();
        connection.number = self.shared.connected(self.index, address, secured);
        trace.connection = Some(connection.number);
        let number = connection.number;
        let opened = Session::open(connection, &self.shared.plan).await;
        if opened.is_err() {
            self.shared
                .ended(number, Instant::now(), Ended::WithRequest);
        }
        opened
    }

    /// The server has said Close, and was answered.
    fn see_off(&mut self, mut session: Session) {
        let trace = unasked(&session.connection);
        let (shared, index, now) = (Arc::clone(&self.shared), self.index, trace.started);
        shared.ended(session.connection.number, now, Ended::Announced);
        while self.leaving.try_join_next().is_some() {}
        self.leaving.spawn(async move {
            let seen_off = session.see_off(now + FAREWELL).await;
            let connection = &session.connection;
            shared.ended_by_tls(connection.number, connection.tls_end());
            if let Err(fault) = seen_off {
                shared.enter(index, now, &trace, Err(fault));
            }
        });
    }

    fn lost(&self, session: &Session) {
        let number = session.connection.number;
        self.shared
            .ended(number, Instant::now(), Ended::WithRequest);
        let by_tls = session.connection.tls_end();
        self.shared.ended_by_tls(number, by_tls);
    }

    fn note_tick(&mut self) {
        self.ticks += 1;
        self.shared.progress.events.fetch_add(1, Ordering::Relaxed);
    }

    /// What a Close in place of an echo is, by when it came.
    fn overtaken(said: Instant, came: Instant) -> Result<Answer, Fault> {
        let ago = came.saturating_duration_since(said);
        if ago <= CROSSING {
            return Ok(Answer::Overtaken(came));
        }
        let detail = format!("Close, {} ms after the message", ago.as_millis());
        Err(Fault::new(FailureKind::EchoMissing, detail))
    }
}

/// Of a failure that is no message's.
fn unasked(connection: &Connection) -> Trace {
    Trace {
        peer: Some(connection.peer),
        connection: Some(connection.number),
        ..Trace::new(Instant::now())
    }
}

impl Caller for WebSocket {
    async fn request(&mut self, deadline: Instant, trace: &mut Trace) -> Result<Answer, Fault> {
        let mut session = self.quiet(deadline, trace).await?;
        self.said += 1;
        match &self.shared.plan.mode {
            Mode::WebSocket {
                message: Some(message),
                ..
            } => session.ask(message),
            _ => session.say(format!("message {} of client {}", self.said, self.index)),
        }
        let said = Instant::now();
        loop {
            let heard = session.hear().await;
            match heard.inspect_err(|_| self.lost(&session))? {
                Heard::Nothing => {}
                Heard::Tick => self.note_tick(),
                Heard::Echo => {
                    self.session = Some(session);
                    return Ok(Answer::Complete(Instant::now()));
                }
                Heard::Close(came) => {
                    self.see_off(session);
                    return Self::overtaken(said, came);
                }
            }
        }
    }

    fn client(&self) -> usize {
        self.index
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
                if let Some(session) = self.session.take() {
                    self.lost(&session);
                    let trace = unasked(&session.connection);
                    let now = trace.started;
                    self.shared.enter(self.index, now, &trace, Err(fault));
                }
            }
        }
    }

    async fn leave(&mut self) {
        if let Some(session) = &mut self.session {
            session.bid_farewell();
        }
        while self.leaving.join_next().await.is_some() {}
        let ticks = self.ticks;
        self.shared.log().streams.push(Streamed {
            ticks,
            ..Streamed::default()
        });
    }
}
