//! One connection to one endpoint: opened for a request, perhaps kept for more, never shared.

use std::io::{self, ErrorKind};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::buffer::{self, Buffer};
use super::failure::{FailureKind, Fault};
use super::stage::Stage;
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
    stream: TcpStream,
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

/// The handshake, and nothing else.
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

impl Connection {
    /// Connects. A slow reader bounds the kernel's buffer, in bytes, or it would not be slow.
    pub(super) async fn open(
        peer: SocketAddr,
        deadline: Instant,
        receive_buffer: Option<u32>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            stream: connect(peer, deadline, receive_buffer).await?,
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
    pub(super) fn idle(&self) -> Idle {
        if !self.buffer.unread().is_empty() {
            return Idle::Stray;
        }
        match self.peek() {
            Ok(0) => Idle::Ended(self.finished()),
            Ok(_) => Idle::Stray,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Idle::Quiet,
            Err(error) => Idle::Ended(self.broken(&error)),
        }
    }

    /// Resolves once the server has ended this idle connection. Cancel-safe.
    pub(super) async fn ended(&self) {
        while self.stream.readable().await.is_ok() {
            match self.stream.try_io(Interest::READABLE, || self.peek()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Bytes that nobody asked for: the next request reports them.
                Ok(1..) => std::future::pending().await,
                Ok(0) | Err(_) => return,
            }
        }
    }

    /// Writes `bytes`, and stops as soon as the server, not reading them all, speaks.
    pub(super) async fn send(&mut self, mut bytes: &[u8]) -> Result<Sent, Fault> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
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
    pub(super) fn send_some(&self, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
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
                _ = self.stream.readable() => if self.has_spoken()? {
                    return Ok(Sent::Interrupted);
                },
                () = sleep_until(until.min(self.deadline)) => break,
            }
        }
        self.check_deadline()?;
        Ok(Sent::Whole)
    }

    /// Reads what is there, at least one byte; 0 is a FIN. Cancel-safe.
    pub(super) async fn fill(&mut self) -> Result<usize, Fault> {
        let Some(room) = self.buffer.room() else {
            return Err(Fault::bad("a head or line longer than the buffer"));
        };
        match timeout_at(self.deadline, self.stream.read(room)).await {
            Ok(Ok(read)) => {
                self.buffer.filled(read);
                if self.stage == Stage::Nothing && read > 0 {
                    self.stage = Stage::Head;
                    self.first_byte = Some(Instant::now());
                }
                Ok(read)
            }
            Ok(Err(error)) => Err(self.broken(&error)),
            Err(_) => Err(self.late()),
        }
    }

    /// Whether a byte, or a FIN, waits to be read; an error is the connection's end.
    fn has_spoken(&self) -> Result<bool, Fault> {
        match self.stream.try_io(Interest::READABLE, || self.peek()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(self.broken(&error)),
        }
    }

    fn peek(&self) -> io::Result<usize> {
        SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()])
    }
}
