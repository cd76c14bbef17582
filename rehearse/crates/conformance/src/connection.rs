//! A raw connection: it never retries, and tells how it was ended.

mod connect;

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout};

use self::connect::HANDSHAKE;
pub(super) use self::connect::Target;
use rehearse_tls::{End, HandshakeFailed, Received, Stream};
use rehearse_wire::http1::Body;

/// How long anything that must come may take. Far beyond what a slow machine needs.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// How much is read at once.
const ROOM: usize = 16 << 10;

/// What came in place of what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unexpected {
    /// No connection: RST to the SYN.
    Refused,
    /// No connection: no answer to the SYN.
    Hanging,
    /// FIN; over TLS behind `close_notify`.
    Fin,
    /// Over TLS, FIN without that.
    Truncated,
    /// RST.
    Reset,
    /// Nothing.
    Silence(Duration),
    /// Something else.
    Other(String),
}

impl fmt::Display for Unexpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused => f.write_str("the connection was refused"),
            Self::Hanging => write!(f, "the connection hung for {HANDSHAKE:?} and longer"),
            Self::Fin => f.write_str("the connection was closed (FIN)"),
            Self::Truncated => f.write_str("the connection was closed without close_notify"),
            Self::Reset => f.write_str("the connection was reset (RST)"),
            Self::Silence(lasted) => write!(f, "nothing came for {lasted:?}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl From<io::Error> for Unexpected {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::UnexpectedEof => Self::Fin,
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Self::Reset,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl From<HandshakeFailed> for Unexpected {
    fn from(error: HandshakeFailed) -> Self {
        match error {
            HandshakeFailed::Broken(error) => error.into(),
            other => Self::Other(format!("the handshake failed: {other}")),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    /// How far TLS is spoken.
    spoken: Spoken,
    /// Received, and not yet taken.
    pub(super) buffer: Vec<u8>,
    /// What is still to come of the response whose head came last.
    pub(super) body: Body,
    /// When its handshake was complete.
    pub(super) since: Instant,
}

/// How far a client has spoken: TLS begins with the first thing that it has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    Nothing,
    Something,
}

/// What a client sends.
impl Connection {
    /// Sends, over TLS behind its handshake.
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Unexpected> {
        let sending = async {
            self.shake_hands().await?;
            self.write_all(bytes.as_ref()).await
        };
        let late = |_| Unexpected::Other(format!("nothing was taken for {PATIENCE:?}"));
        timeout(PATIENCE, sending).await.map_err(late)?
    }

    /// Sends to a process that does not answer yet: over TLS no more than the beginning of a handshake
    /// with which the bytes go out.
    pub(super) async fn send_ahead(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Unexpected> {
        if !self.stream.layer.is_handshaking() {
            return self.send(bytes).await;
        }
        self.spoken = Spoken::Something;
        self.stream.layer.queue(bytes.as_ref())?;
        self.flush().await
    }

    /// Carries TLS's handshake to its end, if one is to be had.
    pub(super) async fn shake_hands(&mut self) -> Result<(), Unexpected> {
        self.spoken = Spoken::Something;
        if self.stream.layer.is_handshaking() {
            self.stream.shake_hands().await?;
        }
        Ok(())
    }

    /// Takes the server's part of TLS's handshake, and withholds the last of the client's, with which
    /// these bytes are to go out.
    pub(super) async fn withhold(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Unexpected> {
        self.spoken = Spoken::Something;
        self.flush().await?;
        let answered = timeout(PATIENCE, self.stream.answered()).await;
        answered.map_err(|_| Unexpected::Silence(PATIENCE))??;
        Ok(self.stream.layer.queue(bytes.as_ref())?)
    }

    /// What is still to be sent, with these bytes in a record of their own, as it is to be sent by
    /// [`Self::send_sealed`].
    pub(super) fn seal(&mut self, bytes: impl AsRef<[u8]>) -> Result<Vec<u8>, Unexpected> {
        self.spoken = Spoken::Something;
        Ok(self.stream.layer.seal(bytes.as_ref())?)
    }

    /// Sends a part of that.
    pub(super) async fn send_sealed(&mut self, bytes: &[u8]) -> Result<(), Unexpected> {
        Ok(self.stream.tcp.write_all(bytes).await?)
    }

    async fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), Unexpected> {
        while !bytes.is_empty() {
            self.stream.tcp.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(taken) => bytes = &bytes[taken..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Unexpected> {
        while self.stream.layer.must_flush() {
            self.stream.tcp.writable().await?;
            match self.stream.try_flush() {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Sends FIN. What comes is still read.
    pub(super) async fn shut_down(&mut self) -> Result<(), Unexpected> {
        self.stream.close();
        Ok(self.stream.tcp.shutdown().await?)
    }
}

/// What comes.
impl Connection {
    /// Reads something more. Cancel-safe.
    pub(super) async fn fill(&mut self) -> Result<(), Unexpected> {
        self.fill_within(PATIENCE).await
    }

    pub(super) async fn fill_within(&mut self, patience: Duration) -> Result<(), Unexpected> {
        let mut room = [0; ROOM];
        let read = timeout(patience, self.stream.read(&mut room)).await;
        match read.map_err(|_| Unexpected::Silence(patience))?? {
            Received::Bytes(read) => {
                self.buffer.extend_from_slice(&room[..read]);
                Ok(())
            }
            Received::End(end) => Err(self.ended(end).await),
        }
    }

    /// What an end is: behind `close_notify` there must be FIN.
    async fn ended(&mut self, end: End) -> Unexpected {
        match end {
            End::Fin => Unexpected::Fin,
            // Who has not begun with TLS is owed nothing by it.
            End::Truncated if self.spoken == Spoken::Nothing => Unexpected::Fin,
            End::Truncated => Unexpected::Truncated,
            End::CloseNotify => {
                let silence = format!("close_notify, and no FIN for {PATIENCE:?}");
                let fin = timeout(PATIENCE, self.stream.fin()).await;
                match fin.unwrap_or(Err(io::Error::other(silence))) {
                    Ok(()) => Unexpected::Fin,
                    Err(error) => error.into(),
                }
            }
        }
    }

    /// Nothing comes until then, neither a byte nor an end.
    pub(super) async fn quiet_until(&mut self, then: Instant) -> Result<(), Unexpected> {
        if self.buffer.is_empty() {
            let patience = then.saturating_duration_since(Instant::now());
            match self.fill_within(patience).await {
                Err(Unexpected::Silence(_)) => return Ok(()),
                Err(end) => return Err(end),
                Ok(()) => {}
            }
        }
        Err(self.unexpected())
    }

    /// The program's FIN comes, and neither a byte nor a reset before it.
    pub(super) async fn fin(&mut self) -> Result<(), Unexpected> {
        self.fin_within(PATIENCE).await
    }

    pub(super) async fn fin_within(&mut self, patience: Duration) -> Result<(), Unexpected> {
        if self.buffer.is_empty() {
            match self.fill_within(patience).await {
                Err(Unexpected::Fin) => return Ok(()),
                Err(Unexpected::Silence(lasted)) => {
                    return Err(Unexpected::Other(format!("no FIN came for {lasted:?}")));
                }
                Err(end) => return Err(end),
                Ok(()) => {}
            }
        }
        Err(self.unexpected())
    }

    /// Whether TLS took up an earlier session.
    pub(super) fn is_resumed(&self) -> bool {
        let secured = self.stream.layer.secured();
        secured.is_some_and(|secured| secured.resumed)
    }

    /// Whether a reset has arrived, be it behind a FIN.
    pub(super) fn is_reset(&self) -> bool {
        !matches!(self.stream.tcp.take_error(), Ok(None))
    }

    fn unexpected(&self) -> Unexpected {
        let start = &self.buffer[..self.buffer.len().min(40)];
        Unexpected::Other(format!(
            "unexpected bytes came: {:?}",
            String::from_utf8_lossy(start)
        ))
    }
}
