//! A raw connection: it never retries, and tells how it was ended.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

/// How long anything that must come may take. Far beyond what a slow machine needs.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// How long a handshake may take before it counts as hanging: less than the second after which a
/// client's kernel sends a lost SYN again (RFC 6298, 5.7), so that none is lost unseen.
const HANDSHAKE: Duration = Duration::from_millis(900);

/// How long a refusal may take at the very moment of the fence: until the second SYN is answered.
/// The kernel looks a listener up for a SYN, and only then asks which interface the listener is
/// bound to, for the way back. Where the fence comes between, there is none: no SYN-ACK, and no
/// RST (Linux, `tcp_conn_request`; `IpOutNoRoutes` counts it). A client that connected without
/// pause met this in 168 of 10,000 fences. Closing a listener has such a moment too.
const SECOND_SYN: Duration = Duration::from_millis(1900);

/// What came in place of what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Break {
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

impl fmt::Display for Break {
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

impl From<io::Error> for Break {
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
pub(super) struct Wire {
    socket: TcpStream,
    /// Received, and not yet taken.
    pub(super) buffer: Vec<u8>,
    /// When its handshake was complete.
    pub(super) since: Instant,
}

impl Wire {
    pub(super) async fn connect(to: SocketAddr) -> Result<Self, Break> {
        let hangs = |_| Break::Hanging;
        timeout(HANDSHAKE, Self::by(to, None))
            .await
            .map_err(hangs)?
    }

    /// A newcomer that may meet the fence as it goes up. Its refusal may take a second SYN; a
    /// connection may not.
    pub(super) async fn connect_at_fence(to: SocketAddr) -> Result<Self, Break> {
        let begun = Instant::now();
        let connected = timeout(SECOND_SYN, Self::by(to, None)).await;
        match connected.unwrap_or(Err(Break::Hanging)) {
            Ok(_) if begun.elapsed() > HANDSHAKE => Err(Break::Hanging),
            outcome => outcome,
        }
    }

    /// A client whose kernel takes only a few thousand bytes ahead.
    pub(super) async fn connect_with_small_window(to: SocketAddr) -> Result<Self, Break> {
        let hangs = |_| Break::Hanging;
        let connected = timeout(HANDSHAKE, Self::by(to, Some(4096))).await;
        connected.map_err(hangs)?
    }

    async fn by(to: SocketAddr, window: Option<u32>) -> Result<Self, Break> {
        let socket = match to {
            SocketAddr::V4(_) => TcpSocket::new_v4(),
            SocketAddr::V6(_) => TcpSocket::new_v6(),
        }?;
        if let Some(window) = window {
            socket.set_recv_buffer_size(window)?;
        }
        let socket = socket.connect(to).await?;
        socket.set_nodelay(true)?;
        Ok(Self {
            socket,
            buffer: Vec::new(),
            since: Instant::now(),
        })
    }

    pub(super) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Break> {
        let sent = timeout(PATIENCE, self.socket.write_all(bytes.as_ref())).await;
        Ok(sent.map_err(|_| Break::Other(format!("nothing was taken for {PATIENCE:?}")))??)
    }

    /// Reads something more. Cancel-safe.
    pub(super) async fn fill(&mut self) -> Result<(), Break> {
        self.fill_within(PATIENCE).await
    }

    pub(super) async fn fill_within(&mut self, patience: Duration) -> Result<(), Break> {
        self.buffer.reserve(64 * 1024);
        let read = timeout(patience, self.socket.read_buf(&mut self.buffer)).await;
        match read.map_err(|_| Break::Silence(patience))?? {
            0 => Err(Break::Fin),
            _ => Ok(()),
        }
    }

    /// Takes so many bytes.
    pub(super) async fn take(&mut self, count: usize) -> Result<Vec<u8>, Break> {
        while self.buffer.len() < count {
            self.fill().await?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    /// Nothing comes until then, neither a byte nor an end.
    pub(super) async fn quiet_until(&mut self, then: Instant) -> Result<(), Break> {
        if self.buffer.is_empty() {
            let patience = then.saturating_duration_since(Instant::now());
            match self.fill_within(patience).await {
                Err(Break::Silence(_)) => return Ok(()),
                Err(end) => return Err(end),
                Ok(()) => {}
            }
        }
        Err(self.unexpected())
    }

    /// The program's FIN comes, and neither a byte nor a reset before it.
    pub(super) async fn fin(&mut self) -> Result<(), Break> {
        self.fin_within(PATIENCE).await
    }

    pub(super) async fn fin_within(&mut self, patience: Duration) -> Result<(), Break> {
        if self.buffer.is_empty() {
            match self.fill_within(patience).await {
                Err(Break::Fin) => return Ok(()),
                Err(Break::Silence(lasted)) => {
                    return Err(Break::Other(format!("no FIN came for {lasted:?}")));
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

    fn unexpected(&self) -> Break {
        let start = &self.buffer[..self.buffer.len().min(40)];
        Break::Other(format!(
            "unexpected bytes came: {:?}",
            String::from_utf8_lossy(start)
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;
    use tokio::time::sleep;

    use super::*;

    /// Before the second SYN.
    const MEANWHILE: Duration = Duration::from_millis(300);

    /// A listener that answers no SYN, because its accept queue is full.
    async fn full() -> (TcpListener, SocketAddr, TcpStream) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        (
            listener,
            address,
            TcpStream::connect(address).await.unwrap(),
        )
    }

    #[tokio::test]
    async fn a_connection_that_takes_a_second_syn_hangs() {
        let (listener, address, _queued) = full().await;
        let accept = async {
            sleep(MEANWHILE).await;
            listener.accept().await.unwrap()
        };
        let (at_fence, hurried, _accepted) = tokio::join!(
            Wire::connect_at_fence(address),
            Wire::connect(address),
            accept
        );
        assert_eq!(at_fence.err(), Some(Break::Hanging));
        assert_eq!(hurried.err(), Some(Break::Hanging));
    }

    #[tokio::test]
    async fn only_at_the_fence_may_a_refusal_take_a_second_syn() {
        let (listener, address, _queued) = full().await;
        let close = async {
            sleep(MEANWHILE).await;
            drop(listener);
        };
        let (at_fence, hurried, ()) = tokio::join!(
            Wire::connect_at_fence(address),
            Wire::connect(address),
            close
        );
        assert_eq!(at_fence.err(), Some(Break::Refused));
        assert_eq!(hurried.err(), Some(Break::Hanging));
    }
}
