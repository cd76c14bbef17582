//! What the figures say, before all else.

use super::arm::Arm;
use super::data::ScenarioLog;
use super::text::{capital, count, escape, percent, thousands};

/// A verdict as the page shows it.
pub(super) struct Shown {
    /// `pass`, `fail` or `open`.
    pub(super) class: &'static str,
    /// In capitals.
    pub(super) badge: String,
    /// The sentence that counts.
    pub(super) first: String,
    /// What else is said.
    pub(super) rest: String,
}

impl Shown {
    pub(super) fn of(scenario_log: &ScenarioLog) -> Self {
        let Some(verdict) = scenario_log.verdict else {
            return Self {
                class: "open",
                badge: "NO VERDICT".to_owned(),
                first: "The log ends before the scenario does".to_owned(),
                rest: String::new(),
            };
        };
        let class = match verdict.verdict.as_str() {
            "pass" => "pass",
            "without-control" | "nothing-to-lose" | "without-service" => "open",
            _ => "fail",
        };
        // Here it is seen below.
        let summary = verdict.summary.replace(" (see above)", "");
        let summary = summary.replace(" %", "\u{a0}%");
        let (badge, words) = badge(&summary);
        let (first, rest) = split(words);
        Self {
            class,
            badge: badge.map_or_else(|| verdict.verdict.to_uppercase(), str::to_owned),
            first: capital(first),
            rest: capital(rest),
        }
    }

    pub(super) fn badge(&self) -> String {
        let path = match self.class {
            "pass" => "M3 8.5L6.5 12 13 4.5",
            "fail" => "M4 4L12 12M12 4L4 12",
            _ => "M5 6a3 3 0 1 1 4 2.8Q8 9.3 8 10M8 12.6V12.9",
        };
        format!(
            "<span class=\"badge {}\"><svg viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path \
             d=\"{path}\"/></svg>{}</span>",
            self.class,
            escape(&self.badge)
        )
    }
}

/// `PASS: the service …`: the word in capitals in front, and what follows.
fn badge(summary: &str) -> (Option<&str>, &str) {
    match summary.split_once(": ") {
        Some((badge, words)) if !badge.chars().any(char::is_lowercase) => (Some(badge), words),
        _ => (None, summary),
    }
}

/// The first statement, and the others.
fn split(words: &str) -> (&str, &str) {
    let end = ["; ", ". "].iter().filter_map(|end| words.find(end)).min();
    match end {
        Some(end) => (&words[..end], &words[end + 2..]),
        None => (words.trim_end_matches('.'), ""),
    }
}

/// The verdict, and the failed requests of each arm.
pub(super) fn html(scenario_log: &ScenarioLog) -> String {
    let shown = Shown::of(scenario_log);
    let tiles: String = scenario_log.arms.iter().map(tile).collect();
    let rest = match shown.rest.as_str() {
        "" => String::new(),
        rest => format!("<p class=\"rest\">{}</p>", escape(rest)),
    };
    format!(
        "<div class=\"verdict {}\">{}<p class=\"first\">{}</p>{rest}</div>\n<div \
         class=\"tiles\">{tiles}</div>\n",
        shown.class,
        shown.badge(),
        escape(&shown.first),
    )
}

fn tile(arm: &Arm) -> String {
    let (failed, requests) = (arm.failures.len(), arm.requests.len());
    let none = if failed == 0 { " none" } else { "" };
    format!(
        "<div class=\"tile {}{none}\"><h3><i class=\"swatch\"></i>{}</h3><p><b>{}</b> failed \
         <span>of {}<br>{}</span></p></div>",
        arm.class(),
        escape(arm.spoken()),
        thousands(failed),
        count(requests, "request"),
        percent(failed, requests)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_taken_apart() {
        let (word, words) = badge("NO PROOF: the service lost 0; in the same run: more. None.");
        assert_eq!(word, Some("NO PROOF"));
        assert_eq!(
            split(words),
            ("the service lost 0", "in the same run: more. None.")
        );
        assert_eq!(badge("it went: well"), (None, "it went: well"));
        assert_eq!(split("all is well."), ("all is well", ""));
    }
}
