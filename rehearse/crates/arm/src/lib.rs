//! One arm of a rehearsal: a load on a [platform](rehearse_platform::Platform), while its pods are
//! replaced step by step. [`play()`] is the same for the model of Kubernetes and for a real cluster.

pub mod load;
mod name;
mod play;
pub mod progress;

pub use self::name::ArmName;
pub use self::play::{ArmError, ArmOutcome, Part, Stage, play};
