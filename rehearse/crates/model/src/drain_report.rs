//! The drain report that a pod of Lastcall leaves in its log.

use serde::Deserialize;

use rehearse_platform::DrainReport;

/// A line of the log, as JSON.
#[derive(Deserialize)]
struct Line {
    message: String,
    report: String,
}

/// The last one among these lines, and its text. Who writes no such reports leaves none.
pub(super) fn last(log: &[String]) -> Option<(DrainReport, String)> {
    log.iter().rev().find_map(|line| {
        let line: Line = serde_json::from_str(line).ok()?;
        let is_report = line.message == "drain report";
        let report = is_report.then(|| DrainReport::of(&line.report))??;
        Some((report, line.report))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str, report: &str) -> String {
        serde_json::json!({"level": "INFO", "message": message, "report": report}).to_string()
    }

    #[test]
    fn the_last_report_counts() {
        let log = [
            line("drain report", r#"{"phase":"lame-duck","crossed":0}"#),
            line("drain report", r#"{"phase":"stopped","crossed":3}"#),
            "a panic's last words".to_owned(),
        ];
        let (report, text) = last(&log).unwrap();
        assert_eq!(report.crossed, 3);
        assert!(text.contains("stopped"), "{report:?}");
    }

    #[test]
    fn other_lines_are_no_report() {
        let log = [
            line("another", r#"{"phase":"stopped","crossed":3}"#),
            line("drain report", "{}"),
            "{}".to_owned(),
        ];
        assert_eq!(last(&log), None);
    }
}
