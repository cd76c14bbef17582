//! Emptying an accept queue.

use std::io;

use socket2::Socket;

use crate::{accept::RETRY, conn::PeerAddress, kernel};

/// Accepts whoever is in a queue, and hands them over.
pub(super) struct Sweep<'l, T, H> {
    socket: &'l Socket,
    to: T,
    /// Called if descriptors run out: somebody has to leave before more can come.
    held_up: H,
    pub(super) count: u64,
    /// What stands in the way is in the log.
    pub(super) warned: bool,
}

impl<'l, T, H> Sweep<'l, T, H>
where
    T: FnMut(Socket, PeerAddress),
    H: Fn(),
{
    pub(super) fn new(socket: &'l Socket, to: T, held_up: H) -> Self {
        Self {
            socket,
            to,
            held_up,
            count: 0,
            warned: false,
        }
    }

    /// Accepts until the queue is empty, whatever stands in the way.
    pub(super) async fn all(&mut self) {
        while let Err(error) = self.try_all() {
            if !std::mem::replace(&mut self.warned, true) {
                tracing::warn!(%error, "the accept queue is held up");
            }
            (self.held_up)();
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Asks the kernel and not the event loop.
    ///
    /// # Errors
    /// When something stands in the way, such as a want of descriptors, and the queue has more.
    fn try_all(&mut self) -> io::Result<()> {
        let socket = self.socket;
        loop {
            match socket.accept() {
                Ok((accepted, address)) => {
                    self.count += 1;
                    (self.to)(accepted, PeerAddress::accepted(&address));
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
