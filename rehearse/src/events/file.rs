//! The log as files: JSON lines, and the report in HTML that is made from them.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::line::{Header, Line};
use super::lines;
use crate::report::{ScenarioReport, html};

/// The files that a run writes. Those that were not asked for are none.
#[derive(Debug)]
pub struct Files {
    events: Option<BufWriter<File>>,
    report: Option<Report>,
}

/// A report is written when the run is over, and at the beginning only to see whether it can be.
#[derive(Debug)]
struct Report {
    file: File,
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
        header: &Header,
    ) -> anyhow::Result<Self> {
        let header = Line::Log(header.clone());
        let mut events = events
            .map(|path| create("--events", path).map(BufWriter::new))
            .transpose()?;
        if let Some(file) = &mut events {
            write(file, &header).context(CANNOT_WRITE)?;
        }
        let report = report
            .map(|path| create("--report", path))
            .transpose()?
            .map(|file| Report {
                file,
                lines: vec![header],
            });
        Ok(Self { events, report })
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

    /// Writes the report.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> anyhow::Result<()> {
        let Some(Report { mut file, lines }) = self.report else {
            return Ok(());
        };
        let page = html::page(&lines);
        let written = file.write_all(page.as_bytes());
        written.context("--report: cannot write")
    }
}

const CANNOT_WRITE: &str = "--events: cannot write";

fn create(option: &str, path: &Path) -> anyhow::Result<File> {
    let created = File::create(path);
    created.with_context(|| format!("{option} {}: cannot create", path.display()))
}

fn write(file: &mut impl io::Write, line: &Line) -> io::Result<()> {
    serde_json::to_writer(&mut *file, line)?;
    file.write_all(b"\n")
}
