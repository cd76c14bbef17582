//! Who is at the other end of a connection.

use std::{
    fmt,
    net::SocketAddr,
    sync::atomic::{AtomicU16, Ordering::Relaxed},
};

use socket2::SockAddr;

/// The address of a connection's other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeerAddress {
    Tcp(SocketAddr),
    /// Clients of a Unix socket have none that means anything. They are numbered, so that there is
    /// something to tell them apart by.
    Unix {
        number: u16,
    },
}

impl PeerAddress {
    /// As `accept` has given it.
    pub(crate) fn accepted(address: &SockAddr) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        match address.as_socket() {
            Some(address) => Self::Tcp(address),
            None => Self::Unix {
                number: NEXT.fetch_add(1, Relaxed),
            },
        }
    }

    /// What an application is told.
    pub(crate) fn socket_address(self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(address),
            Self::Unix { .. } => None,
        }
    }

    /// What tells connections apart that came together: the client's port, or the number.
    pub(super) fn number(self) -> u16 {
        match self {
            Self::Tcp(address) => address.port(),
            Self::Unix { number } => number,
        }
    }
}

/// As the log shows it.
impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { .. } => f.write_str("unix"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_a_unix_socket_has_no_address_and_a_number_of_its_own() {
        let unnamed = SockAddr::unix("").expect("a name");
        let [one, two] = [(); 2].map(|()| PeerAddress::accepted(&unnamed));
        assert_eq!(
            (one.socket_address(), one.to_string()),
            (None, "unix".to_owned())
        );
        assert_ne!(one.number(), two.number());
        let address = SocketAddr::from(([192, 0, 2, 1], 4711));
        let tcp = PeerAddress::accepted(&address.into());
        assert_eq!((tcp, tcp.number()), (PeerAddress::Tcp(address), 4711));
        assert_eq!(tcp.to_string(), "192.0.2.1:4711");
    }
}
