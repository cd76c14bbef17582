//! How a program shuts down, held to the standards and to our conventions, from outside.
//!
//! A program is known only by its address, signals, and what it does on raw sockets. Each case
//! (`cases`) starts a process of its own (`launcher`, `server`), makes one observation on raw
//! connections (`connection`; by HTTP/1.1, HTTP/2 or WebSocket in `http1`, `http2`, `websocket`), and
//! belongs to a requirement with a level and a source (`requirement`). While cases run it is measured
//! how late this machine is (`delay`): what it is too slow to judge is inconclusive.

mod case;
mod cases;
mod comparison;
mod connection;
mod delay;
mod feature;
mod finding;
mod http1;
mod http2;
mod launcher;
mod report;
mod requirement;
mod runner;
mod server;
mod subject;
#[cfg(test)]
mod tests;
mod websocket;

use std::fmt;

use anyhow::bail;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::comparison::of_files as compare;
pub use self::report::Report;
pub use self::subject::{Download, PreStopHook, Probes, Routes, Slow, Subject};

use self::case::{Case, Stop};
use self::delay::DelayMonitor;
use self::launcher::Launcher;
use rehearse_model::address::AddressPool;

/// Cases that a program is held to.
pub struct Suite(Vec<&'static Case>);

impl Suite {
    /// The cases of these names; all, if there is no name.
    ///
    /// # Errors
    /// The first name that no case has.
    pub fn of(names: &[String]) -> Result<Self, &str> {
        if let Some(name) = names
            .iter()
            .find(|name| cases::all().all(|case| case.name != **name))
        {
            return Err(name);
        }
        let is_chosen = |case: &&Case| names.is_empty() || names.iter().any(|n| n == case.name);
        Ok(Self(cases::all().filter(is_chosen).collect()))
    }

    /// Runs them, so many at a time; unless it is to be `quiet`, with progress on standard error.
    /// `interrupt` ends it early: then the report has the findings so far, and no verdict. When this
    /// returns no process is left.
    ///
    /// # Errors
    /// If the program does not start, or does not answer.
    pub async fn run(
        &self,
        subject: &Subject,
        jobs: usize,
        quiet: bool,
        interrupt: &CancellationToken,
    ) -> anyhow::Result<Report> {
        let addresses = AddressPool::claim()?;
        let launcher = Launcher::new(subject, &addresses);
        let answered = interrupt.run_until_cancelled(answers(&launcher)).await;
        answered.transpose()?;
        let began = Instant::now();
        let monitor = DelayMonitor::start().await?;
        let cases = &self.0;
        let findings =
            runner::run(subject, &addresses, cases, jobs, quiet, &monitor, interrupt).await;
        let longest_delay = monitor.longest_since(began);
        let report = Report::new(subject, findings, began.elapsed(), longest_delay);
        Ok(match report.cases.len() < cases.len() {
            true => report.interrupted(),
            false => report,
        })
    }
}

/// Whether the program serves at all: if not, no case says anything.
async fn answers(launcher: &Launcher<'_>) -> anyhow::Result<()> {
    let path = &launcher.subject.routes.plain;
    let answer = async {
        let server = launcher.start().await?;
        server
            .request()
            .await
            .map_err(|seen| Stop::failed(format!("GET {path}: {seen}")))
    };
    match answer.await {
        Ok(_) => Ok(()),
        Err(Stop::Failed(why) | Stop::NotApplicable(why) | Stop::Inconclusive(why)) => {
            bail!("{}: {why}", launcher.subject.program.by_hand())
        }
    }
}

/// The list of them by requirement, in the order of the tables.
impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for requirement in requirement::ALL {
            let is_of_it = |case: &&&Case| case.requirement.name == requirement.name;
            let mut of_it = self.0.iter().filter(is_of_it).peekable();
            if of_it.peek().is_some() {
                let level = requirement.level.name();
                writeln!(f, "{level} {}: {}", requirement.name, requirement.statement)?;
            }
            for case in of_it {
                let requires: Vec<&str> = case.requires.iter().map(|f| f.option()).collect();
                let requires = match requires.is_empty() {
                    true => String::new(),
                    false => format!(" (needs {})", requires.join(", ")),
                };
                writeln!(f, "  {:26}  {}{requires}", case.name, case.claim)?;
            }
        }
        Ok(())
    }
}
