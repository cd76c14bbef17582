//! A network that takes time between a service and its clients (Linux, root).

use std::{
    fs,
    io::{self, Write as _},
    net::{SocketAddr, SocketAddrV4, TcpStream},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use rehearse::network::{Network, SERVICES, Unavailable};

use crate::{harness::Service, process::Setup, socket::Socket, wire::Wire};

/// The network, seen by a test that runs on the services' side of it.
#[derive(Debug)]
pub(crate) struct Delayed {
    network: Network,
}

/// Runs `test` on the services' side of a network on which each packet takes `one_way`: what it
/// starts is there, and so is what it asks the admin listener. Where there can be no such network
/// the test is skipped, and says so.
pub(crate) fn delayed(one_way: Duration, test: impl FnOnce(&Delayed) + Send) {
    match Network::with_delay(one_way) {
        Ok(network) => {
            let delayed = Delayed { network };
            let services = delayed.network.services();
            services.run(|| test(&delayed)).unwrap();
        }
        Err(unavailable) => skip(&unavailable),
    }
}

fn skip(unavailable: &Unavailable) {
    assert!(!is_possible(), "this test must run here: {unavailable}");
    // Not by `eprintln!`, which the harness keeps to itself when a test passes.
    let said = format!("skipped: {unavailable}\n");
    io::stderr().write_all(said.as_bytes()).unwrap();
}

/// Where nothing is in its way, a skipped test is a failed one.
fn is_possible() -> bool {
    nix::unistd::geteuid().is_root() && fs::exists("/dev/net/tun").unwrap_or_default()
}

impl Delayed {
    /// The same process, within reach of this network's clients.
    pub(crate) fn within_reach(&self, setup: Setup) -> Setup {
        static NEXT: AtomicU16 = AtomicU16::new(1);
        let [c, d] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let [a, b] = SERVICES;
        setup.set("http.address", &format!("{a}.{b}.{c}.{d}:0"))
    }

    /// A client's connection.
    #[track_caller]
    pub(crate) fn connect(&self, service: &Service) -> Wire {
        let address = service.http;
        let connected = self.network.clients().run(|| TcpStream::connect(address));
        Wire::new(connected.unwrap().unwrap())
    }

    /// A client's WebSocket.
    #[track_caller]
    pub(crate) fn open(&self, service: &Service) -> Socket {
        let mut wire = self.connect(service);
        wire.send(crate::socket::HANDSHAKE);
        Socket::opened(wire)
    }

    /// Whatever this client sends from now on is lost, and whatever is sent to it.
    pub(crate) fn vanish(&self, client: &Wire) {
        self.network.vanish(address(client));
    }

    /// The next packet that this client sends is lost.
    pub(crate) fn lose_next(&self, client: &Wire) {
        self.network.lose(address(client), 1);
    }
}

fn address(client: &Wire) -> SocketAddrV4 {
    match client.local_address() {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => unreachable!("these networks have no IPv6"),
    }
}
