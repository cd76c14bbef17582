//! What the drain asks of the kernel: the one module with `unsafe` code.
//!
//! Everything here is a single system call behind a safe function. On systems that have no such
//! call, [`raise_fence`] says so, and the nearest equivalent stands in.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod system;

pub(crate) mod handshakes;
pub(crate) mod inherited;
pub(crate) mod signals;

// Compiled into Linux's tests, so that it cannot rot unseen.
#[cfg(all(test, target_os = "linux"))]
mod other;

use std::{io, mem::MaybeUninit, os::fd::AsFd, sync::Arc, time::Duration};

use socket2::{SockRef, Socket};
pub(crate) use system::{
    accept_queue, is_listening, peer, raise_fence, raise_unix_fence, unacknowledged, unread,
};
use tokio::io::{Interest, unix::AsyncFd};

/// What a socket's receive queue holds at this very moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Nothing: the kernel answered EAGAIN.
    Nothing,
    /// At least one byte.
    Bytes,
    /// The peer's FIN, or an error.
    End,
}

/// What the kernel knows of a connection's other end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peer {
    /// How often the bytes that are outstanding have been sent again, without an answer.
    pub(crate) retransmissions: u8,
    /// Probes of a shut window, or of a silent peer, that have not been answered.
    pub(crate) probes: u8,
    /// The smoothed round trip.
    pub(crate) round_trip: Duration,
}

impl Peer {
    /// Whether it has gone without a word, as far as can be told of one that has acknowledged
    /// nothing for so long.
    ///
    /// Time alone proves nothing: a living reader whose window is shut acknowledges probes that
    /// come ever more rarely. And a segment or two may be lost on the way to one that lives.
    pub(crate) fn has_vanished(self, silent: Duration) -> bool {
        const RETRANSMISSIONS: u8 = 4;
        const PROBES: u8 = 2;
        const SILENCE: Duration = Duration::from_secs(5);
        let unanswered = self.retransmissions >= RETRANSMISSIONS || self.probes >= PROBES;
        unanswered && silent >= SILENCE
    }
}

/// Asks the kernel whether anything waits to be read.
///
/// tokio's own answer is not enough: after a short read it reports "not ready" from memory, and
/// what has arrived since then shows only once the event loop has been around.
pub(crate) fn waiting(socket: &impl AsFd) -> Waiting {
    let mut byte = [MaybeUninit::uninit()];
    match SockRef::from(socket).peek(&mut byte) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Waiting::Nothing,
        Ok(1..) => Waiting::Bytes,
        Ok(0) | Err(_) => Waiting::End,
    }
}

/// Asks the kernel whether a request waits to be read, or a part of one: not line ends alone, which
/// are none (RFC 9112, 2.2).
pub(crate) fn request_waits(socket: &impl AsFd) -> bool {
    // More than this are taken for a request, since one may be behind them.
    let mut bytes = [MaybeUninit::uninit(); 16];
    let Ok(count) = SockRef::from(socket).peek(&mut bytes) else {
        return false;
    };
    let mut bytes = bytes[..count].iter().map(|byte| {
        // SAFETY: the kernel has written so many.
        unsafe { byte.assume_init() }
    });
    count == 16 || bytes.any(|byte: u8| !matches!(byte, b'\r' | b'\n'))
}

/// Reads what a socket's receive queue holds at this very moment, past tokio's memory of it.
///
/// # Errors
/// The system's; `WouldBlock` if there is nothing.
#[cfg(feature = "tls")]
pub(crate) fn read_now(socket: &impl AsFd, bytes: &mut [u8]) -> io::Result<usize> {
    use io::Read as _;
    (&*SockRef::from(socket)).read(bytes)
}

/// Puts a listener on the current event loop, to hear of newcomers without accepting them.
///
/// # Errors
/// When the event loop cannot take the socket.
pub(crate) fn watch(listener: Arc<Socket>) -> io::Result<AsyncFd<Arc<Socket>>> {
    // SAFETY: the `Socket` owns its descriptor, and `as_raw_fd` returns the same one until it is
    // dropped, which `AsyncFd` does only after it has taken it off the event loop.
    unsafe { AsyncFd::register_with_interest(listener, Interest::READABLE) }.map_err(Into::into)
}

/// Raises the soft limit of descriptors to the hard one, and returns it.
///
/// The soft limit is low for the sake of `select(2)`, which nothing here uses.
///
/// # Errors
/// When the limit can be neither read nor raised.
pub(crate) fn raise_descriptor_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is to a live, writable `rlimit`, which is all that getrlimit(2) asks.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the pointer is to a live, initialised `rlimit`; setrlimit(2) only reads it.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(limit.rlim_cur)
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        server.set_nonblocking(true).unwrap();
        (client, server)
    }

    #[test]
    fn an_idle_socket_has_nothing_waiting_and_a_written_one_bytes() {
        let (mut client, server) = pair();
        assert_eq!(waiting(&server), Waiting::Nothing);
        client.write_all(b"G").unwrap();
        // On loopback a send is delivered before write(2) returns.
        assert_eq!(waiting(&server), Waiting::Bytes);
    }

    #[test]
    fn line_ends_are_no_request_unless_one_may_be_behind_them() {
        let (mut client, server) = pair();
        assert!(!request_waits(&server));
        client.write_all(b"\r\n\r").unwrap();
        assert!(!request_waits(&server));
        client.write_all(b"\nG").unwrap();
        assert!(request_waits(&server));
        let (mut client, server) = pair();
        client.write_all(&b"\r\n".repeat(8)).unwrap();
        assert!(request_waits(&server));
    }

    #[test]
    fn a_fin_is_the_end_and_not_nothing() {
        let (client, server) = pair();
        drop(client);
        assert_eq!(waiting(&server), Waiting::End);
    }

    #[test]
    fn the_soft_descriptor_limit_becomes_the_hard_one() {
        let limit = raise_descriptor_limit().unwrap();
        assert!(limit >= 64);
        assert_eq!(raise_descriptor_limit().unwrap(), limit);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn elsewhere_the_kernel_is_said_to_have_no_answer() {
        let (_client, server) = pair();
        assert!(other::raise_fence(&server).is_err());
        assert!(other::raise_unix_fence(&server).is_err());
        assert!(other::is_listening(&server).is_err());
        assert!(other::accept_queue(&server).is_err());
        assert!(other::unacknowledged(&server).is_err());
        assert!(other::unread(&server).is_err());
        assert!(other::peer(&server).is_err());
    }

    #[test]
    fn a_peer_has_vanished_when_neither_bytes_nor_probes_were_answered_for_long() {
        let (short, long) = (Duration::from_millis(4_999), Duration::from_secs(5));
        let peer = |retransmissions, probes| Peer {
            retransmissions,
            probes,
            round_trip: Duration::ZERO,
        };
        for gone in [peer(4, 0), peer(0, 2), peer(9, 9)] {
            assert!(
                gone.has_vanished(long) && !gone.has_vanished(short),
                "{gone:?}"
            );
        }
        for alive in [peer(0, 0), peer(3, 1)] {
            assert!(!alive.has_vanished(Duration::from_secs(3_600)), "{alive:?}");
        }
    }
}
