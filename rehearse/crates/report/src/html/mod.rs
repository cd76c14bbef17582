//! A run as a page that needs nothing but itself: no other file, no network.

mod arm;
mod axis;
mod curve;
mod data;
mod deletions;
mod failures;
mod kinds;
mod lanes;
mod latency;
mod marks;
mod pods;
mod routing;
mod run;
mod since_deletion;
mod stats;
mod svg;
mod tables;
mod text;
mod timeline;
mod verdict;

use self::data::{Log, ScenarioLog};
use self::line::Line;
use self::text::{date, escape};
use self::verdict::Shown;
// All that ties the page to its crate.
use crate::events::line;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Patterns of pods' lives, so that their parts differ by more than colour.
const PATTERNS: &str = "<pattern id=\"hatch\" width=\"5\" height=\"5\" \
     patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" \
     class=\"hatch-back\"/><rect width=\"2\" height=\"5\" class=\"hatch-line\"/></pattern>";

/// The page of a log.
pub fn page(lines: &[Line]) -> String {
    let log = Log::of(lines);
    let arms = log
        .scenarios
        .iter()
        .flat_map(|scenario_log| &scenario_log.arms);
    let cap = marks::cap(arms.map(|arm| arm.failures.len()).collect());
    let scenarios = log.scenarios.iter().enumerate();
    let scenarios: String = scenarios
        .map(|(index, of)| scenario_log(index, of, cap))
        .collect();
    let empty = match log.scenarios.is_empty() {
        true => "<p class=\"nothing\">There is no scenario in this log.</p>\n",
        false => "",
    };
    format!(
        "{}<body>\n<svg width=\"0\" height=\"0\" class=\"defs\" \
         aria-hidden=\"true\"><defs>{PATTERNS}{}</defs></svg>\n<main>\n{}{}{scenarios}{empty}{}</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        head(),
        kinds::symbols(),
        title(&log),
        contents(&log),
        run::html(log.header)
    )
}

/// Everything from elsewhere is forbidden, in case a log ever finds a way to ask for it.
fn head() -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta \
         http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n<meta name=\"color-scheme\" \
         content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n<title>Rehearsal \
         report</title>\n<style>{STYLE}</style>\n</head>\n"
    )
}

fn title(log: &Log) -> String {
    let when = log.header.map_or_else(String::new, |header| {
        let (version, began) = (escape(&header.rehearse), date(header.began));
        format!("<p>rehearse {version} · {began} · seed {}</p>", header.seed)
    });
    format!("<header class=\"top\"><h1>Rehearsal report</h1>{when}</header>\n")
}

/// The scenarios with their verdicts, if there are several.
fn contents(log: &Log) -> String {
    if log.scenarios.len() < 2 {
        return String::new();
    }
    let entry = |(index, scenario_log): (usize, &ScenarioLog)| {
        let shown = Shown::of(scenario_log);
        format!(
            "<li><a href=\"#s{index}\">{}<b>{}</b><span>{}</span></a></li>",
            shown.badge(),
            escape(scenario_log.service()),
            escape(&shown.first)
        )
    };
    let entries: String = log.scenarios.iter().enumerate().map(entry).collect();
    format!("<nav aria-label=\"Scenarios\"><ul>{entries}</ul></nav>\n")
}

fn scenario_log(index: usize, scenario_log: &ScenarioLog, cap: usize) -> String {
    let conditions = scenario_log
        .scenario
        .map_or("", |scenario| &scenario.conditions);
    let named = format!("{}: ", scenario_log.service());
    let conditions = conditions.strip_prefix(&named).unwrap_or(conditions);
    let parts = [
        verdict::html(scenario_log),
        tables::figures(scenario_log),
        tables::failures(scenario_log),
        deletions::html(scenario_log),
        timeline::html(scenario_log, cap),
        curve::html(scenario_log),
        failures::html(scenario_log),
    ];
    format!(
        "<section class=\"scenario\" id=\"s{index}\">\n<h2>{} <small>{}</small></h2>\n{}</section>\n",
        escape(scenario_log.service()),
        escape(conditions),
        parts.concat()
    )
}

#[cfg(test)]
mod tests;
