//! The drain report that a pod of Lastcall leaves in its log.

use serde::Deserialize;

/// A line of the log, as JSON.
#[derive(Deserialize)]
struct Line {
    message: String,
    report: String,
}

/// What is needed of a drain report, and the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrainReport {
    /// Requests that crossed the end of their connection.
    pub crossed: u64,
    /// As it was written: JSON.
    pub text: String,
}

#[derive(Deserialize)]
struct Figures {
    crossed: u64,
}

impl DrainReport {
    /// The last one among these lines. Who writes no such reports leaves none.
    pub(super) fn last(log: &[String]) -> Option<Self> {
        log.iter().rev().find_map(|line| {
            let line: Line = serde_json::from_str(line).ok()?;
            let is_report = line.message == "drain report";
            let figures = is_report.then(|| serde_json::from_str::<Figures>(&line.report));
            let Figures { crossed } = figures?.ok()?;
            Some(Self {
                crossed,
                text: line.report,
            })
        })
    }
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
        let report = DrainReport::last(&log).unwrap();
        assert_eq!(report.crossed, 3);
        assert!(report.text.contains("stopped"), "{report:?}");
    }

    #[test]
    fn other_lines_are_no_report() {
        let log = [
            line("another", r#"{"crossed":3}"#),
            line("drain report", "{}"),
            "{}".to_owned(),
        ];
        assert_eq!(DrainReport::last(&log), None);
    }
}
