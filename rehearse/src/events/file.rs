//! The log as a file: JSON lines.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::line::{Header, Line};
use super::lines;
use crate::report::ScenarioReport;

/// A log that is being written.
#[derive(Debug)]
pub struct EventsFile(BufWriter<File>);

impl EventsFile {
    /// Creates the file, and writes what holds for the whole log.
    ///
    /// # Errors
    /// If it cannot be created or written.
    pub fn create(path: &Path, header: Header) -> io::Result<Self> {
        let mut file = Self(BufWriter::new(File::create(path)?));
        file.write(&Line::Log(header))?;
        file.0.flush()?;
        Ok(file)
    }

    /// Writes the log of a scenario.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn scenario(&mut self, scenario: &ScenarioReport) -> io::Result<()> {
        let mut result = Ok(());
        lines(scenario, |line| {
            if result.is_ok() {
                result = self.write(&line);
            }
        });
        result?;
        self.0.flush()
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, line)?;
        self.0.write_all(b"\n")
    }
}
