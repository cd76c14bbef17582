//! The drain report that a pod of Lastcall leaves in its log.

use serde::Deserialize;

/// A line of the log, as JSON.
#[derive(Deserialize)]
struct Line {
    message: String,
    report: String,
}

#[derive(Deserialize)]
struct Report {
    crossed: u64,
}

/// Requests that crossed the end of their connection, by the last report among these lines. Who
/// writes no such reports leaves none.
pub(super) fn crossed(log: &[String]) -> Option<u64> {
    log.iter().rev().find_map(|line| {
        let line: Line = serde_json::from_str(line).ok()?;
        let is_report = line.message == "drain report";
        let report = is_report.then(|| serde_json::from_str::<Report>(&line.report));
        Some(report?.ok()?.crossed)
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
        assert_eq!(crossed(&log), Some(3));
    }

    #[test]
    fn other_lines_are_no_report() {
        let log = [
            line("another", r#"{"crossed":3}"#),
            line("drain report", "{}"),
            "{}".to_owned(),
        ];
        assert_eq!(crossed(&log), None);
    }
}
