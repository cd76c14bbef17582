//! The list as text: `/proc/net/tcp`. It is everywhere, but it holds every connection in TIME_WAIT
//! too, of which a pod with one-shot clients has tens of thousands: tens of milliseconds to print.

use std::{fs, io, net::SocketAddr};

/// State 03 of the table's `st` column: SYN_RECV (include/net/tcp_states.h).
const SYN_RECV: &str = "03";

/// Both tables are read, because an IPv4 handshake on an IPv6 listener is listed in `tcp6` alone.
///
/// # Errors
/// When the tables cannot be read: no procfs, or not Linux.
pub(super) fn in_progress(listener: SocketAddr) -> io::Result<usize> {
    let tcp = fs::read_to_string("/proc/net/tcp")?;
    // Absent where IPv6 is disabled.
    let tcp6 = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    Ok(count(&tcp, listener) + count(&tcp6, listener))
}

fn count(table: &str, listener: SocketAddr) -> usize {
    table
        .lines()
        .skip(1)
        .filter(|line| is_ours(line, listener).unwrap_or(false))
        .count()
}

/// A line is `sl local_address rem_address st …`, addresses as `HEX:PORT`.
fn is_ours(line: &str, listener: SocketAddr) -> Option<bool> {
    let mut columns = line.split_ascii_whitespace().skip(1);
    let (address, port) = columns.next()?.rsplit_once(':')?;
    let state = columns.nth(1)?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let address_matches = match listener {
        _ if listener.ip().is_unspecified() => true,
        // Each 32-bit word stands in the machine's own byte order.
        SocketAddr::V4(v4) => {
            let word = format!("{:08X}", u32::from_ne_bytes(v4.ip().octets()));
            address.ends_with(&word)
        }
        SocketAddr::V6(_) => true,
    };
    Some(state == SYN_RECV && port == listener.port() && address_matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0500007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0500007F:1F90 0100007F:9C40 03 00000000:00000000 01:00000064 00000000     0        0 0 1
   2: 0600007F:1F90 0100007F:9C41 03 00000000:00000000 01:00000064 00000000     0        0 0 1
   3: 0500007F:1F91 0100007F:9C42 03 00000000:00000000 01:00000064 00000000     0        0 0 1
   4: 0500007F:1F90 0100007F:9C43 01 00000000:00000000 00:00000000 00000000     0        0 2 1
";

    #[test]
    #[cfg(target_endian = "little")]
    fn only_our_own_address_and_port_in_syn_recv_count() {
        assert_eq!(count(TABLE, "127.0.0.5:8080".parse().unwrap()), 1);
    }

    #[test]
    fn a_wildcard_listener_counts_its_port_on_every_address() {
        assert_eq!(count(TABLE, "0.0.0.0:8080".parse().unwrap()), 2);
        assert_eq!(count(TABLE, "[::]:8081".parse().unwrap()), 1);
    }

    #[test]
    fn a_line_that_is_no_entry_is_passed_over() {
        assert_eq!(
            count("head\n\nnonsense\n", "0.0.0.0:80".parse().unwrap()),
            0
        );
    }
}
