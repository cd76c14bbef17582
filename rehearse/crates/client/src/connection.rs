//! One connection to one endpoint: opened for a request, perhaps kept for more, never shared.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::buffer::{self, Buffer};
use super::failure::{FailureKind, Fault};
use super::stage::Stage;
use rehearse_tls::{Connector, End, Received, Secured, Stream};
use rehearse_wire::http1::Body;

/// Long enough for a lost SYN and its retries after 1 and 3 s, which then show as slow successes
/// near 1,000 and 3,000 ms, as they do for real clients, and not as failures of the service.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What becomes of the connection after the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It waits for the next request.
    Kept,
    /// The client is done with it.
    Dismissed,
    /// The client would keep it, and the server said no.
    Ended,
}

/// What the kernel knows of a connection on which nothing is due.
#[derive(Debug)]
pub(super) enum Idle {
    Quiet,
    Stray,
    Ended(Fault),
}

/// Whether a request went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Sent {
    Whole,
    /// The server spoke, or ended the connection, while there was still something to send.
    Interrupted,
}

#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    pub(super) peer: SocketAddr,
    /// Its number in the log.
    pub(super) number: u32,
    /// When the first byte of this response came.
    pub(super) first_byte: Option<Instant>,
    /// By when the response must be complete.
    pub(super) deadline: Instant,
    pub(super) fate: Fate,
    pub(super) stage: Stage,
    pub(super) body: Body,
    /// Bytes of content received in this response.
    pub(super) received: u64,
    pub(super) buffer: Buffer,
}

/// TCP's handshake, and nothing else.
pub(super) async fn connect(
    peer: SocketAddr,
    deadline: Instant,
    receive_buffer: Option<u32>,
) -> Result<TcpStream, Fault> {
    let connecting = async {
        let socket = match peer {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let stream = socket.connect(peer).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    let until = deadline.min(Instant::now() + CONNECT_TIMEOUT);
    let stream = timeout_at(until, connecting)
        .await
        .map_err(|_| Fault::new(FailureKind::ConnectTimeout, "no handshake in time"))?
        .map_err(|error: io::Error| Fault::connect(&error))?;
    // TCP's simultaneous open lets a local connect to a port without listener succeed by
    // meeting itself, if the kernel happens to choose that very port for its source.
    if stream.local_addr().is_ok_and(|local| local == peer) {
        let kind = FailureKind::ConnectRefused;
        return Err(Fault::new(kind, "connected to itself"));
    }
    Ok(stream)
}

/// TLS's handshake, if there is to be one.
pub(super) async fn secure(
    tcp: TcpStream,
    deadline: Instant,
    tls: Option<&Connector>,
) -> Result<Stream, Fault> {
    let until = deadline.min(Instant::now() + CONNECT_TIMEOUT);
    let secured = timeout_at(until, Stream::over(tcp, tls)).await;
    let failed = |detail| Fault::new(FailureKind::HandshakeFailed, detail);
    secured
        .map_err(|_| failed("no end of the handshake in time".to_owned()))?
        .map_err(|error| failed(error.to_string()))
}

impl Connection {
    /// Connects. A slow reader bounds the kernel's buffer, in bytes, or it would not be slow.
    pub(super) async fn open(
        peer: SocketAddr,
        deadline: Instant,
        receive_buffer: Option<u32>,
        tls: Option<&Connector>,
    ) -> Result<Self, Fault> {
        let tcp = connect(peer, deadline, receive_buffer).await?;
        Ok(Self {
            stream: secure(tcp, deadline, tls).await?,
            peer,
            number: 0,
            first_byte: None,
            deadline,
            fate: Fate::Kept,
            stage: Stage::Nothing,
            body: Body::Done,
            received: 0,
            buffer: Buffer::new(receive_buffer.map_or(buffer::LARGEST, |_| buffer::SMALLEST)),
        })
    }

    /// Makes ready for a request.
    pub(super) fn begin(&mut self, deadline: Instant) {
        (self.deadline, self.stage, self.received) = (deadline, Stage::Nothing, 0);
        self.first_byte = None;
    }

    /// Asks the kernel, not tokio, whose view of the socket may be one turn of the reactor old.
    pub(super) fn idle(&mut self) -> Idle {
        if !self.buffer.unread().is_empty() {
            return Idle::Stray;
        }
        let Stream { tcp, layer } = &mut self.stream;
        match layer.look(tcp) {
            Ok(Received::End(end)) => Idle::Ended(self.finished(end)),
            Ok(Received::Bytes(_)) => Idle::Stray,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Idle::Quiet,
            Err(error) => Idle::Ended(self.broken(&error)),
        }
    }

    /// Resolves once the server has ended this idle connection. Cancel-safe.
    pub(super) async fn ended(&mut self) {
        if let Ok(Received::Bytes(_)) = self.stream.look().await {
            // Bytes that nobody asked for: the next request reports them.
            std::future::pending().await
        }
    }

    /// Writes `bytes`, and stops as soon as the server, not reading them all, speaks.
    pub(super) async fn send(&mut self, mut bytes: &[u8]) -> Result<Sent, Fault> {
        while !bytes.is_empty() || self.stream.layer.must_flush() {
            let written = match bytes.is_empty() {
                true => self.stream.try_flush().map(|()| 0),
                false => self.stream.try_write(bytes),
            };
            match written {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let ready = self.stream.ready(Interest::READABLE | Interest::WRITABLE);
                    let late = |_| Fault::new(FailureKind::Timeout, "while sending the request");
                    let _ = timeout_at(self.deadline, ready).await.map_err(late)?;
                    if self.has_spoken()? {
                        return Ok(Sent::Interrupted);
                    }
                }
                Err(error) => return Err(self.broken(&error)),
            }
        }
        Ok(Sent::Whole)
    }

    /// Writes as much of `bytes` as the kernel takes now, and leaves the rest.
    pub(super) fn send_some(&mut self, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        while !bytes.is_empty() || self.stream.layer.must_flush() {
            let written = match bytes.is_empty() {
                true => self.stream.try_flush().map(|()| 0),
                false => self.stream.try_write(bytes),
            };
            match written {
                Ok(written) => drop(bytes.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(self.broken(&error)),
            }
        }
        Ok(())
    }

    /// Waits until `until` in the middle of a request, unless the server speaks first.
    pub(super) async fn pause(&mut self, until: Instant) -> Result<Sent, Fault> {
        loop {
            tokio::select! {
                _ = self.stream.tcp.readable() => if self.has_spoken()? {
                    return Ok(Sent::Interrupted);
                },
                () = sleep_until(until.min(self.deadline)) => break,
            }
        }
        self.check_deadline()?;
        Ok(Sent::Whole)
    }

    /// Reads what is there, or the end. Cancel-safe.
    pub(super) async fn fill(&mut self) -> Result<Received, Fault> {
        let Some(room) = self.buffer.room() else {
            return Err(Fault::bad("a head or line longer than the buffer"));
        };
        match timeout_at(self.deadline, self.stream.read(room)).await {
            Ok(Ok(Received::Bytes(read))) => {
                self.buffer.filled(read);
                if self.stage == Stage::Nothing {
                    self.stage = Stage::Head;
                    self.first_byte = Some(Instant::now());
                }
                Ok(Received::Bytes(read))
            }
            Ok(Ok(end)) => Ok(end),
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(self.late()),
        }
    }

    /// Whether a byte, or an end, waits to be read; an error is the connection's end.
    fn has_spoken(&mut self) -> Result<bool, Fault> {
        match self.stream.try_look() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// What TLS's handshake came to, if there was one.
    pub(super) fn secured(&self) -> Option<Secured> {
        self.stream.layer.secured()
    }

    /// How the server ended it by TLS, as far as is known.
    pub(super) fn tls_end(&self) -> Option<End> {
        self.stream.layer.end()
    }

    /// Waits until the server has ended it, whatever it still says.
    pub(super) async fn see_off(&mut self, deadline: Instant) {
        self.deadline = deadline;
        while let Ok(Received::Bytes(read)) = self.fill().await {
            self.buffer.consume(read);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stream.close();
    }
}
