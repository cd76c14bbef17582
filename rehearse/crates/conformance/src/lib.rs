//! `rehearse conform`: how a program shuts down, held to the standards and to our conventions, from
//! outside.
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
mod http1;
mod http2;
mod launcher;
mod options;
mod report;
mod requirement;
mod runner;
mod server;
mod subject;
#[cfg(test)]
mod tests;
mod websocket;

use anyhow::bail;
use tokio::time::Instant;

pub use self::options::{Bundled, Conform, TerminationSignal};

use self::case::{Case, Stop};
use self::delay::DelayMonitor;
use self::launcher::Launcher;
use self::report::Report;
use self::subject::Subject;
use crate::binaries::Binaries;
use crate::cli::{BadInput, bad};
use crate::limits;
use rehearse_model::address::AddressPool;

/// Cases that run at a time for each core: they mostly wait.
const JOBS_PER_CORE: usize = 4;

/// What a command line asks for, checked.
pub struct Suite<'a> {
    options: &'a Conform,
    cases: Vec<&'static Case>,
    subject: Option<Subject>,
}

/// Reads the options' meaning.
///
/// # Errors
/// The first that cannot be used.
pub fn suite<'a>(options: &'a Conform, binaries: &Binaries) -> Result<Suite<'a>, BadInput> {
    let cases = chosen(&options.only)?;
    let subject = match options.service {
        _ if options.list || !options.merge.is_empty() => None,
        Some(bundled) => Some(bundled.subject(options, binaries)?),
        None => Some(subject::command_line::subject(options)?),
    };
    Ok(Suite {
        options,
        cases,
        subject,
    })
}

/// All cases, or those that are named.
fn chosen(only: &[String]) -> Result<Vec<&'static Case>, BadInput> {
    let all: Vec<&Case> = cases::all().collect();
    for name in only {
        if !all.iter().any(|case| case.name == name) {
            return bad("--only", name, "must be a case that --list names");
        }
    }
    let is_chosen = |case: &&Case| only.is_empty() || only.iter().any(|name| name == case.name);
    Ok(all.into_iter().filter(is_chosen).collect())
}

impl Suite<'_> {
    /// Runs what was asked for, and hands back the exit code: 0, 1 if a case failed, 2 if one was
    /// inconclusive or none applied. Dropping the future ends every process that it has started.
    ///
    /// # Errors
    /// If the program cannot be built, or does not start, or a file cannot be read.
    pub async fn run(self, binaries: &Binaries) -> anyhow::Result<u8> {
        if !self.options.merge.is_empty() {
            println!("{}", comparison::of_files(&self.options.merge)?);
            return Ok(0);
        }
        let Some(subject) = &self.subject else {
            list(&self.cases);
            return Ok(0);
        };
        if let Some(bundled) = self.options.service {
            binaries.provide(bundled.programs()).await?;
        }
        limits::raise();
        let addresses = AddressPool::claim()?;
        answers(&Launcher::new(subject, &addresses)).await?;
        let began = Instant::now();
        let monitor = DelayMonitor::start().await?;
        let findings = runner::run(
            subject,
            &addresses,
            &self.cases,
            self.jobs(),
            self.options.output.quiet,
            &monitor,
        );
        let findings = findings.await;
        let longest_delay = monitor.longest_since(began);
        let report = Report::new(subject, findings, began.elapsed(), longest_delay);
        self.print(&report)?;
        Ok(report.exit_code())
    }

    fn jobs(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = self.options.jobs.map(usize::from);
        jobs.unwrap_or(JOBS_PER_CORE * cores)
    }

    fn print(&self, report: &Report) -> anyhow::Result<()> {
        match (self.options.output.json, self.options.markdown) {
            (true, _) => println!("{}", serde_json::to_string_pretty(report)?),
            (_, true) => {
                print!("{}", comparison::tables(std::slice::from_ref(report)));
                println!("\n{}", report.summary());
            }
            _ => print!("{}", report.text()),
        }
        Ok(())
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

/// By requirement, in the order of the tables.
fn list(cases: &[&Case]) {
    for requirement in requirement::ALL {
        let mut of_it = cases
            .iter()
            .filter(|case| case.requirement.name == requirement.name)
            .peekable();
        if of_it.peek().is_some() {
            let level = requirement.level.name();
            println!("{level} {}: {}", requirement.name, requirement.statement);
        }
        for case in of_it {
            let requires: Vec<&str> = case.requires.iter().map(|f| f.option()).collect();
            let requires = match requires.is_empty() {
                true => String::new(),
                false => format!(" (needs {})", requires.join(", ")),
            };
            println!("  {:26}  {}{requires}", case.name, case.claim);
        }
    }
}
