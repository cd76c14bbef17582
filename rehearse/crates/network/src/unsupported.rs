//! Where there are no network namespaces.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use super::{Sides, Unavailable};

/// A network that takes time: none here.
#[derive(Debug)]
pub struct Network(Infallible);

impl Network {
    /// None.
    ///
    /// # Errors
    /// Always.
    pub fn with_delay(_: Duration) -> Result<Self, Unavailable> {
        Err(Unavailable {
            step: "make a network namespace",
            cause: io::ErrorKind::Unsupported.into(),
        })
    }
}

/// A tokio runtime on each side of a network: none here.
#[derive(Debug)]
pub struct Runtimes(Infallible);

impl Runtimes {
    /// None.
    ///
    /// # Errors
    /// Never, as there is no network.
    pub fn on(network: &Network, _: usize) -> io::Result<Self> {
        match network.0 {}
    }

    /// None.
    pub fn sides(&self) -> Sides {
        match self.0 {}
    }
}
