//! Linux: the fence and its queries.

use std::{
    io, mem,
    net::Shutdown,
    os::fd::{AsFd, AsRawFd},
    time::Duration,
};

use socket2::SockRef;

use super::Peer;

/// `SO_BINDTOIFINDEX` (Linux 5.1; without privilege on an unbound socket since 5.7). The libc
/// crate has it for some architectures only; the number is the same wherever Rust's Linux runs
/// but on parisc and sparc.
const SO_BINDTOIFINDEX: libc::c_int = 62;

/// An interface that cannot exist: indices are handed out from 1 upwards.
static NO_INTERFACE: libc::c_int = 0x7fff_ffff;

/// Refuses new handshakes from this instant on, and leaves those begun, and the accept queue,
/// alone: a SYN is looked up against listeners bound to its interface, and this one is now bound
/// to none that exists. It cannot be undone without privilege.
///
/// A SYN that the kernel has looked up and not yet answered at this instant stays unanswered: the
/// way back is looked for by the interface. Its client's second one, a second later, is refused.
///
/// # Errors
/// Where the kernel has no such option (before 5.1, gVisor) or wants privilege for it (before 5.7).
pub(crate) fn raise_fence(listener: &impl AsFd) -> io::Result<()> {
    let fd = listener.as_fd().as_raw_fd();
    let size = mem::size_of_val(&NO_INTERFACE) as libc::socklen_t;
    // SAFETY: `fd` is open for as long as `listener` is borrowed; the kernel reads `size` bytes
    // of a constant that is as long.
    let done = unsafe {
        let value = (&raw const NO_INTERFACE).cast();
        libc::setsockopt(fd, libc::SOL_SOCKET, SO_BINDTOIFINDEX, value, size)
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The fence of a Unix socket: connect(2) looks whether the listener can still be read from, and gets into
/// its queue, under one lock (`unix_stream_connect`), which this takes, too. So whoever is not in the queue
/// by now is refused, and nothing keeps accept(2) from emptying it. Whoever waits for room in the queue looks
/// the path up again once there is some.
///
/// # Errors
/// When it is no Unix socket that listens.
pub(crate) fn raise_unix_fence(listener: &impl AsFd) -> io::Result<()> {
    SockRef::from(listener).shutdown(Shutdown::Read)
}

/// Whether listen(2) was called on a socket.
///
/// # Errors
/// When it is no socket.
pub(crate) fn is_listening(socket: &impl AsFd) -> io::Result<bool> {
    SockRef::from(socket).is_listener()
}

/// The connections that are established and not yet accepted: of a listening socket,
/// `tcpi_unacked` is the length of the queue.
///
/// # Errors
/// When the socket is not a TCP socket.
pub(crate) fn accept_queue(listener: &impl AsFd) -> io::Result<u32> {
    Ok(tcp_info(listener)?.tcpi_unacked)
}

/// Bytes, our FIN among them, that the peer's kernel has not yet acknowledged. None once the connection is no more, as after a reset:
/// the count then stands for ever, and nothing can reach the peer.
///
/// # Errors
/// When the socket is not a TCP socket.
pub(crate) fn unacknowledged(socket: &impl AsFd) -> io::Result<usize> {
    /// include/net/tcp_states.h
    const TCP_CLOSE: u8 = 7;
    let bytes = outgoing_queue(socket)?;
    if bytes > 0 && tcp_info(socket)?.tcpi_state == TCP_CLOSE {
        return Ok(0);
    }
    Ok(bytes)
}

/// How much memory is taken by what the peer of a Unix socket has not read. None once it has closed
/// its end.
///
/// # Errors
/// When it is no socket.
pub(crate) fn unread(socket: &impl AsFd) -> io::Result<usize> {
    outgoing_queue(socket)
}

/// `SIOCOUTQ`, which has the number of `TIOCOUTQ` (tcp(7)).
fn outgoing_queue(socket: &impl AsFd) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: `fd` is open for as long as `socket` is borrowed; the kernel writes one int.
    let done = unsafe { libc::ioctl(fd, libc::TIOCOUTQ, &raw mut bytes) };
    match done {
        0 => Ok(bytes.unsigned_abs() as usize),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What the kernel knows of the other end.
///
/// # Errors
/// When the socket is not a TCP socket.
pub(crate) fn peer(socket: &impl AsFd) -> io::Result<Peer> {
    let info = tcp_info(socket)?;
    Ok(Peer {
        retransmissions: info.tcpi_retransmits,
        probes: info.tcpi_probes,
        round_trip: Duration::from_micros(info.tcpi_rtt.into()),
    })
}

fn tcp_info(socket: &impl AsFd) -> io::Result<libc::tcp_info> {
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: `tcp_info` is a plain structure of integers, for which all zeroes is a value.
    let mut info: libc::tcp_info = unsafe { mem::zeroed() };
    let mut size = mem::size_of_val(&info) as libc::socklen_t;
    // SAFETY: `fd` is open for as long as `socket` is borrowed; the kernel writes at most `size`
    // bytes into `info`, which is that long, and the new length into `size`.
    let done = unsafe {
        let value = (&raw mut info).cast();
        libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_INFO, value, &raw mut size)
    };
    if done == 0 {
        Ok(info)
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Read as _, Write as _},
        net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
        os::unix::net::UnixStream,
    };

    use super::*;

    fn the_fence_refuses_newcomers_and_keeps_the_queue(address: SocketAddr) {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = TcpStream::connect(address).unwrap();
        queued.write_all(b"hello").unwrap();
        assert_eq!(accept_queue(&listener).unwrap(), 1);

        raise_fence(&listener).unwrap();

        let refused = TcpStream::connect_timeout(&address, Duration::from_secs(5)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let (mut accepted, _) = listener.accept().unwrap();
        let mut bytes = [0; 5];
        accepted.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"hello");
        assert_eq!(accept_queue(&listener).unwrap(), 0);
    }

    #[test]
    fn the_fence_holds_for_ipv4() {
        the_fence_refuses_newcomers_and_keeps_the_queue((Ipv4Addr::LOCALHOST, 0).into());
    }

    #[test]
    fn the_fence_holds_for_ipv6() {
        // A machine may be without IPv6; then there is nothing to fence.
        if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok() {
            the_fence_refuses_newcomers_and_keeps_the_queue((Ipv6Addr::LOCALHOST, 0).into());
        }
    }

    #[test]
    fn bytes_that_the_peer_has_no_room_for_are_unacknowledged() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        // Set on the listener, since a window that is open cannot be shrunk.
        SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
        let mut writer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut reader, _) = listener.accept().unwrap();
        assert_eq!(unacknowledged(&writer).unwrap(), 0);

        writer.set_nonblocking(true).unwrap();
        while writer.write(&[0; 65536]).is_ok() {}
        assert!(unacknowledged(&writer).unwrap() > 0);

        drop(writer);
        std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
    }

    #[test]
    fn what_the_peer_of_a_unix_socket_has_not_read_is_unread_until_it_reads_or_leaves() {
        for leaves in [false, true] {
            let (mut writer, mut reader) = UnixStream::pair().unwrap();
            assert_eq!(unread(&writer).unwrap(), 0);
            writer.write_all(b"hello").unwrap();
            assert!(unread(&writer).unwrap() > 0);
            match leaves {
                true => drop(reader),
                false => reader.read_exact(&mut [0; 5]).unwrap(),
            }
            assert_eq!(unread(&writer).unwrap(), 0);
        }
    }

    #[test]
    fn a_reset_leaves_nothing_to_be_acknowledged() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut writer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (reader, _) = listener.accept().unwrap();
        // Closed with bytes unread, it answers RST.
        writer.write_all(b"unread").unwrap();
        drop(reader);
        let _ = writer.write(b"after the reset");
        assert_eq!(unacknowledged(&writer).unwrap(), 0);
    }
}
