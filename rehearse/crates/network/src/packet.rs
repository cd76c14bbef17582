//! What the relay has to know of a packet.

use std::net::{Ipv4Addr, SocketAddrV4};

/// `protocol` of IPv4's header (RFC 791).
const TCP: u8 = 6;

/// From where and to where a TCP segment in IPv4 goes. Nothing else is carried: a device that comes
/// up sends a few packets of IPv6, which nobody here waits for.
pub(super) fn ends(packet: &[u8]) -> Option<[SocketAddrV4; 2]> {
    let (&first, &protocol) = (packet.first()?, packet.get(9)?);
    if first >> 4 != 4 || protocol != TCP {
        return None;
    }
    let segment = packet.get(4 * usize::from(first & 0xF)..)?;
    let address = |at| {
        let bytes: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(bytes))
    };
    let port = |at| {
        let bytes: [u8; 2] = segment.get(at..at + 2)?.try_into().ok()?;
        Some(u16::from_be_bytes(bytes))
    };
    let source = SocketAddrV4::new(address(12)?, port(0)?);
    let destination = SocketAddrV4::new(address(16)?, port(2)?);
    Some([source, destination])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A segment without content; `options` are bytes of IPv4's, a multiple of four.
    pub(crate) fn segment([source, destination]: [SocketAddrV4; 2], options: usize) -> Vec<u8> {
        let mut packet = vec![0; 40 + options];
        packet[0] = 0x40 | (5 + options / 4) as u8;
        packet[9] = TCP;
        packet[12..16].copy_from_slice(&source.ip().octets());
        packet[16..20].copy_from_slice(&destination.ip().octets());
        packet[20 + options..][..2].copy_from_slice(&source.port().to_be_bytes());
        packet[22 + options..][..2].copy_from_slice(&destination.port().to_be_bytes());
        packet
    }

    pub(crate) fn pair() -> [SocketAddrV4; 2] {
        ["198.19.0.2:40000", "198.18.0.1:8080"].map(|address| address.parse().unwrap())
    }

    #[test]
    fn a_segment_says_from_where_and_to_where() {
        for options in [0, 4, 40] {
            assert_eq!(ends(&segment(pair(), options)), Some(pair()));
        }
    }

    #[test]
    fn what_is_cut_short_or_no_tcp_over_ipv4_goes_nowhere() {
        let whole = segment(pair(), 8);
        for length in 0..32 {
            assert_eq!(ends(&whole[..length]), None, "{length} bytes");
        }
        let (mut udp, mut v6) = (whole.clone(), whole);
        (udp[9], v6[0]) = (17, 0x65);
        assert_eq!([ends(&udp), ends(&v6)], [None, None]);
    }
}
