//! Several runs in one table.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, ensure};

use super::report::{Finding, Report, Verdict};
use super::requirement::DOCUMENT;

/// Reads what `--json` has written, and lays it side by side, by the files' names; a case's links
/// are those within the document.
pub(super) fn table(files: &[impl AsRef<Path>]) -> anyhow::Result<String> {
    let reports = files.iter().map(|file| read(file.as_ref()));
    let reports = reports.collect::<anyhow::Result<Vec<_>>>()?;
    let Some((first, others)) = reports.split_first() else {
        return Ok(String::new());
    };
    for other in others {
        let same = names(first).eq(names(other));
        ensure!(
            same,
            "{} has other cases than {}",
            other.program,
            first.program
        );
    }
    let mut out = String::from("| case |");
    for report in &reports {
        let _infallible = write!(out, " {} |", report.program);
    }
    let _infallible = write!(out, "\n|---|{}", "---|".repeat(reports.len()));
    for (index, case) in first.cases.iter().enumerate() {
        let anchor = case.rule.trim_start_matches(DOCUMENT);
        let _infallible = write!(out, "\n| [{}]({anchor}): {} |", case.name, case.claim);
        for report in &reports {
            let _infallible = write!(out, " {} |", cell(&report.cases[index]));
        }
    }
    let _infallible = write!(out, "\n| **passed of those that apply** |");
    for Report { passed, failed, .. } in &reports {
        let _infallible = write!(out, " **{passed}/{}** |", passed + failed);
    }
    Ok(out)
}

fn cell(case: &Finding) -> &'static str {
    match case.verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "**fail**",
        Verdict::NotApplicable => "",
    }
}

fn names(report: &Report) -> impl Iterator<Item = &str> {
    report.cases.iter().map(|case| case.name.as_str())
}

fn read(file: &Path) -> anyhow::Result<Report> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let report = serde_json::from_slice(&text);
    let report: Report =
        report.with_context(|| format!("{} is no result of conform --json", file.display()))?;
    let name = file.file_stem().unwrap_or_default();
    Ok(Report {
        program: name.display().to_string(),
        ..report
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::case::Stop;
    use crate::conform::cases;

    fn written(name: &str, count: usize) -> std::path::PathBuf {
        let outcomes = [
            Ok(()),
            Err(Stop::failed("RST")),
            Err(Stop::not_applicable("--slow PATH")),
        ];
        let found = cases::all().zip(outcomes).take(count);
        let time = std::time::Duration::ZERO;
        let cases: Vec<_> = found
            .map(|(case, outcome)| Finding::new(case, outcome, time))
            .collect();
        let report = Report {
            version: String::new(),
            program: "server".to_owned(),
            command: String::new(),
            signal: String::new(),
            lame_duck: String::new(),
            deadline: String::new(),
            seconds: 0.0,
            passed: 1,
            failed: 1,
            not_applicable: 1,
            cases,
        };
        let folder = std::env::temp_dir().join(format!("rehearse-merge-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.json"));
        std::fs::write(&file, serde_json::to_string(&report).unwrap()).unwrap();
        file
    }

    #[test]
    fn runs_stand_side_by_side_by_the_names_of_their_files() {
        let table = table(&[written("ours", 3), written("theirs", 3)]).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "| case | ours | theirs |");
        assert!(
            lines[2].starts_with("| [newcomer-served](#lame-duck): "),
            "{table}"
        );
        assert!(lines[2].ends_with(" | pass | pass |"), "{table}");
        assert!(lines[3].ends_with(" | **fail** | **fail** |"), "{table}");
        assert!(lines[4].ends_with(" |  |  |"), "{table}");
        assert!(lines[5].ends_with(" | **1/2** | **1/2** |"), "{table}");
    }

    #[test]
    fn runs_of_other_cases_do_not_fit() {
        let error = table(&[written("all", 3), written("some", 2)]).unwrap_err();
        assert_eq!(error.to_string(), "some has other cases than all");
    }

    #[test]
    fn a_file_that_is_no_result_is_named() {
        let error = table(&["/nonexistent.json"]).unwrap_err();
        assert!(error.to_string().contains("/nonexistent.json"), "{error}");
    }
}
