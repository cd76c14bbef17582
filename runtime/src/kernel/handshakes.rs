//! TCP handshakes in progress: clients that have had our SYN-ACK and not yet answered it. They
//! complete into the accept queue after the fence is up.

mod diag;
mod procfs;

use std::{io, net::SocketAddr};

/// How many handshakes with `listener` are in progress.
///
/// # Errors
/// When the kernel gives no list: neither sock_diag nor procfs, or not Linux.
pub(crate) fn in_progress(listener: SocketAddr) -> io::Result<usize> {
    diag::in_progress(listener).or_else(|_| procfs::in_progress(listener))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::{
        io::Write as _,
        net::{TcpListener, TcpStream},
        os::fd::AsRawFd as _,
    };

    use super::*;

    /// With this option a handshake stays in SYN_RECV until the client's first byte: the one way
    /// to hold one open without dropping packets.
    fn defer_accept(listener: &TcpListener) {
        let seconds: libc::c_int = 30;
        let size = size_of_val(&seconds) as libc::socklen_t;
        let value = (&raw const seconds).cast();
        let option = libc::TCP_DEFER_ACCEPT;
        // SAFETY: the descriptor is open, and the kernel reads one int.
        let done = unsafe {
            libc::setsockopt(listener.as_raw_fd(), libc::IPPROTO_TCP, option, value, size)
        };
        assert_eq!(done, 0);
    }

    fn a_handshake_is_listed_until_it_is_complete(address: &str) {
        // A machine may be without IPv6; then there is nothing to list.
        let Ok(listener) = TcpListener::bind(address) else {
            return;
        };
        defer_accept(&listener);
        let bound = listener.local_addr().unwrap();
        type List = fn(SocketAddr) -> io::Result<usize>;
        let lists: [List; 3] = [in_progress, diag::in_progress, procfs::in_progress];
        for list in lists {
            assert_eq!(list(bound).unwrap(), 0);
        }
        let reached = SocketAddr::new("127.0.0.1".parse().unwrap(), bound.port());
        let mut client = TcpStream::connect(reached).unwrap();
        for list in lists {
            assert_eq!(list(bound).unwrap(), 1);
        }
        client.write_all(b"G").unwrap();
        listener.accept().unwrap();
        for list in lists {
            assert_eq!(list(bound).unwrap(), 0);
        }
    }

    #[test]
    fn a_handshake_is_listed_by_address() {
        a_handshake_is_listed_until_it_is_complete("127.0.0.1:0");
    }

    #[test]
    fn a_handshake_is_listed_on_a_wildcard() {
        a_handshake_is_listed_until_it_is_complete("0.0.0.0:0");
    }

    #[test]
    fn an_ipv4_handshake_is_listed_on_an_ipv6_listener() {
        a_handshake_is_listed_until_it_is_complete("[::]:0");
    }
}
