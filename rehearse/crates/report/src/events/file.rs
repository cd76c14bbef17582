//! What a run writes: the log as JSON lines, the report in HTML that is made from it, and the verdict
//! as XML.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::line::{Header, Line};
use super::lines;
use crate::{ScenarioReport, Verdict, html, junit};

/// The files that a run writes. Those that were not asked for are none.
#[derive(Debug)]
pub struct Files {
    events: Option<BufWriter<File>>,
    report: Option<Report>,
    junit: Option<PathBuf>,
}

/// A report is written when the run is over.
#[derive(Debug)]
struct Report {
    path: PathBuf,
    lines: Vec<Line>,
}

impl Files {
    /// Creates the files.
    ///
    /// # Errors
    /// If one cannot be created or written. The error names the option.
    pub fn create(
        events: Option<&Path>,
        report: Option<&Path>,
        junit: Option<&Path>,
        header: &Header,
    ) -> anyhow::Result<Self> {
        let paths = [events, report, junit];
        let all = || paths.iter().flatten();
        if all().count() > all().collect::<BTreeSet<_>>().len() {
            bail!("--events, --report and --junit: each needs a file of its own");
        }
        let junit = junit.map(|path| later("--junit", path)).transpose()?;
        let header = Line::Log(header.clone());
        let mut events = events
            .map(|path| create("--events", path).map(BufWriter::new))
            .transpose()?;
        if let Some(file) = &mut events {
            let emptied = file.get_ref().set_len(0);
            emptied
                .and_then(|()| write(file, &header))
                .context(CANNOT_WRITE)?;
        }
        let report = report
            .map(|path| later("--report", path))
            .transpose()?
            .map(|path| Report {
                path,
                lines: vec![header],
            });
        Ok(Self {
            events,
            report,
            junit,
        })
    }

    /// Writes the log of a scenario.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn scenario(&mut self, scenario: &ScenarioReport) -> anyhow::Result<()> {
        if let Some(file) = &mut self.events {
            let mut written = Ok(());
            lines(scenario, |line| {
                if written.is_ok() {
                    written = write(file, &line);
                }
            });
            written.and_then(|()| file.flush()).context(CANNOT_WRITE)?;
        }
        if let Some(report) = &mut self.report {
            lines(scenario, |line| report.lines.push(line));
        }
        Ok(())
    }

    /// Writes what sums up the whole run; `whole`: its verdict, where it is judged as one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish<'a>(
        self,
        scenarios: impl Iterator<Item = &'a ScenarioReport>,
        whole: Option<(Verdict, &str)>,
    ) -> anyhow::Result<()> {
        if let Some(Report { path, lines }) = self.report {
            let written = fs::write(path, html::page(&lines));
            written.context("--report: cannot write")?;
        }
        if let Some(path) = self.junit {
            let xml = junit::xml(scenarios, whole).context("--junit")?;
            fs::write(path, xml).context("--junit: cannot write")?;
        }
        Ok(())
    }
}

const CANNOT_WRITE: &str = "--events: cannot write";

/// What an earlier run has written stays until there is something better.
fn create(option: &str, path: &Path) -> anyhow::Result<File> {
    let mut options = File::options();
    let created = options.write(true).create(true).truncate(false).open(path);
    created.with_context(|| format!("{option} {}: cannot write", path.display()))
}

/// A file that is written when the run is over: whether it can be is seen now, and nothing is left of a
/// run that is interrupted.
fn later(option: &str, path: &Path) -> anyhow::Result<PathBuf> {
    let is_new = !path.exists();
    create(option, path)?;
    if is_new {
        fs::remove_file(path).with_context(|| format!("{option} {}", path.display()))?;
    }
    Ok(path.to_owned())
}

fn write(file: &mut impl io::Write, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *file, line)?;
    file.write_all(b"\n")
}
