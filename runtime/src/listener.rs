//! The public listener: binding, accepting, and the fence.

mod given;
mod sweep;
mod tcp;
#[cfg(test)]
mod tests;
mod unix;

use std::{
    io,
    net::{Shutdown, SocketAddr},
    os::fd::OwnedFd,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use socket2::Socket;

use self::sweep::Sweep;
pub(crate) use self::{given::Unfit, sweep::is_of_one_connection, tcp::Versions};
use crate::{
    Address,
    accept::RETRY,
    conn::PeerAddress,
    control::{Fenced, Newcomers},
    kernel::{self, handshakes},
};

/// How long a handshake in progress is waited for: a client whose SYN-ACK was lost needs up to a
/// second to send its SYN again (RFC 6298, 2.1).
const HANDSHAKES: Duration = Duration::from_secs(1);

/// How often the list of handshakes is looked at while there are any.
const LOOK: Duration = Duration::from_millis(5);

/// An address that was taken, and at which nobody can connect to this process yet.
#[derive(Debug)]
pub(crate) enum Bound {
    Port {
        socket: Socket,
        address: SocketAddr,
    },
    /// Tried out; and whoever serves there goes on until this process listens.
    Path(PathBuf),
    /// Somebody else's, who has clients connect already.
    Given {
        socket: Socket,
        address: Address,
    },
}

/// Takes an address; port 0 is any free one.
///
/// # Errors
/// The system's: the port is in use, the address is not this machine's, no permission, no such folder.
pub(crate) fn bind(address: &Address) -> io::Result<Bound> {
    match address {
        Address::Tcp(address) => bind_port(*address, Versions::All),
        Address::Unix(path) => unix::try_out(path).map(|()| Bound::Path(path.clone())),
    }
}

/// [`bind`], for the connections of these versions of IP.
///
/// # Errors
/// As [`bind`].
pub(crate) fn bind_port(address: SocketAddr, versions: Versions) -> io::Result<Bound> {
    let (socket, address) = tcp::bind(address, versions)?;
    Ok(Bound::Port { socket, address })
}

/// Takes a listener that somebody else holds.
///
/// # Errors
/// When the descriptor is no listener.
pub(crate) fn take(descriptor: OwnedFd) -> Result<Bound, Unfit> {
    let (socket, address) = given::take(descriptor)?;
    Ok(Bound::Given { socket, address })
}

impl Bound {
    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Port { address, .. } => Address::Tcp(*address),
            Self::Path(path) => Address::Unix(path.clone()),
            Self::Given { address, .. } => address.clone(),
        }
    }

    /// Lets clients connect.
    ///
    /// # Errors
    /// When somebody else listens at the port by now, or the path can be taken no more.
    pub(crate) fn listen(self, backlog: u32) -> io::Result<Listener> {
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        let (socket, kind) = match self {
            Self::Port { socket, address } => {
                socket.listen(backlog)?;
                (socket, Kind::Port(address))
            }
            Self::Path(path) => {
                let (socket, entry) = unix::listen(&path, backlog)?;
                (socket, Kind::Path(entry))
            }
            Self::Given { socket, .. } => (socket, Kind::Given),
        };
        let socket = Arc::new(socket);
        Ok(Listener { socket, kind })
    }
}

/// A socket that clients can connect to.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Arc<Socket>,
    kind: Kind,
}

/// Whose a listener is, and where.
#[derive(Debug)]
enum Kind {
    Port(SocketAddr),
    Path(unix::Entry),
    /// Its queue, and who may connect, are somebody else's. It is never closed, but for this process' own
    /// descriptor.
    Given,
}

impl Listener {
    /// What it says of whoever routes to this process that somebody connects.
    pub(crate) fn newcomers(&self) -> Newcomers {
        match self.kind {
            Kind::Port(_) | Kind::Path(_) => Newcomers::OurOwn,
            Kind::Given => Newcomers::Anybodys,
        }
    }

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
    /// A listener that was given is left alone: the fence would deafen everybody who holds it, and its
    /// queue is for whoever accepts next.
    pub(crate) async fn fence(
        &self,
        to: impl FnMut(Socket, PeerAddress),
        held_up: impl Fn(),
    ) -> Fenced {
        let mut sweep = Sweep::new(&self.socket, to, held_up);
        let raised = match &self.kind {
            Kind::Port(_) => kernel::raise_fence(&self.socket),
            Kind::Path(entry) => {
                entry.remove();
                while entry.was_just_replaced() {
                    sweep.all().await;
                    tokio::time::sleep(LOOK).await;
                }
                kernel::raise_unix_fence(&self.socket)
            }
            Kind::Given => return Fenced::default(),
        };
        if let Err(error) = &raised {
            tracing::warn!(
                %error,
                "this system has no fence: clients that connect at this moment may be reset"
            );
        }
        let (kernel, since) = (raised.is_ok(), Instant::now());
        loop {
            let in_progress = kernel && self.handshakes_in_progress(&mut sweep.warned);
            sweep.all().await;
            if !in_progress || since.elapsed() >= HANDSHAKES {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        self.close();
        Fenced {
            accepted: sweep.count,
            kernel: Some(kernel),
        }
    }

    /// Closes the socket, whoever in this process has a descriptor of it: a worker that a handler blocks
    /// has one still.
    pub(crate) fn close(&self) {
        match &self.kind {
            Kind::Port(_) => self.deafen(),
            Kind::Path(entry) => {
                entry.remove();
                self.deafen();
            }
            Kind::Given => {}
        }
    }

    /// Has nobody connect any more, whoever holds the socket.
    pub(crate) fn deafen(&self) {
        // Fails only if it is closed.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn handshakes_in_progress(&self, warned: &mut bool) -> bool {
        let Kind::Port(address) = self.kind else {
            // connect(2) has no handshake: it is in the queue, or has failed.
            return false;
        };
        handshakes::in_progress(address).map_or_else(
            |error| {
                if !std::mem::replace(warned, true) {
                    tracing::warn!(%error, "handshakes cannot be listed: waiting for a second");
                }
                true
            },
            |count| count > 0,
        )
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close();
    }
}
