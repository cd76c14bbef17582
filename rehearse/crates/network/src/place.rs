//! Where a run takes place.

use std::time::Duration;

use super::{Network, Runtimes, Sides, Unavailable};
use rehearse_model::address::{AddressPool, NoAddress};

/// The two sides of a network that takes time, or else this machine as it is, where clients and
/// services meet on the loopback device.
#[derive(Debug)]
pub struct Place(Option<(Runtimes, Network)>);

impl Place {
    /// A network with this delay, if there is to be one; so many worker threads on each side.
    ///
    /// # Errors
    /// If there can be none.
    pub fn with_delay(one_way: Option<Duration>, workers: usize) -> Result<Self, Unavailable> {
        let Some(one_way) = one_way else {
            return Ok(Self(None));
        };
        let network = Network::with_delay(one_way)?;
        let runtimes = Runtimes::on(&network, workers);
        let runtimes = runtimes.map_err(Unavailable::at("start threads"))?;
        Ok(Self(Some((runtimes, network))))
    }

    /// Where to spawn clients and services.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn sides(&self) -> Sides {
        match &self.0 {
            None => Sides::here(),
            Some((runtimes, _)) => runtimes.sides(),
        }
    }

    /// The pods' addresses.
    ///
    /// # Errors
    /// If none can be had.
    pub fn addresses(&self) -> Result<AddressPool, NoAddress> {
        match &self.0 {
            None => AddressPool::claim(),
            Some(_) => Ok(AddressPool::of_its_own(super::SERVICES)),
        }
    }
}
