//! `rehearse conform`: how a program leaves, held to the rules, from outside.
//!
//! A program is known only by its address, signals, and what it does on raw sockets. Each case has
//! a process of its own, makes one observation, and names the rule it holds the program to.

mod bundled;
mod case;
mod cases;
mod given;
mod http;
mod http2;
mod merge;
mod need;
mod options;
mod pod;
mod report;
mod rule;
mod stand;
mod subject;
mod suite;
#[cfg(test)]
mod tests;
mod websocket;
mod wire;

use anyhow::bail;
use tokio::time::Instant;

pub use self::options::{Bundled, Conform, Told};

use self::case::{Case, Stop};
use self::report::Report;
use self::stand::Stand;
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
        Some(bundled) => Some(bundled.subject(&options.environment, binaries)),
        None => Some(given::subject(options)?),
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
    /// Runs what was asked for, and hands back the exit code: 0, 1 if a case
    /// failed, 2 if none applied. Dropping the
    /// future ends every process that it has started.
    ///
    /// # Errors
    /// If the program cannot be built, or does not start, or a file cannot be read.
    pub async fn run(self, binaries: &Binaries) -> anyhow::Result<u8> {
        if !self.options.merge.is_empty() {
            println!("{}", merge::table(&self.options.merge)?);
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
        let stand = Stand {
            subject,
            addresses: &addresses,
        };
        answers(&stand).await?;
        let began = Instant::now();
        let findings =
            suite::run(&stand, &self.cases, self.jobs(), self.options.output.quiet).await;
        let report = Report::new(subject, findings, began.elapsed());
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
            (_, true) => print!("{}", report.markdown()),
            _ => print!("{}", report.text()),
        }
        Ok(())
    }
}

/// Whether the program serves at all: if not, no case says anything.
async fn answers(stand: &Stand<'_>) -> anyhow::Result<()> {
    let path = &stand.subject.routes.plain;
    let answer = async {
        let pod = stand.start().await?;
        pod.ask()
            .await
            .map_err(|seen| Stop::failed(format!("GET {path}: {seen}")))
    };
    match answer.await {
        Ok(_) => Ok(()),
        Err(Stop::Failed(why) | Stop::NotApplicable(why) | Stop::Late(why)) => {
            bail!("{}: {why}", stand.subject.program.by_hand())
        }
    }
}

fn list(cases: &[&Case]) {
    for case in cases {
        let needs: Vec<&str> = case.needs.iter().map(|need| need.option()).collect();
        let needs = match needs.is_empty() {
            true => String::new(),
            false => format!(" (needs {})", needs.join(", ")),
        };
        println!("{:24}  {}{needs}", case.name, case.claim);
    }
}
