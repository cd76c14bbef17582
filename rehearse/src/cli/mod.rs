//! The command line.

mod bundled;
mod draft;
mod foreign;
mod loads;
mod options;
mod plan;
mod rehearsal;
mod unused;
mod values;

pub(crate) use self::bundled::{pairs, variables};
pub use self::options::{Cli, Command, Common, Port, parse};
pub(crate) use self::plan::bad;
pub use self::plan::{BadInput, Plan, plan};
pub use self::rehearsal::{Files, LimitArgs};
pub use self::values::Pair;
