//! A network that takes time, between clients and services.
//!
//! On loopback to send is to deliver: a client that asks the kernel right before it writes always
//! sees the server's FIN, and a loss that needs the FIN to be on its way cannot happen. [`Network`]
//! is two network namespaces, one for the clients and one for the services, each with a TUN device;
//! a relay carries every packet from one to the other, [`Network::with_delay`]'s time late, and can
//! lose some. (`netem` would do the same; many kernels come without it.) The namespaces have no
//! name, so that nothing is left behind however this process ends: the kernel takes them down with
//! the last process in them.
//!
//! A thread belongs to a namespace, and so do the sockets and the processes that it makes, whoever
//! uses them later. Hence [`Sides`]: clients run on one tokio runtime, services on another.

#[cfg(target_os = "linux")]
mod delayed;
#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod line;
#[cfg(target_os = "linux")]
mod link;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(target_os = "linux")]
mod packet;
mod place;
#[cfg(target_os = "linux")]
mod relay;
#[cfg(not(target_os = "linux"))]
mod unsupported;

use std::io;

use thiserror::Error;
use tokio::runtime::Handle;

#[cfg(target_os = "linux")]
pub use self::delayed::{Network, Runtimes};
#[cfg(target_os = "linux")]
pub use self::namespace::Namespace;
pub use self::place::Place;
#[cfg(not(target_os = "linux"))]
pub use self::unsupported::{Network, Runtimes};

/// The first two bytes of the services' addresses: all of 198.18.0.0/16 is theirs. The range is
/// set aside for measurements of networks (RFC 2544).
pub const SERVICES: [u8; 2] = [198, 18];

/// There can be no such network here.
#[derive(Debug, Error)]
#[error("a network that takes time needs Linux, root and /dev/net/tun: cannot {step}: {cause}")]
pub struct Unavailable {
    step: &'static str,
    cause: io::Error,
}

impl Unavailable {
    fn at(step: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |cause| Self { step, cause }
    }
}

/// Where clients and services run: what is spawned there has its sockets and processes there.
#[derive(Clone, Debug)]
pub struct Sides {
    /// Clients.
    pub clients: Handle,
    /// Services, and whatever is on a machine with them: probes, hooks.
    pub services: Handle,
}

impl Sides {
    /// Both where this is called from, and so with nothing but the loopback device in between.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn here() -> Self {
        Self {
            clients: Handle::current(),
            services: Handle::current(),
        }
    }
}
