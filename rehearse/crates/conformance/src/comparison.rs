//! One run or several as tables in Markdown, side by side: requirements by level, then every case.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, ensure};

use super::finding::{CaseResult, Finding, Group, groups};
use super::report::{Report, Verdict};
use super::requirement::{DOCUMENT, Level};

/// Reads what `--json` has written, and lays it side by side, by the files' names; a case's links
/// are those within the document.
///
/// # Errors
/// If a file cannot be read, or they are runs of different cases, or one was interrupted.
pub fn of_files(files: &[impl AsRef<Path>]) -> anyhow::Result<String> {
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
    Ok(tables(&reports).replace(&format!("]({DOCUMENT}#"), "](#"))
}

/// The tables of runs of the same cases.
pub(super) fn tables(reports: &[Report]) -> String {
    let mut out = String::new();
    for level in Level::ALL {
        if let Some(table) = table_of(level, reports) {
            let _infallible = writeln!(out, "**{}**\n\n{table}", level.name());
        }
    }
    let _infallible = write!(out, "**Case by case**\n\n{}", cases(reports));
    out
}

fn header(columns: &str, reports: &[Report]) -> String {
    let mut out = format!("| {columns} |");
    for report in reports {
        let _infallible = write!(out, " {} |", report.program);
    }
    let count = columns.split('|').count() + reports.len();
    out + "\n|" + &"---|".repeat(count) + "\n"
}

/// One line for each requirement of this level, and the count of those that are met.
fn table_of(level: Level, reports: &[Report]) -> Option<String> {
    let groups_of = |report| groups(cases_of(report)).filter(|group| group.0[0].level == level);
    let columns: Vec<Vec<Group<'_>>> = reports.iter().map(|r| groups_of(r).collect()).collect();
    let first = columns.first().filter(|groups| !groups.is_empty())?;
    let mut out = header("requirement | source", reports);
    for (index, group) in first.iter().enumerate() {
        let case = &group.0[0];
        let source = case.source.as_ref().map_or(String::new(), |source| {
            let sentence = escaped(&source.sentence);
            format!("[{}]({}): “{sentence}”", source.reference, source.url)
        });
        let (name, section, statement) = (&case.requirement, &case.section, &case.statement);
        let _infallible = write!(out, "| [{name}]({section}): {statement} | {source} |");
        for groups in &columns {
            let _infallible = write!(out, " {} |", cell(groups[index]));
        }
        out.push('\n');
    }
    out.push_str("| **met, of those that apply** | |");
    for report in reports {
        let counts = report.levels.get(&level).copied().unwrap_or_default();
        let _infallible = write!(out, " **{}/{}** |", counts.passed, counts.applicable());
    }
    out.push('\n');
    Some(out)
}

fn cases(reports: &[Report]) -> String {
    let mut out = header("case", reports);
    for (index, case) in reports.first().map_or(&[][..], cases_of).iter().enumerate() {
        let (name, section, claim) = (&case.name, &case.section, &case.claim);
        let _infallible = write!(out, "| [{name}]({section}): {claim} |");
        for report in reports {
            let _infallible = write!(out, " {} |", word(report.cases[index].result));
        }
        out.push('\n');
    }
    out.push_str("| **passed, of those that apply** |");
    for report in reports {
        let (passed, all) = Group(&report.cases).score();
        let _infallible = write!(out, " **{passed}/{all}** |");
    }
    out + "\n"
}

/// How many of a requirement's cases passed, if there are several.
fn cell(group: Group<'_>) -> String {
    match (group.result(), group.score()) {
        (CaseResult::NotApplicable, _) | (_, (_, 1)) => word(group.result()).to_owned(),
        (CaseResult::Pass, (passed, all)) => format!("{passed}/{all}"),
        (CaseResult::Fail, (passed, all)) => format!("**{passed}/{all}**"),
        (CaseResult::Inconclusive, (passed, all)) => format!("{passed}/{all}, rest inconclusive"),
    }
}

fn word(result: CaseResult) -> &'static str {
    match result {
        CaseResult::NotApplicable => "",
        CaseResult::Fail => "**fail**",
        other => other.word(),
    }
}

/// What a cell of a table may hold.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn cases_of(report: &Report) -> &[Finding] {
    &report.cases
}

fn names(report: &Report) -> impl Iterator<Item = &str> {
    report.cases.iter().map(|case| case.name.as_str())
}

fn read(file: &Path) -> anyhow::Result<Report> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let report = serde_json::from_slice(&text);
    let report: Report =
        report.with_context(|| format!("{} is no result of conform --json", file.display()))?;
    let interrupted = report.verdict == Verdict::Interrupted;
    ensure!(!interrupted, "{} was interrupted", file.display());
    let name = file.file_stem().unwrap_or_default();
    Ok(Report {
        program: name.display().to_string(),
        ..report
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::case::{Case, Stop};
    use crate::{cases, tests::report};

    /// Cases of two requirements, of the first of which one fails.
    fn written(name: &str, count: usize) -> PathBuf {
        let of = |requirement: &str| {
            let all = cases::all().filter(move |case| case.requirement.name == requirement);
            all.collect::<Vec<&Case>>()
        };
        let (many, one) = (of("close-announced"), of("valid-host"));
        let outcomes = [
            (many[0], Ok(())),
            (one[0], Ok(())),
            (many[1], Err(Stop::failed("RST"))),
            (many[2], Err(Stop::not_applicable("--slow PATH"))),
        ];
        let found = outcomes.into_iter().take(count);
        let found = found.map(|(case, outcome)| Finding::new(case, outcome, Duration::ZERO));
        let folder = std::env::temp_dir().join(format!("rehearse-merge-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("{name}.json"));
        let report = report(found.collect());
        std::fs::write(&file, serde_json::to_string(&report).unwrap()).unwrap();
        file
    }

    #[test]
    fn runs_stand_side_by_side_by_level_and_cases_of_one_requirement_count_as_one() {
        let table = of_files(&[written("ours", 4), written("theirs", 4)]).unwrap();
        let has = |line: &str| assert!(table.lines().any(|l| l == line), "{line}\n{table}");
        let begins = |line: &str| table.lines().find(|l| l.starts_with(line)).unwrap();
        assert!(table.starts_with(
            "**MUST**\n\n| requirement | source | ours | theirs |\n|---|---|---|---|\n"
        ));
        assert!(
            begins("| [valid-host](#host): ").ends_with(" | pass | pass |"),
            "{table}"
        );
        assert!(
            begins("| [close-announced](#").ends_with(" | **1/2** | **1/2** |"),
            "{table}"
        );
        has("| **met, of those that apply** | | **1/1** | **1/1** |");
        has("| **met, of those that apply** | | **0/1** | **0/1** |");
        assert!(
            begins("| [host-invalid](#host): ").ends_with(" | pass | pass |"),
            "{table}"
        );
        has("| **passed, of those that apply** | **2/3** | **2/3** |");
        let must = table.find("**MUST**").unwrap();
        assert!(must < table.find("**SHOULD**").unwrap());
    }

    #[test]
    fn runs_of_other_cases_do_not_fit() {
        let error = of_files(&[written("all", 4), written("some", 2)]).unwrap_err();
        assert_eq!(error.to_string(), "some has other cases than all");
    }

    #[test]
    fn an_interrupted_run_is_no_column() {
        let file = written("cut", 2);
        let interrupted = read(&file).unwrap().interrupted();
        std::fs::write(&file, serde_json::to_string(&interrupted).unwrap()).unwrap();
        let error = of_files(&[file]).unwrap_err().to_string();
        assert!(error.ends_with("cut.json was interrupted"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_result_is_named() {
        let error = of_files(&["/nonexistent.json"]).unwrap_err();
        assert!(error.to_string().contains("/nonexistent.json"), "{error}");
    }
}
