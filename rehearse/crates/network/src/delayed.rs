//! Two namespaces, and the wire between them.

use std::io;
use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::faults::Faults;
use super::namespace::Namespace;
use super::relay::Relay;
use super::{Sides, Unavailable, link};

/// A network that takes time; see the module.
#[derive(Debug)]
pub struct Network {
    clients: Arc<Namespace>,
    services: Arc<Namespace>,
    faults: Arc<Mutex<Faults>>,
    _relay: Relay,
}

impl Network {
    /// A network on which each packet takes `one_way`, in either direction.
    ///
    /// # Errors
    /// If there can be none: elsewhere than on Linux, without root's capabilities, without
    /// `/dev/net/tun`.
    pub fn with_delay(one_way: Duration) -> Result<Self, Unavailable> {
        let namespace = || Namespace::new().map_err(Unavailable::at("make a network namespace"));
        let (clients, services) = (namespace()?, namespace()?);
        let device = |made: io::Result<io::Result<_>>| {
            made.flatten().map_err(Unavailable::at("make a TUN device"))
        };
        let devices = [
            device(clients.run(link::clients))?,
            device(services.run(link::services))?,
        ];
        let faults = Arc::default();
        let relay = Relay::start(devices, one_way, Arc::clone(&faults));
        Ok(Self {
            clients: Arc::new(clients),
            services: Arc::new(services),
            faults,
            _relay: relay.map_err(Unavailable::at("start a thread"))?,
        })
    }

    /// Where clients are.
    pub fn clients(&self) -> &Namespace {
        &self.clients
    }

    /// Where services are: they listen on addresses in [`super::SERVICES`], any of them.
    pub fn services(&self) -> &Namespace {
        &self.services
    }

    /// From now on nothing comes from this address of a client or a service, and nothing arrives
    /// there, as when a cable is cut. What is on its way arrives.
    pub fn vanish(&self, peer: SocketAddrV4) {
        self.faults().vanish(peer);
    }

    /// The next packets from this address are lost.
    pub fn lose(&self, from: SocketAddrV4, packets: u32) {
        self.faults().lose(from, packets);
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A tokio runtime on each side of a network.
#[derive(Debug)]
pub struct Runtimes {
    clients: Runtime,
    services: Runtime,
}

impl Runtimes {
    /// Starts both, with so many worker threads each.
    ///
    /// # Errors
    /// If a thread or a reactor cannot be had.
    pub fn on(network: &Network, workers: usize) -> io::Result<Self> {
        Ok(Self {
            clients: runtime(&network.clients, workers)?,
            services: runtime(&network.services, workers)?,
        })
    }

    /// Where to spawn.
    pub fn sides(&self) -> Sides {
        Sides {
            clients: self.clients.handle().clone(),
            services: self.services.handle().clone(),
        }
    }
}

fn runtime(namespace: &Arc<Namespace>, workers: usize) -> io::Result<Runtime> {
    let namespace = Arc::clone(namespace);
    let enter = move || {
        let entered = namespace.enter();
        // Who measures outside the network would measure nothing, and not know it.
        entered.expect("who could make a namespace can enter it");
    };
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).on_thread_start(enter);
    builder.enable_all().build()
}
