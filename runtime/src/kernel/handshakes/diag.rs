//! The list from the kernel itself: sock_diag(7), which sends what is asked for and no more.

use std::{
    io::{self, Read as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use socket2::{Domain, Protocol, Socket, Type};

const AF_NETLINK: i32 = 16;
const NETLINK_SOCK_DIAG: i32 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP`
const REQUEST_DUMP: u16 = 0x301;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const IPPROTO_TCP: u8 = 6;
const TCPF_SYN_RECV: u32 = 1 << 3;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// `struct nlmsghdr`: length, type, flags, sequence number, port id.
const HEADER: usize = 16;
/// `struct inet_diag_req_v2`: family, protocol, extensions, padding, states, socket id.
const REQUEST: usize = 56;

/// # Errors
/// When the kernel has no sock_diag for TCP, or a sandbox forbids it.
pub(super) fn in_progress(listener: SocketAddr) -> io::Result<usize> {
    // Only the family that can have some: for each list the kernel walks all of the machine's
    // connections. An IPv4 handshake on an IPv6 listener is one of IPv6.
    match listener {
        SocketAddr::V4(_) => ask(AF_INET, listener),
        SocketAddr::V6(_) => Ok(ask(AF_INET, listener)? + ask(AF_INET6, listener)?),
    }
}

fn ask(family: u8, listener: SocketAddr) -> io::Result<usize> {
    let netlink = Domain::from(AF_NETLINK);
    let mut socket = Socket::new(
        netlink,
        Type::DGRAM,
        Some(Protocol::from(NETLINK_SOCK_DIAG)),
    )?;
    socket.send(&request(family, listener.port()))?;
    let mut buffer = vec![0; 32 * 1024];
    let mut count = 0;
    loop {
        let received = socket.read(&mut buffer)?;
        if add(&buffer[..received], listener, &mut count)? {
            return Ok(count);
        }
    }
}

/// Asks for the sockets in SYN_RECV with this source port.
fn request(family: u8, port: u16) -> [u8; HEADER + REQUEST] {
    let mut bytes = [0; HEADER + REQUEST];
    bytes[..4].copy_from_slice(&((HEADER + REQUEST) as u32).to_ne_bytes());
    bytes[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes[6..8].copy_from_slice(&REQUEST_DUMP.to_ne_bytes());
    bytes[HEADER] = family;
    bytes[HEADER + 1] = IPPROTO_TCP;
    bytes[HEADER + 4..HEADER + 8].copy_from_slice(&TCPF_SYN_RECV.to_ne_bytes());
    bytes[HEADER + 8..HEADER + 10].copy_from_slice(&port.to_be_bytes());
    bytes
}

/// Counts the sockets of one datagram. True when it was the last.
fn add(mut datagram: &[u8], listener: SocketAddr, count: &mut usize) -> io::Result<bool> {
    while let Some((length, kind)) = header(datagram) {
        // A length that cannot be would never let the loop end.
        let message = datagram
            .get(HEADER..length)
            .ok_or(io::ErrorKind::InvalidData)?;
        match kind {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => return Err(error(message)),
            _ if is_ours(message, listener) => *count += 1,
            _ => {}
        }
        // Messages begin at multiples of four.
        datagram = datagram
            .get(length.next_multiple_of(4)..)
            .unwrap_or_default();
    }
    Ok(false)
}

fn header(bytes: &[u8]) -> Option<(usize, u16)> {
    let length = u32::from_ne_bytes(*bytes.first_chunk()?);
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    Some((length as usize, kind))
}

/// `struct nlmsgerr` begins with the negative errno.
fn error(message: &[u8]) -> io::Error {
    let errno = message
        .first_chunk()
        .map_or(0, |bytes| i32::from_ne_bytes(*bytes));
    io::Error::from_raw_os_error(-errno)
}

/// `struct inet_diag_msg`: family, state, timer, retransmissions, then the socket id: source and
/// destination port, source and destination address.
fn is_ours(message: &[u8], listener: SocketAddr) -> bool {
    let Some((family, port, address)) = source(message) else {
        return false;
    };
    let address = match family {
        AF_INET => IpAddr::from(Ipv4Addr::from_octets([
            address[0], address[1], address[2], address[3],
        ])),
        _ => IpAddr::from(Ipv6Addr::from_octets(address)).to_canonical(),
    };
    let bound = listener.ip();
    port == listener.port() && (bound.is_unspecified() || bound.to_canonical() == address)
}

fn source(message: &[u8]) -> Option<(u8, u16, [u8; 16])> {
    let port = u16::from_be_bytes(*message.get(4..)?.first_chunk()?);
    Some((*message.first()?, port, *message.get(8..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(HEADER, 0);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn socket(port: u16, address: [u8; 4]) -> Vec<u8> {
        let mut body = vec![AF_INET, 3, 0, 0];
        body.extend(port.to_be_bytes());
        body.extend([0, 0]);
        body.extend(address);
        body.resize(72, 0);
        message(SOCK_DIAG_BY_FAMILY, &body)
    }

    #[test]
    fn only_our_own_address_and_port_count_until_the_list_ends() {
        let datagram = [
            socket(8080, [127, 0, 0, 5]),
            socket(8080, [127, 0, 0, 6]),
            socket(8081, [127, 0, 0, 5]),
        ]
        .concat();
        let (mut one, mut all) = (0, 0);
        assert!(!add(&datagram, "127.0.0.5:8080".parse().unwrap(), &mut one).unwrap());
        assert!(!add(&datagram, "[::]:8080".parse().unwrap(), &mut all).unwrap());
        assert_eq!((one, all), (1, 2));
        assert!(
            add(
                &message(NLMSG_DONE, &[0; 4]),
                "0.0.0.0:1".parse().unwrap(),
                &mut one
            )
            .unwrap()
        );
    }

    #[test]
    fn the_kernels_refusal_and_a_mangled_answer_are_errors() {
        let address = "0.0.0.0:1".parse().unwrap();
        let refusal = message(NLMSG_ERROR, &(-libc::ENOENT).to_ne_bytes());
        let error = add(&refusal, address, &mut 0).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOENT));
        assert!(add(&[1, 0, 0, 0, 0, 0, 0, 0], address, &mut 0).is_err());
    }
}
