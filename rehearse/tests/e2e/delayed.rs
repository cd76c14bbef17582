//! A network that takes time between a service and its clients (Linux, root).

use std::{
    fs,
    io::{self, Write as _},
    net::{SocketAddr, SocketAddrV4},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use rehearse_network::{Network, SERVICES, Unavailable};

use crate::{
    harness::Service,
    process::Setup,
    socket::{self, HANDSHAKE},
    until,
    wire::Wire,
};

/// States as the kernel writes them: a handshake that waits for the client's last word, and a FIN
/// that has not been acknowledged.
const SYN_RECV: &str = "03";
const FIN_WAIT_1: &str = "04";

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
        self.on_clients_side(|| Wire::connect(service.http))
    }

    /// A client whose kernel takes only a few thousand bytes ahead.
    #[track_caller]
    pub(crate) fn connect_with_small_window(&self, service: &Service) -> Wire {
        self.on_clients_side(|| Wire::connect_with_small_window(service.http))
    }

    #[track_caller]
    fn on_clients_side<T: Send>(&self, what: impl FnOnce() -> T + Send) -> T {
        self.network.clients().run(what).unwrap()
    }

    /// A client's WebSocket.
    #[track_caller]
    pub(crate) fn open(&self, service: &Service) -> socket::Socket {
        let mut wire = self.connect(service);
        wire.send(HANDSHAKE);
        socket::Socket::opened(wire)
    }

    /// Waits until the service has ended this client's connection, which the client does not know
    /// before the network's delay has passed.
    #[track_caller]
    pub(crate) fn wait_fin_on_its_way(&self, client: &Wire) {
        wait_for_socket("a FIN on its way", client, |socket| {
            socket.state == FIN_WAIT_1
        });
    }

    /// Waits until a handshake with the service has begun, and is not complete.
    #[track_caller]
    pub(crate) fn wait_handshake(&self, service: &Service) {
        let port = service.http.port();
        wait_for("a handshake", |socket| {
            (socket.local_port, &*socket.state) == (port, SYN_RECV)
        });
    }

    /// Waits until this client has acknowledged all that the service has sent it.
    #[track_caller]
    pub(crate) fn wait_nothing_on_its_way(&self, client: &Wire) {
        wait_for_socket("all acknowledged", client, |socket| !socket.unacknowledged);
    }

    /// Waits until the service has sent more than this client has acknowledged.
    #[track_caller]
    pub(crate) fn wait_something_on_its_way(&self, client: &Wire) {
        wait_for_socket("bytes on their way", client, |socket| socket.unacknowledged);
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

/// The service's end of a connection, as its kernel sees it.
struct Socket {
    local_port: u16,
    remote: String,
    state: String,
    unacknowledged: bool,
}

/// Waits for this client's socket.
#[track_caller]
fn wait_for_socket(what: &str, client: &Wire, reached: impl Fn(&Socket) -> bool) {
    let client = address(client);
    // The address as a number in the machine's order.
    let ip = u32::from_ne_bytes(client.ip().octets());
    let remote = format!("{ip:08X}:{:04X}", client.port());
    wait_for(what, |socket| socket.remote == remote && reached(socket));
}

#[track_caller]
fn wait_for(what: &str, reached: impl Fn(&Socket) -> bool) {
    until(what, || {
        let sockets = fs::read_to_string("/proc/thread-self/net/tcp").unwrap();
        let mut sockets = sockets.lines().filter_map(socket);
        sockets.any(|socket| reached(&socket)).then_some(())
    });
}

/// Reads a line of `/proc/net/tcp`, `sl local remote state tx_queue:rx_queue ...`, in hexadecimal.
fn socket(line: &str) -> Option<Socket> {
    let columns: Vec<&str> = line.split_ascii_whitespace().collect();
    let [_, local, remote, state, queues, ..] = columns[..] else {
        return None;
    };
    let (_, port) = local.split_once(':')?;
    Some(Socket {
        local_port: u16::from_str_radix(port, 16).ok()?,
        remote: remote.to_owned(),
        state: state.to_owned(),
        unacknowledged: !queues.starts_with("00000000:"),
    })
}

fn address(client: &Wire) -> SocketAddrV4 {
    match client.local_address() {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => unreachable!("these networks have no IPv6"),
    }
}
