//! `rehearse conform`: the command line of [`rehearse_conformance`].

mod bundled;
mod command_line;
mod options;
#[cfg(test)]
mod tests;

use rehearse_conformance::{Report, Subject, Suite};
use tokio_util::sync::CancellationToken;

pub use self::options::{Bundled, Conform, TerminationSignal};

use crate::binaries::Binaries;
use crate::certificates::Certificates;
use crate::cli::{BadInput, bad};
use crate::limits;
use crate::scenario::Transport;

/// Cases that run at a time for each core: they mostly wait.
const JOBS_PER_CORE: usize = 4;

/// What a command line asks for, checked.
pub struct Plan<'a> {
    options: &'a Conform,
    suite: Suite,
    subject: Option<Subject>,
    /// What it is given, if it is to speak TLS.
    transport: Transport,
}

/// Reads the options' meaning.
///
/// # Errors
/// The first that cannot be used.
pub fn plan<'a>(options: &'a Conform, binaries: &Binaries) -> Result<Plan<'a>, BadInput> {
    let suite = Suite::of(&options.only);
    let suite = suite.or_else(|name| bad("--only", name, "must be a case that --list names"))?;
    let subject = match options.service {
        _ if options.list || !options.merge.is_empty() => None,
        Some(bundled) => Some(bundled.subject(options, binaries)?),
        None => Some(command_line::subject(options)?),
    };
    Ok(Plan {
        options,
        suite,
        subject,
        transport: options.transport(),
    })
}

/// The same program, which knows of its certificate, and its clients, which trust it.
fn over_tls(mut subject: Subject, certificates: Option<&Certificates>) -> Subject {
    if let Some(certificates) = certificates {
        subject.program.env.extend(certificates.variables());
        subject.tls = Some(certificates.trust.clone());
    }
    subject
}

impl Plan<'_> {
    /// Runs what was asked for, and hands back the exit code: 0, 1 if a case failed, 2 if one was
    /// inconclusive or none applied, 130 if `interrupt` ended it early; then the findings are those so
    /// far. When this returns no process is left.
    ///
    /// # Errors
    /// If the program cannot be built, or does not start, or a file cannot be read.
    pub async fn run(
        self,
        binaries: &Binaries,
        interrupt: &CancellationToken,
    ) -> anyhow::Result<u8> {
        if !self.options.merge.is_empty() {
            println!("{}", rehearse_conformance::compare(&self.options.merge)?);
            return Ok(0);
        }
        let Some(subject) = self.subject.clone() else {
            print!("{}", self.suite);
            return Ok(0);
        };
        let certificates = match self.transport {
            Transport::Clear => None,
            Transport::Tls => Some(Certificates::new()?),
        };
        let subject = over_tls(subject, certificates.as_ref());
        if let Some(bundled) = self.options.service {
            let provided = binaries.provide(bundled.programs());
            interrupt.run_until_cancelled(provided).await.transpose()?;
        }
        limits::raise();
        let quiet = self.options.output.quiet;
        let report = self
            .suite
            .run(&subject, self.jobs(), quiet, interrupt)
            .await?;
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
