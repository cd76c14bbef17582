//! Where pods listen: each on its own loopback address, as each has its own in a cluster.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use thiserror::Error;

/// The ports to try, in this order: something else on this machine may listen on 0.0.0.0.
const PORTS: [(u16, u16); 4] = [(8080, 9090), (18080, 19090), (28080, 29090), (8180, 9190)];

/// Pods in one range before addresses are used again.
const HOSTS: u32 = 250 * 250;

/// Where one pod listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodAddress {
    /// Its public listener.
    pub http: SocketAddr,
    /// Its admin listener.
    pub admin: SocketAddr,
}

/// No address can be had.
#[derive(Debug, Error)]
#[error("no free loopback address for pods (last tried {tried}): {source}")]
pub struct NoAddress {
    tried: SocketAddr,
    source: io::Error,
}

/// Hands out addresses that no other run uses at the same time.
pub struct AddressPool {
    layout: Layout,
    next: AtomicU32,
}

enum Layout {
    /// `range`.x.y, one address a pod and the same ports for all. On the loopback device a listener,
    /// on an address that no pod gets, claims the range for as long as the run lasts.
    Addresses {
        range: [u8; 2],
        http: u16,
        admin: u16,
        _claim: Option<TcpListener>,
    },
    /// 127.0.0.1 and two ports a pod, where the system has no other loopback address (macOS).
    Ports,
}

impl AddressPool {
    /// Claims a range at random.
    ///
    /// # Errors
    /// If no address in 127.0.0.0/8 can be bound.
    pub fn claim() -> Result<Self, NoAddress> {
        let mut last = None;
        for attempt in 0..64 {
            let range = fastrand::u8(1..=254);
            match claim(range, PORTS[attempt % PORTS.len()]) {
                Ok(layout) => {
                    return Ok(Self {
                        layout,
                        next: AtomicU32::new(0),
                    });
                }
                Err(error) if error.source.kind() == io::ErrorKind::AddrNotAvailable => {
                    return Ok(Self {
                        layout: Layout::Ports,
                        next: AtomicU32::new(0),
                    });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("64 attempts leave an error behind"))
    }

    /// A range where nobody else is.
    pub fn of_its_own(range: [u8; 2]) -> Self {
        let (http, admin) = PORTS[0];
        Self {
            layout: Layout::Addresses {
                range,
                http,
                admin,
                _claim: None,
            },
            next: AtomicU32::new(0),
        }
    }

    /// The next pod's address.
    ///
    /// # Errors
    /// Only where pods share 127.0.0.1: if no port of a wide range is free.
    pub fn next(&self) -> Result<PodAddress, NoAddress> {
        match self.layout {
            Layout::Addresses {
                range, http, admin, ..
            } => {
                let n = self.next.fetch_add(1, Ordering::Relaxed) % HOSTS;
                let [a, b] = range;
                let ip = Ipv4Addr::new(a, b, (n / 250) as u8, (n % 250 + 1) as u8);
                Ok(PodAddress {
                    http: (ip, http).into(),
                    admin: (ip, admin).into(),
                })
            }
            Layout::Ports => self.next_ports(),
        }
    }

    fn next_ports(&self) -> Result<PodAddress, NoAddress> {
        let pair = || {
            let n = self.next.fetch_add(1, Ordering::Relaxed) % 6_000;
            let port = 20_000 + 2 * n as u16;
            let [http, admin] =
                [port, port + 1].map(|p| SocketAddr::from((Ipv4Addr::LOCALHOST, p)));
            bindable(http)
                .and(bindable(admin))
                .map(|()| PodAddress { http, admin })
        };
        (0..6_000)
            .map(|_| pair())
            .find(Result::is_ok)
            .unwrap_or_else(pair)
    }
}

fn claim(range: u8, (http, admin): (u16, u16)) -> Result<Layout, NoAddress> {
    let first = Ipv4Addr::new(127, range, 0, 1);
    bindable((first, http).into())?;
    bindable((first, admin).into())?;
    let claim = bind((Ipv4Addr::new(127, range, 255, 254), http).into())?;
    Ok(Layout::Addresses {
        range: [127, range],
        http,
        admin,
        _claim: Some(claim),
    })
}

fn bind(tried: SocketAddr) -> Result<TcpListener, NoAddress> {
    TcpListener::bind(tried).map_err(|source| NoAddress { tried, source })
}

fn bindable(address: SocketAddr) -> Result<(), NoAddress> {
    bind(address).map(drop)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn pods_and_runs_never_share_an_address() {
        let runs: Vec<AddressPool> = (0..8).map(|_| AddressPool::claim().unwrap()).collect();
        let pods: Vec<PodAddress> = runs
            .iter()
            .flat_map(|run| (0..300).map(|_| run.next().unwrap()))
            .collect();
        let distinct: HashSet<SocketAddr> = pods.iter().flat_map(|p| [p.http, p.admin]).collect();
        assert_eq!(distinct.len(), 2 * pods.len());
        assert!(distinct.iter().all(|a| a.ip().is_loopback()));
    }

    #[test]
    fn where_there_is_one_address_pods_get_ports() {
        let pool = AddressPool {
            layout: Layout::Ports,
            next: AtomicU32::new(0),
        };
        let (first, second) = (pool.next().unwrap(), pool.next().unwrap());
        let ports = HashSet::from([first.http, first.admin, second.http, second.admin]);
        assert_eq!(ports.len(), 4);
    }
}
