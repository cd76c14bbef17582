//! What TLS came to, and the exchange of a certificate in the middle of a run.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use comfy_table::Table;
use serde::Serialize;
use tokio::time::Instant;

use super::table::{align, table};
use super::{ArmReport, thousands};
use rehearse_client::TlsFigures;
use rehearse_platform::PodChange;

/// A certificate that was put in another one's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// When.
    #[serde(skip)]
    pub at: Instant,
    /// The CRC-32 of the one before.
    pub old: u32,
    /// The CRC-32 of the one behind.
    pub new: u32,
}

impl Exchange {
    /// Connections to which a pod that was ready before the exchange showed the new certificate: it has
    /// read it again.
    pub fn read_again(&self, arm: &ArmReport) -> u64 {
        let ready = arm.pods.history.iter();
        let ready = ready.filter(|event| event.what == PodChange::Ready);
        let ready: BTreeMap<SocketAddr, Instant> =
            ready.map(|event| (event.address, event.at)).collect();
        let connections = arm.clients.iter().flat_map(|kind| &kind.log.connections);
        let shown = connections.filter(|connection| {
            let shows_new = connection
                .tls
                .is_some_and(|tls| !tls.handshake.resumed && tls.handshake.certificate == self.new);
            shows_new && ready.get(&connection.peer).is_some_and(|at| *at < self.at)
        });
        shown.count() as u64
    }
}

const COLUMNS: [&str; 7] = [
    "over TLS",
    "old certificate",
    "new",
    "of these by older pods",
    "resumed",
    "close_notify",
    "without",
];

/// A row for each arm that spoke TLS: by handshake, and by how the server ended it.
pub(super) fn tls(arms: &[ArmReport], exchange: Option<&Exchange>) -> Option<Table> {
    let spoken = arms
        .iter()
        .filter_map(|arm| Some((arm, arm.total.tls.as_ref()?)));
    let rows: Vec<_> = spoken.map(|(arm, tls)| row(arm, tls, exchange)).collect();
    if rows.is_empty() {
        return None;
    }
    let mut table = table(&COLUMNS);
    table.add_rows(rows);
    Some(align(table))
}

fn row(arm: &ArmReport, tls: &TlsFigures, exchange: Option<&Exchange>) -> Vec<String> {
    let shown = |crc32: u32| {
        let mut certificates = tls.certificates.iter();
        let shown = certificates.find(|certificate| certificate.crc32 == crc32);
        shown.map_or(0, |certificate| certificate.connections)
    };
    let (old, new, read_again) = match exchange {
        Some(exchange) => (
            shown(exchange.old),
            shown(exchange.new),
            exchange.read_again(arm),
        ),
        None => (
            tls.certificates.iter().map(|one| one.connections).sum(),
            0,
            0,
        ),
    };
    let figures = [old, new, read_again, tls.resumed, tls.closed, tls.truncated];
    std::iter::once(arm.arm.to_string())
        .chain(figures.map(thousands))
        .collect()
}
