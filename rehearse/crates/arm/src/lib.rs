//! One arm of a rehearsal: a load on a [platform](rehearse_platform::Platform), while its pods are
//! replaced step by step. [`run()`] is the same for the model of Kubernetes and for a real cluster.

pub mod load;
mod name;
pub mod progress;
mod run;

pub use self::name::ArmName;
pub use self::run::{ArmError, ArmOutcome, ArmPlan, Held, Together, run};
