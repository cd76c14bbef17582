//! A port of this process' own.

use std::{io, net::SocketAddr, time::Duration};

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// TCP's keep-alive: the kernel probes a peer that has been silent for so long, at this interval, and
/// gives it up after nine probes (tcp(7)).
const PEER_SILENT: Duration = Duration::from_secs(60);
const PEER_PROBED: Duration = Duration::from_secs(10);

/// Whose connections an address of IPv6 takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versions {
    /// Those of IPv4, too, if it is `[::]`, whatever the system's `net.ipv6.bindv6only` says.
    All,
    /// Its own: somebody else takes those of IPv4.
    Own,
}

/// Takes an address; port 0 is any free one.
pub(super) fn bind(address: SocketAddr, versions: Versions) -> io::Result<(Socket, SocketAddr)> {
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
    prepare_connections(&socket)?;
    socket.bind(&address.into())?;
    let address = socket.local_addr()?.as_socket().unwrap_or(address);
    Ok((socket, address))
}

/// What connections inherit of the socket that they are accepted from.
pub(super) fn prepare_connections(socket: &Socket) -> io::Result<()> {
    // A response's last segment must not wait for the acknowledgement of the one before (Nagle).
    socket.set_tcp_nodelay(true)?;
    // A peer that has vanished is owed nothing, and a handler that waits for
    // hours, as an event stream's may, would never hear of it.
    let keep_alive = TcpKeepalive::new()
        .with_time(PEER_SILENT)
        .with_interval(PEER_PROBED);
    socket.set_tcp_keepalive(&keep_alive)
}
