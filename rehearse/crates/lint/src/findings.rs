//! What is wrong, and where.

use std::fmt;

use serde::Serialize;

use super::document::{Object, Source};

/// Something to be mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file, or the folder that was rendered.
    pub file: String,
    /// Kind and name.
    pub object: Option<String>,
    /// What, with its figures, and what is allowed.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        f.write_str(&self.problem)
    }
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) all: Vec<Finding>,
}

impl Findings {
    /// Something that is wrong with a file as a whole.
    pub(super) fn with_file(&mut self, file: &str, problem: impl fmt::Display) {
        self.all.push(Finding {
            file: file.to_owned(),
            object: None,
            problem: problem.to_string(),
        });
    }

    /// Takes what is wrong with one object.
    pub(super) fn about(&mut self, source: &Source, object: &Object) -> Problems<'_> {
        Problems {
            file: source.file.clone(),
            object: object.to_string(),
            findings: self,
        }
    }
}

/// Takes what is wrong with one object.
pub(super) struct Problems<'a> {
    file: String,
    object: String,
    findings: &'a mut Findings,
}

impl Problems<'_> {
    pub(super) fn add(&mut self, problem: impl fmt::Display) {
        self.findings.all.push(Finding {
            file: self.file.clone(),
            object: Some(self.object.clone()),
            problem: problem.to_string(),
        });
    }
}
