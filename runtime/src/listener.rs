//! The public listener: binding, accepting, and the fence.

use std::{
    io,
    net::{Shutdown, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    accept::RETRY,
    conn::PeerAddress,
    control::Fenced,
    kernel::{self, handshakes},
};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// How long a handshake in progress is waited for: a client whose SYN-ACK was lost needs up to a
/// second to send its SYN again (RFC 6298, 2.1).
const HANDSHAKES: Duration = Duration::from_secs(1);

/// TCP's keep-alive: the kernel probes a peer that has been silent for so long, at this interval, and
/// gives it up after nine probes (tcp(7)).
const PEER_SILENT: Duration = Duration::from_secs(60);
const PEER_PROBED: Duration = Duration::from_secs(10);

/// How often the list of handshakes is looked at while there are any.
const LOOK: Duration = Duration::from_millis(5);

/// A socket that has its address, and to which nobody can connect yet.
#[derive(Debug)]
pub(crate) struct Bound {
    socket: Socket,
    address: SocketAddr,
}

/// Takes an address; port 0 is any free one.
///
/// # Errors
/// The system's: the port is in use, the address is not this machine's, no permission.
pub(crate) fn bind(address: SocketAddr) -> io::Result<Bound> {
    bind_for(address, Versions::All)
}

/// Whose connections an address of IPv6 takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versions {
    /// Those of IPv4, too, if it is `[::]`, whatever the system's `net.ipv6.bindv6only` says.
    All,
    /// Its own: somebody else takes those of IPv4.
    Own,
}

/// [`bind`], for these.
///
/// # Errors
/// As [`bind`].
pub(crate) fn bind_for(address: SocketAddr, versions: Versions) -> io::Result<Bound> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(versions == Versions::Own)?;
    }
    // A restart must not wait for the connections of the process before it in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Connections inherit this and what follows. A response's last segment must not wait for the
    // acknowledgement of the one before (Nagle).
    socket.set_tcp_nodelay(true)?;
    // A peer that has vanished is owed nothing, and a handler that waits for
    // hours, as an event stream's may, would never hear of it.
    let keep_alive = TcpKeepalive::new()
        .with_time(PEER_SILENT)
        .with_interval(PEER_PROBED);
    socket.set_tcp_keepalive(&keep_alive)?;
    socket.bind(&address.into())?;
    let address = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok(Bound { socket, address })
}

impl Bound {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets clients connect.
    ///
    /// # Errors
    /// When somebody else listens there by now.
    pub(crate) fn listen(self, backlog: u32) -> io::Result<Listener> {
        self.socket
            .listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        Ok(Listener {
            socket: Arc::new(self.socket),
            address: self.address,
        })
    }
}

/// A socket that clients can connect to.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Arc<Socket>,
    address: SocketAddr,
}

impl Listener {
    /// Another descriptor of the same socket, to accept from: an event loop takes each only once, and
    /// [`Self::waiting`] may run on the same one.
    ///
    /// # Errors
    /// When there is none left.
    pub(crate) fn share(&self) -> io::Result<Arc<Socket>> {
        self.socket.try_clone().map(Arc::new)
    }

    /// Waits until somebody is in the accept queue; how many, as far as the kernel says.
    pub(crate) async fn waiting(&self) -> usize {
        // On the event loop only now: it would hear of every newcomer.
        let Ok(socket) = kernel::watch(Arc::clone(&self.socket)) else {
            tokio::time::sleep(RETRY).await;
            return 1;
        };
        loop {
            let Ok(mut ready) = socket.readable().await else {
                return std::future::pending().await;
            };
            match kernel::accept_queue(&self.socket) {
                Ok(0) => ready.clear_ready(),
                Ok(count) => return count as usize,
                Err(_) => return 1,
            }
        }
    }

    /// Refuses newcomers, hands over whoever had come, and closes.
    ///
    /// In this order: refuse new handshakes; list those in progress; accept until the queue is
    /// empty; close only if the list was empty *before* that sweep, or after a second. A
    /// handshake that completes between the sweep and the close would be reset.
    ///
    /// `held_up` is called if descriptors run out: somebody has to leave before more can come.
    pub(crate) async fn fence(
        &self,
        mut accepted: impl FnMut(Socket, PeerAddress),
        held_up: impl Fn(),
    ) -> Fenced {
        let mut fenced = Fenced::default();
        match kernel::raise_fence(&self.socket) {
            Ok(()) => fenced.kernel = true,
            Err(error) => tracing::warn!(
                %error,
                "this system has no fence: clients that connect at this moment may be reset"
            ),
        }
        let raised = Instant::now();
        let mut warned = false;
        loop {
            let in_progress = fenced.kernel && self.handshakes_in_progress(&mut warned);
            while let Err(error) = self.sweep(&mut fenced.accepted, &mut accepted) {
                if !warned {
                    tracing::warn!(%error, "the accept queue is held up");
                    warned = true;
                }
                held_up();
                tokio::time::sleep(RETRY).await;
            }
            if !in_progress || raised.elapsed() >= HANDSHAKES {
                self.close();
                return fenced;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Closes the socket, whoever has a descriptor of it: a worker that a handler blocks has one still.
    pub(crate) fn close(&self) {
        // Fails only if it is closed.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn handshakes_in_progress(&self, warned: &mut bool) -> bool {
        handshakes::in_progress(self.address).map_or_else(
            |error| {
                if !std::mem::replace(warned, true) {
                    tracing::warn!(%error, "handshakes cannot be listed: waiting for a second");
                }
                true
            },
            |count| count > 0,
        )
    }

    /// Accepts until the queue is empty, asking the kernel and not the event loop.
    ///
    /// # Errors
    /// When something stands in the way, such as a want of descriptors, and the queue has more.
    fn sweep(
        &self,
        count: &mut u64,
        accepted: &mut impl FnMut(Socket, PeerAddress),
    ) -> io::Result<()> {
        let socket = &self.socket;
        loop {
            match socket.accept() {
                Ok((stream, address)) => {
                    *count += 1;
                    accepted(stream, PeerAddress::accepted(&address));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if is_of_one_connection(&error) => {}
                // accept(2) looks for a descriptor first, and at the queue second.
                Err(_) if kernel::accept_queue(socket).is_ok_and(|left| left == 0) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}

/// Errors of the connection that was at the head of the queue, and has gone with them (accept(2)
/// passes pending network errors on).
pub(crate) fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
    )
}
