//! A service that is replaced on one machine, at a place that stays: a Unix socket, or a listener that
//! somebody keeps.

mod clients;

use std::{
    env, fs,
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixListener},
    path::PathBuf,
};

use self::clients::{Clients, Place, Tally};
use crate::process::{Process, Setup, Signal, own_ip};

/// How a process comes to its place.
enum Way {
    /// By itself.
    Binds,
    /// By whoever has started it, and keeps the listener.
    Inherits(OwnedFd),
}

/// A place, and how processes come there.
struct Site {
    place: Place,
    way: Way,
    rule: Option<&'static str>,
}

/// How a process follows another.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// It is there before the other is told to go.
    Overlapping,
    /// It is started when the other has gone.
    OneAfterTheOther,
}

/// A socket's path, which goes with the test.
struct Socket(PathBuf);

impl Socket {
    fn new(name: &str) -> Self {
        let name = format!("rehearse-{name}-{}.sock", std::process::id());
        Self(env::temp_dir().join(name))
    }

    fn place(&self) -> Place {
        Place::Path(self.0.clone())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Site {
    fn binds(place: Place) -> Self {
        let (way, rule) = (Way::Binds, None);
        Self { place, way, rule }
    }

    /// Keeps this listener itself.
    fn keeps(place: Place, listener: impl Into<OwnedFd>) -> Self {
        let way = Way::Inherits(listener.into());
        let rule = None;
        Self { place, way, rule }
    }

    fn without(self, rule: &'static str) -> Self {
        let rule = Some(rule);
        Self { rule, ..self }
    }

    /// Starts a process, and waits until it serves.
    fn start(&self) -> Process {
        let address = match &self.place {
            Place::Port(address) => address.to_string(),
            Place::Path(path) => format!("unix:{}", path.display()),
        };
        let setup = Setup::new()
            .set("http.address", &address)
            .set("drain.min", "200ms")
            .set("drain.quiet", "50ms")
            .set("drain.max", "2s")
            .set("drain.patience", "10s")
            .sabotage(self.rule);
        let setup = match &self.way {
            Way::Binds => setup,
            Way::Inherits(listener) => setup.inherits(listener.try_clone().unwrap()),
        };
        let process = setup.spawn();
        let listening = process.log.wait_for("listening");
        assert_eq!(listening["http"], address.as_str());
        process
    }

    fn replace(&self, old: Process, order: Order) -> Process {
        match order {
            Order::Overlapping => {
                let new = self.start();
                leave(old);
                new
            }
            Order::OneAfterTheOther => {
                leave(old);
                self.start()
            }
        }
    }

    /// Replaces a process so often, under clients that go on all the time.
    fn replaced(&self, times: u32, order: Order) -> Tally {
        let mut process = self.start();
        let clients = Clients::gather(&self.place);
        clients.go_on();
        for _ in 0..times {
            process = self.replace(process, order);
            clients.go_on();
        }
        let tally = clients.end();
        leave(process);
        println!("{:?}, {order:?}, {times} times: {tally:?}", self.place);
        tally
    }
}

/// Tells a process to go, and waits until it has gone without having cut anything.
fn leave(process: Process) {
    process.signal(Signal::SIGTERM);
    assert_eq!(process.end().code, Some(0));
}

/// Both kinds of listener that can be kept.
fn kept(name: &str) -> (Socket, [Site; 2]) {
    let socket = Socket::new(name);
    let tcp = TcpListener::bind((own_ip(), 0)).unwrap();
    let port = Place::Port(tcp.local_addr().unwrap());
    let path = UnixListener::bind(&socket.0).unwrap();
    let sites = [Site::keeps(port, tcp), Site::keeps(socket.place(), path)];
    (socket, sites)
}

#[test]
fn a_listener_that_somebody_keeps_loses_nobody_in_whatever_order_processes_come() {
    let (_socket, sites) = kept("kept");
    for site in sites {
        assert_eq!(site.replaced(10, Order::Overlapping).failed, 0);
        assert_eq!(site.replaced(3, Order::OneAfterTheOther).failed, 0);
    }
}

#[test]
fn a_kept_listener_that_a_process_closes_for_all_is_lost() {
    let (_socket, sites) = kept("deafened");
    for site in sites {
        let site = site.without("deafen-given");
        assert!(site.replaced(1, Order::Overlapping).failed > 0);
    }
}

#[test]
fn a_successor_takes_a_unix_socket_over_without_a_moment_of_absence() {
    let socket = Socket::new("taken-over");
    let site = Site::binds(socket.place());
    assert_eq!(site.replaced(10, Order::Overlapping).failed, 0);
    assert!(!socket.0.exists());
    let late = site.replaced(1, Order::OneAfterTheOther);
    assert!(late.failed > 0, "or nobody could have seen an absence");
}

#[test]
fn a_port_that_nobody_keeps_is_refused_between_two_processes() {
    let free = TcpListener::bind((own_ip(), 0)).unwrap();
    let site = Site::binds(Place::Port(free.local_addr().unwrap()));
    drop(free);
    assert!(site.replaced(1, Order::OneAfterTheOther).failed > 0);
}
