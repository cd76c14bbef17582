//! The command line.

mod bundled;
mod draft;
mod foreign;
mod loads;
mod options;
mod plan;
mod unused;
mod values;

pub use self::options::{Cli, Command, parse};
pub use self::plan::{BadInput, Plan, plan};
