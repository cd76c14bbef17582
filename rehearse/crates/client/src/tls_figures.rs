//! What TLS came to on the connections of a plan.

use serde::Serialize;
use tokio::time::Instant;

use super::log::{Connection, Ended, Log, Tls, TlsEnd};

/// The figures of connections over TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TlsFigures {
    /// Handshakes that took up an earlier session.
    pub resumed: u64,
    /// What all the others showed, in the order in which each certificate was first seen.
    pub certificates: Vec<Certificate>,
    /// Connections that the server ended by `close_notify`.
    pub closed: u64,
    /// Connections that it ended without that, while no request was due.
    pub truncated: u64,
}

/// A certificate that servers showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Its CRC-32.
    pub crc32: u32,
    /// Connections on which it was shown.
    pub connections: u64,
    /// When it was first seen.
    #[serde(skip)]
    pub first: Instant,
}

impl TlsFigures {
    /// Those of a log; `None` if nobody spoke TLS.
    pub(super) fn of(log: &Log) -> Option<Self> {
        let secured = |connection: &Connection| Some((connection.tls?, *connection));
        let mut secured = log.connections.iter().filter_map(secured).peekable();
        secured.peek()?;
        let mut figures = Self::default();
        for (tls, connection) in secured {
            figures.enter(tls, &connection);
        }
        Some(figures)
    }

    fn enter(&mut self, tls: Tls, connection: &Connection) {
        match tls.handshake.resumed {
            true => self.resumed += 1,
            false => self.show(Certificate {
                crc32: tls.handshake.certificate,
                connections: 1,
                first: connection.opened,
            }),
        }
        let with_request = matches!(connection.ended, Some((_, Ended::WithRequest)));
        match tls.end {
            Some(TlsEnd::CloseNotify) => self.closed += 1,
            // What failed with it says so by itself.
            Some(TlsEnd::Truncated) if !with_request => self.truncated += 1,
            _ => {}
        }
    }

    fn show(&mut self, shown: Certificate) {
        let known = self
            .certificates
            .iter_mut()
            .find(|known| known.crc32 == shown.crc32);
        match known {
            Some(known) => {
                known.connections += shown.connections;
                known.first = known.first.min(shown.first);
            }
            None => self.certificates.push(shown),
        }
    }

    /// Adds another plan's figures to these.
    pub(super) fn merge(&mut self, other: Self) {
        self.resumed += other.resumed;
        self.closed += other.closed;
        self.truncated += other.truncated;
        for shown in other.certificates {
            self.show(shown);
        }
        self.certificates.sort_by_key(|shown| shown.first);
    }
}
