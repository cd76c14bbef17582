//! How a connection comes to be, or not.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::time::{Instant, timeout};

use rehearse_wire::http1::Body;

use super::{Connection, Spoken, Unexpected};
use rehearse_tls::{Connector, Stream};

/// How long a handshake may take before it counts as hanging: less than the second after which a
/// client's kernel sends a lost SYN again (RFC 6298, 5.7), so that none is lost unseen.
pub(super) const HANDSHAKE: Duration = Duration::from_millis(900);

/// How long a refusal may take at the very moment at which the listener closes: until the second SYN is answered.
/// The kernel looks a listener up for a SYN, and only then asks which interface the listener is
/// bound to, for the way back. Where the close comes between, there is none: no SYN-ACK, and no
/// RST (Linux, `tcp_conn_request`; `IpOutNoRoutes` counts it). A client that connected without
/// pause met this in 168 of 10,000 closes. Closing a listener has such a moment too.
const SECOND_SYN: Duration = Duration::from_millis(1900);

/// Where a connection goes, and with what it speaks TLS there, if it does.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<Connector>,
}

impl From<SocketAddr> for Target {
    /// In the clear.
    fn from(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }
}

impl Connection {
    pub(crate) async fn connect(to: impl Into<Target>) -> Result<Self, Unexpected> {
        let hangs = |_| Unexpected::Hanging;
        timeout(HANDSHAKE, Self::by(to.into(), None))
            .await
            .map_err(hangs)?
    }

    /// A new connection that may meet the listener as it closes. Its refusal may take a second SYN; a
    /// connection may not.
    pub(crate) async fn connect_while_closing(to: impl Into<Target>) -> Result<Self, Unexpected> {
        let begun = Instant::now();
        let connected = timeout(SECOND_SYN, Self::by(to.into(), None)).await;
        match connected.unwrap_or(Err(Unexpected::Hanging)) {
            Ok(_) if begun.elapsed() > HANDSHAKE => Err(Unexpected::Hanging),
            outcome => outcome,
        }
    }

    /// A client whose kernel takes only a few thousand bytes ahead.
    pub(crate) async fn connect_with_small_window(
        to: impl Into<Target>,
    ) -> Result<Self, Unexpected> {
        let hangs = |_| Unexpected::Hanging;
        let connected = timeout(HANDSHAKE, Self::by(to.into(), Some(4096))).await;
        connected.map_err(hangs)?
    }

    /// A client at another address of this machine.
    pub(crate) async fn connect_from(source: IpAddr, to: SocketAddr) -> Result<Self, Unexpected> {
        let socket = socket(to)?;
        socket.bind((source, 0).into())?;
        let connected = timeout(HANDSHAKE, Self::over(socket, to.into())).await;
        connected.map_err(|_| Unexpected::Hanging)?
    }

    async fn by(to: Target, window: Option<u32>) -> Result<Self, Unexpected> {
        let socket = socket(to.address)?;
        if let Some(window) = window {
            socket.set_recv_buffer_size(window)?;
        }
        Self::over(socket, to).await
    }

    async fn over(socket: TcpSocket, to: Target) -> Result<Self, Unexpected> {
        let tcp = socket.connect(to.address).await?;
        tcp.set_nodelay(true)?;
        Ok(Self {
            stream: Stream::unspoken(tcp, to.tls.as_ref())?,
            spoken: Spoken::Nothing,
            buffer: Vec::new(),
            body: Body::Done,
            since: Instant::now(),
        })
    }
}

fn socket(to: SocketAddr) -> io::Result<TcpSocket> {
    match to {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::{TcpListener, TcpStream};
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
        let (while_closing, hurried, _accepted) = tokio::join!(
            Connection::connect_while_closing(address),
            Connection::connect(address),
            accept
        );
        assert_eq!(while_closing.err(), Some(Unexpected::Hanging));
        assert_eq!(hurried.err(), Some(Unexpected::Hanging));
    }

    #[tokio::test]
    async fn only_while_a_listener_closes_may_a_refusal_take_a_second_syn() {
        let (listener, address, _queued) = full().await;
        let close = async {
            sleep(MEANWHILE).await;
            drop(listener);
        };
        let (while_closing, hurried, ()) = tokio::join!(
            Connection::connect_while_closing(address),
            Connection::connect(address),
            close
        );
        assert_eq!(while_closing.err(), Some(Unexpected::Refused));
        assert_eq!(hurried.err(), Some(Unexpected::Hanging));
    }
}
