//! The command line: options, scenario files, and what they mean.

mod bundled;
mod clients;
mod commands;
mod load;
mod on_model;
mod options;
mod parse;
mod plan;
mod run;
mod scenario_file;
mod scenarios;
mod target;
mod values;

pub(crate) use self::bundled::{pairs, variables};
pub use self::commands::{Cli, Command};
pub use self::on_model::{plan_on_model, rehearsal_on_model};
pub use self::options::{Environment, Rehearsal};
pub use self::parse::parse;
pub(crate) use self::plan::bad;
pub use self::plan::{BadInput, Plan, plan};
pub use self::run::Port;
pub use self::values::Pair;
pub use rehearse_report::options::{Files, Output, Programs, Seed};
