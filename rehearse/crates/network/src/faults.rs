//! Which packets the network loses.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddrV4;

use super::packet::ends;

/// What is to be lost.
#[derive(Debug, Default)]
pub(super) struct Faults {
    vanished: HashSet<SocketAddrV4>,
    next: HashMap<SocketAddrV4, u32>,
}

impl Faults {
    /// From now on nothing comes from there, and nothing arrives there.
    pub(super) fn vanish(&mut self, peer: SocketAddrV4) {
        self.vanished.insert(peer);
    }

    /// The next packets from there are lost.
    pub(super) fn lose(&mut self, from: SocketAddrV4, packets: u32) {
        self.next.insert(from, packets);
    }

    /// Whether this packet is lost.
    pub(super) fn take(&mut self, packet: &[u8]) -> bool {
        let Some([source, destination]) = ends(packet) else {
            return true;
        };
        self.vanished.contains(&source)
            || self.vanished.contains(&destination)
            || self.is_next(source)
    }

    fn is_next(&mut self, source: SocketAddrV4) -> bool {
        let left = self.next.get_mut(&source).filter(|left| **left > 0);
        left.is_some_and(|left| {
            *left -= 1;
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::tests::{pair, segment};
    use super::*;

    #[test]
    fn who_has_vanished_neither_sends_nor_receives() {
        let [client, server] = pair();
        let other = SocketAddrV4::new(*client.ip(), client.port() + 1);
        let mut faults = Faults::default();
        assert!(!faults.take(&segment([client, server], 0)));
        faults.vanish(client);
        let lost = [
            [client, server],
            [server, client],
            [other, server],
            [server, other],
        ]
        .map(|ends| faults.take(&segment(ends, 0)));
        assert_eq!(lost, [true, true, false, false]);
    }

    #[test]
    fn as_many_packets_are_lost_as_was_said_and_of_that_peer_alone() {
        let [client, server] = pair();
        let mut faults = Faults::default();
        faults.lose(client, 2);
        let lost = [
            [server, client],
            [client, server],
            [client, server],
            [client, server],
        ]
        .map(|ends| faults.take(&segment(ends, 0)));
        assert_eq!(lost, [false, true, true, false]);
    }

    #[test]
    fn what_is_no_tcp_is_not_carried() {
        assert!(Faults::default().take(&[0x60; 48]));
    }
}
