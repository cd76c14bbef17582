//! What replaces pods, by one interface: the model of Kubernetes and a real cluster implement
//! [`Platform`], so that every scenario runs on both. Here is also what both tell of pods and
//! endpoints: [`history`] for the log, and [`Ledger`], in which ends are counted.

mod drain_report;
pub mod history;
mod ledger;
mod platform;
mod shell;
mod step;

pub use self::drain_report::DrainReport;
pub use self::history::{Condition, EndpointEvent, PodChange, PodEvent};
pub use self::ledger::{Fault, Ledger};
pub use self::platform::{Happened, Platform};
pub use self::shell::quoted;
pub use self::step::{Step, Steps};

/// A pod's number within its arm, in order of creation.
pub type PodId = u64;
