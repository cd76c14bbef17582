//! A raw connection: it never retries, and tells how it was ended.

mod connect;

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use self::connect::HANDSHAKE;
use rehearse_wire::http1::Body;

/// How long anything that must come may take. Far beyond what a slow machine needs.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// What came in place of what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unexpected {
    /// No connection: RST to the SYN.
    Refused,
    /// No connection: no answer to the SYN.
    Hanging,
    /// FIN.
    Fin,
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

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    /// Received, and not yet taken.
    pub(super) buffer: Vec<u8>,
    /// What is still to come of the response whose head came last.
    pub(super) body: Body,
    /// When its handshake was complete.
    pub(super) since: Instant,
}

impl Connection {
    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Unexpected> {
        let sent = timeout(PATIENCE, self.socket.write_all(bytes.as_ref())).await;
        Ok(sent.map_err(|_| Unexpected::Other(format!("nothing was taken for {PATIENCE:?}")))??)
    }

    /// Sends FIN. What comes is still read.
    pub(super) async fn shut_down(&mut self) -> Result<(), Unexpected> {
        Ok(self.socket.shutdown().await?)
    }

    /// Reads something more. Cancel-safe.
    pub(super) async fn fill(&mut self) -> Result<(), Unexpected> {
        self.fill_within(PATIENCE).await
    }

    pub(super) async fn fill_within(&mut self, patience: Duration) -> Result<(), Unexpected> {
        self.buffer.reserve(64 * 1024);
        let read = timeout(patience, self.socket.read_buf(&mut self.buffer)).await;
        match read.map_err(|_| Unexpected::Silence(patience))?? {
            0 => Err(Unexpected::Fin),
            _ => Ok(()),
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

    /// Whether a reset has arrived, be it behind a FIN.
    pub(super) fn is_reset(&self) -> bool {
        !matches!(self.socket.take_error(), Ok(None))
    }

    fn unexpected(&self) -> Unexpected {
        let start = &self.buffer[..self.buffer.len().min(40)];
        Unexpected::Other(format!(
            "unexpected bytes came: {:?}",
            String::from_utf8_lossy(start)
        ))
    }
}
