//! What this service counts, beside what the runtime does.

use lastcall::prometheus_client::{metrics::counter::Counter, registry::Registry};

/// The counters. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Orders accepted.
    pub accepted: Counter,
    /// Orders fulfilled, by this replica.
    pub fulfilled: Counter,
}

impl Metrics {
    /// Makes them part of `/metrics`.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("orders_accepted", "Orders accepted", self.accepted.clone());
        let help = "Orders fulfilled by this replica";
        registry.register("orders_fulfilled", help, self.fulfilled.clone());
    }
}
